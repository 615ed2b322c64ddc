//! `make bench`: 100 teams from one file, made and made again, against a real API server with the webhooks registered.
#![expect(clippy::print_stdout, reason = "it reports")]

#[path = "../../tests/cluster/mod.rs"]
pub mod cluster;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use kube::Client;
use kube::api::{Api, DynamicObject, PostParams};
use serde_json::json;

use cluster::{Cluster, Folder, User, resource};

const TEAMS: u32 = 100;
const PROGRAM: &str = env!("CARGO_BIN_EXE_tiller-guard");

fn main() -> Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(measure())
}

async fn measure() -> Result<()> {
    let mut cluster = Cluster::start().await?;
    cluster.start_guard(Path::new(PROGRAM), &["serve"]).await?;
    cluster.register().await?;
    let client = cluster.client(User::Admin).await?;
    let namespaces: Api<DynamicObject> =
        Api::all_with(client.clone(), &resource("", "v1", "Namespace"));
    let guard =
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "tiller-guard" } });
    namespaces
        .create(&PostParams::default(), &serde_json::from_value(guard)?)
        .await?;
    let folder = Folder::create()?;
    let file = folder.write("teams.yaml", &teams()?)?;
    for run in ["made", "made again"] {
        let before = requests(&client).await?;
        let time = provision(&cluster, &file)?;
        let after = requests(&client).await?;
        println!(
            "{TEAMS} teams {run}: {:.1} s, {:.0} ms and {:.1} requests a team, those of controllers included",
            time.as_secs_f64(),
            time.as_secs_f64() * 1000.0 / f64::from(TEAMS),
            (after - before) / f64::from(TEAMS)
        );
    }
    Ok(())
}

fn teams() -> Result<String> {
    let mut file = String::new();
    for number in 0..TEAMS {
        write!(
            file,
            "---\napiVersion: tiller-guard.io/v1\nkind: Team\nname: team-{number}\ntillerNamespace: tiller-{number}\n\
             targetNamespaces: [apps-{number}]\nusers: [ada@example.com, bob@example.com]\n"
        )?;
    }
    Ok(file)
}

fn provision(cluster: &Cluster, file: &str) -> Result<Duration> {
    let begin = Instant::now();
    let output = Command::new(PROGRAM)
        .args(["provision", "-f", file, "--no-wait"])
        .arg(format!("--kubeconfig={}", cluster.kubeconfig().display()))
        .output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "not provisioned: {errors}");
    Ok(begin.elapsed())
}

/// What the API server counted of the requests for the kinds that are made. It does not tell clients apart: controllers
/// make accounts and tokens in new namespaces, and nothing when teams are made again.
async fn requests(client: &Client) -> Result<f64> {
    let request = hyper::Request::get("/metrics").body(Vec::new())?;
    let metrics = client.request_text(request).await?;
    let counted = metrics.lines().filter(|line| {
        let is_count = line.starts_with("apiserver_request_total{");
        let of_ours = ["GET", "LIST", "POST", "PATCH"]
            .iter()
            .any(|verb| line.contains(&format!("verb=\"{verb}\"")));
        let of_kinds = [
            "namespaces",
            "secrets",
            "configmaps",
            "serviceaccounts",
            "roles",
            "rolebindings",
            "networkpolicies",
            "services",
            "deployments",
        ]
        .iter()
        .any(|kind| line.contains(&format!("resource=\"{kind}\"")));
        is_count && of_ours && of_kinds
    });
    let numbers = counted.map(|line| {
        let number = line.rsplit(' ').next().context("no number")?;
        Ok(number.parse::<f64>()?)
    });
    numbers.sum()
}
