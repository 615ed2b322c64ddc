//! `make bench`: 100 teams from one file, made and made again, and 1,000 people whose certificates are not due, against a
//! real API server with the webhooks registered. `BESIDE=FILE` has another build of the program make teams in turn with this one.
#![expect(clippy::print_stdout, reason = "it reports")]

#[path = "../../tests/cluster/mod.rs"]
pub mod cluster;

use std::env;
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
/// Teams whose requests are counted without those of controllers.
const COUNTED: u32 = 50;
/// Requests that a team of one person may take, which has 18 objects.
const MOST: f64 = 20.0;
/// The objects of a team of one person, and how many each further person brings: bundle, Role and binding.
const OBJECTS: f64 = 18.0;
const OBJECTS_OF_PERSON: f64 = 3.0;
/// Requests that a team may take beside one for each of its objects. No API server writes two objects in one request.
const MOST_BESIDE: f64 = 0.2;
/// How often another build of the program takes turns with this one.
const TURNS: u32 = 3;
/// Teams whose people have certificates that are not due, and the people of each: 1,000.
const LARGE: u32 = 100;
const PEOPLE: u32 = 10;
/// Requests that a team may take that has nothing to renew, and the time for all of them.
const MOST_UNDUE: f64 = 3.0;
const MOST_TIME: Duration = Duration::from_secs(2);
const RIGHTS: [&str; 4] = [
    "roles",
    "rolebindings",
    "clusterroles",
    "clusterrolebindings",
];
const KINDS: [&str; 10] = [
    "selfsubjectaccessreviews",
    "namespaces",
    "secrets",
    "configmaps",
    "serviceaccounts",
    "roles",
    "rolebindings",
    "networkpolicies",
    "services",
    "deployments",
];
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
    let file = folder.write("teams.yaml", &teams("team", TEAMS, 2)?)?;
    for run in ["made", "made again"] {
        let before = Requests::count(&client).await?;
        let time = provision(&cluster, &file)?;
        let Requests { own, lookups } = Requests::count(&client).await?.since(before);
        println!(
            "{TEAMS} teams {run}: {:.1} s, {:.0} ms a team; {:.1} requests a team with those of controllers, and {:.1} \
             look-ups of the guard's",
            time.as_secs_f64(),
            time.as_secs_f64() * 1000.0 / f64::from(TEAMS),
            own / f64::from(TEAMS),
            lookups / f64::from(TEAMS)
        );
    }
    if let Some(controllers) = cluster.controllers() {
        controllers.signal("STOP")?;
    }
    counted(&cluster, &client, &folder).await?;
    not_due(&cluster, &client, &folder).await?;
    match env::var("BESIDE") {
        Ok(other) => beside(&cluster, &folder, &other),
        Err(_) => Ok(()),
    }
}

/// Counts the requests of new teams of one and of two people.
async fn counted(cluster: &Cluster, client: &Client, folder: &Folder) -> Result<()> {
    for (name, people) in [("single", 1), ("pair", 2)] {
        let file = folder.write(&format!("{name}.yaml"), &teams(name, COUNTED, people)?)?;
        let before = Requests::count(client).await?;
        provision(cluster, &file)?;
        let Requests { own, lookups } = Requests::count(client).await?.since(before);
        let (own, lookups) = (own / f64::from(COUNTED), lookups / f64::from(COUNTED));
        println!(
            "{COUNTED} teams of {people} while controllers stand still: {own:.2} requests a team, and {lookups:.1} look-ups of the \
             guard's"
        );
        let objects = OBJECTS + OBJECTS_OF_PERSON * f64::from(people - 1);
        ensure!(
            own <= objects + MOST_BESIDE,
            "more than one request an object"
        );
        ensure!(
            people > 1 || own <= MOST,
            "more than {MOST} requests a team"
        );
    }
    Ok(())
}

/// Has this build and another one make as many teams in turn, so that both meet the same cluster.
fn beside(cluster: &Cluster, folder: &Folder, other: &str) -> Result<()> {
    for turn in 0..TURNS {
        let mut times = Vec::new();
        for (name, program) in [("this", PROGRAM), ("other", other)] {
            let name = format!("{name}-{turn}");
            let file = folder.write(&format!("{name}.yaml"), &teams(&name, TEAMS, 2)?)?;
            let time = run_program(program, cluster, &["-f", &file, "--no-wait"])?;
            times.push(format!("{:.2} s", time.as_secs_f64()));
        }
        println!(
            "{TEAMS} teams, turn {turn}: {} beside {}",
            times.remove(0),
            times.remove(0)
        );
    }
    Ok(())
}

/// Renews people whose certificates are not due.
async fn not_due(cluster: &Cluster, client: &Client, folder: &Folder) -> Result<()> {
    let file = folder.write("large.yaml", &teams("large", LARGE, PEOPLE)?)?;
    provision(cluster, &file)?;
    let names: Vec<_> = (0..LARGE).map(|number| format!("large-{number}")).collect();
    let words: Vec<_> = ["renew"]
        .into_iter()
        .chain(names.iter().map(String::as_str))
        .collect();
    let before = Requests::count(client).await?;
    let time = run(cluster, &words)?;
    let Requests { own, lookups } = Requests::count(client).await?.since(before);
    let own = own / f64::from(LARGE);
    println!(
        "renew of {} people in {LARGE} teams, none due: {:.2} s, {own:.2} requests a team, {lookups} look-ups of the guard's",
        LARGE * PEOPLE,
        time.as_secs_f64()
    );
    ensure!(own <= MOST_UNDUE, "more than {MOST_UNDUE} requests a team");
    ensure!(time < MOST_TIME, "not within {MOST_TIME:?}");
    Ok(())
}

fn teams(name: &str, number: u32, people: u32) -> Result<String> {
    let users: Vec<_> = (0..people)
        .map(|user| format!("user-{user}@example.com"))
        .collect();
    let users = users.join(", ");
    let mut file = String::new();
    for number in 0..number {
        write!(
            file,
            "---\napiVersion: tiller-guard.io/v1\nkind: Team\nname: {name}-{number}\n\
             tillerNamespace: {name}-{number}-tiller\ntargetNamespaces: [{name}-{number}-apps]\n\
             users: [{users}]\n"
        )?;
    }
    Ok(file)
}

fn provision(cluster: &Cluster, file: &str) -> Result<Duration> {
    run(cluster, &["-f", file, "--no-wait"])
}

fn run(cluster: &Cluster, words: &[&str]) -> Result<Duration> {
    run_program(PROGRAM, cluster, words)
}

fn run_program(program: &str, cluster: &Cluster, words: &[&str]) -> Result<Duration> {
    let begin = Instant::now();
    let output = Command::new(program)
        .arg("provision")
        .args(words)
        .arg(format!("--kubeconfig={}", cluster.kubeconfig().display()))
        .output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "provision {words:?}: {errors}");
    Ok(begin.elapsed())
}

/// What the API server counted of the requests for the kinds that are made. It does not tell clients apart: controllers
/// make accounts and tokens in new namespaces, and nothing when teams are made again.
#[derive(Debug, Clone, Copy, Default)]
struct Requests {
    /// Of `provision`, and of controllers.
    own: f64,
    /// Of the guard, which looks roles and bindings up before it judges a binding. Nobody else lists these.
    lookups: f64,
}

// === impl Requests ===

impl Requests {
    async fn count(client: &Client) -> Result<Self> {
        let request = hyper::Request::get("/metrics").body(Vec::new())?;
        let metrics = client.request_text(request).await?;
        let mut counted = Self::default();
        for line in metrics.lines() {
            let Some(labels) = line.strip_prefix("apiserver_request_total{") else {
                continue;
            };
            let has = |label: &str, values: &[&str]| {
                values
                    .iter()
                    .any(|value| labels.contains(&format!("{label}=\"{value}\"")))
            };
            let number = line.rsplit(' ').next().context("no number")?;
            let number: f64 = number.parse()?;
            if has("verb", &["LIST"]) && has("resource", &RIGHTS) {
                counted.lookups += number;
            } else if has("verb", &["GET", "LIST", "POST", "PATCH"]) && has("resource", &KINDS) {
                counted.own += number;
            }
        }
        Ok(counted)
    }

    fn since(self, before: Self) -> Self {
        Self {
            own: self.own - before.own,
            lookups: self.lookups - before.lookups,
        }
    }
}
