//! `tiller-guard audit` of a large cluster.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::client::Bare;
use super::cluster::{Cluster, Folder, Server, User, free_ports, get};
use super::{MEMORY, PROGRAM, TILLERS, compare, fill, peak, run};

const PODS: usize = 50_000;
const BINDINGS: usize = 20_000;
/// Releases of ten revisions each.
const RELEASES: usize = 500;
const NAMESPACES: usize = 100;
const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";
/// Objects of a page.
const PAGE: usize = 500;
/// What a pod may hold, in KiB: the limit of its Deployment.
const LIMIT: u64 = 128 << 10;
/// What an audit may take in the time of its largest lists.
const MOST: f64 = 1.3;

/// The best of three runs of each, in turn.
pub(crate) async fn measure() -> Result<bool> {
    let cluster = Cluster::start().await?;
    let bare = Bare(cluster.client(User::Admin).await?);
    bare.namespace("bench").await?;
    for number in 0..NAMESPACES {
        bare.namespace(&namespace(number)).await?;
    }
    fill(&bare, RELEASES).await?;
    for first in (0..PODS).step_by(1_000) {
        let pods: Vec<_> = (first..first + 1_000).map(pod).collect();
        bare.create("pods", &pods).await?;
    }
    for first in (0..BINDINGS).step_by(1_000) {
        let bindings: Vec<_> = (first..first + 1_000).map(binding).collect();
        bare.create_in(RBAC, "rolebindings", &bindings).await?;
    }
    println!("{PODS} pods and {BINDINGS} RoleBindings");
    let (mut plain, mut best, mut memory) = (Duration::MAX, Duration::MAX, 0);
    for _ in 0..3 {
        let mut took = Duration::ZERO;
        for list in [
            "/api/v1/pods?".to_owned(),
            format!("{RBAC}/rolebindings?"),
            format!("/api/v1/configmaps?{TILLERS}"),
        ] {
            took += bare.list(&list, |_| Ok(())).await?;
        }
        plain = plain.min(took);
        let before = [
            lists(&bare, "pods").await?,
            lists(&bare, "rolebindings").await?,
        ];
        let took = run(&cluster, &["audit", "-o", "json"])?;
        let after = [
            lists(&bare, "pods").await?,
            lists(&bare, "rolebindings").await?,
        ];
        for (objects, (before, after)) in [PODS, BINDINGS].iter().zip(before.iter().zip(after)) {
            let (asked, pages) = (after - before, objects / PAGE + 1);
            ensure!(asked <= pages, "{asked} lists for {pages} pages");
        }
        best = best.min(took.time);
        memory = memory.max(took.memory);
    }
    println!("audit holds {} MiB at most", memory >> 10);
    ensure!(memory <= MEMORY, "more than {} MiB", MEMORY >> 10);
    bare.namespace("tiller-guard").await?;
    let quiet = served(&cluster, &[], "tiller_guard_known_tillers 50").await?;
    let words = ["--audit-interval=1"];
    let auditing = served(&cluster, &words, "tiller_guard_audit_incomplete 0").await?;
    println!(
        "serve holds {} MiB at most, and {} MiB with audits",
        quiet >> 10,
        auditing >> 10
    );
    ensure!(auditing <= LIMIT, "a pod may hold {} MiB", LIMIT >> 10);
    Ok(compare(
        "audit",
        best,
        "its three largest lists",
        plain,
        MOST,
    ))
}

/// The most that a server holds until its metrics have such a line, and some seconds after that, in KiB.
async fn served(cluster: &Cluster, words: &[&str], line: &str) -> Result<u64> {
    let folder = Folder::create()?;
    let [port, health] = free_ports()?;
    let health = SocketAddr::from((Ipv4Addr::LOCALHOST, health));
    let mut arguments = vec![
        "serve".to_owned(),
        format!("--kubeconfig={}", cluster.kubeconfig().display()),
        format!("--listen=127.0.0.1:{port}"),
        format!("--health-address={health}"),
    ];
    arguments.extend(words.iter().map(ToString::to_string));
    let server = Server::start("serve", Path::new(PROGRAM), &arguments, &folder)?;
    let end = Instant::now() + Duration::from_mins(2);
    let has_line = |text: String| text.lines().any(|it| it == line);
    while !get(health, "/metrics").is_ok_and(has_line) {
        ensure!(Instant::now() < end, "no {line}: {}", server.log());
        sleep(Duration::from_millis(200)).await;
    }
    sleep(Duration::from_secs(10)).await;
    let pid = server.pid().context("it has ended")?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    peak(&status).context("no VmHWM")
}

fn namespace(number: usize) -> String {
    format!("namespace-{}", number % NAMESPACES)
}

/// An ordinary pod. One in a thousand is a Tiller.
fn pod(number: usize) -> Value {
    let image = if number.is_multiple_of(1_000) {
        "ghcr.io/helm/tiller:v2.17.0"
    } else {
        "registry.example.com/team/web:1.2.3"
    };
    let variable =
        |number: usize| json!({ "name": format!("VARIABLE_{number}"), "value": "x".repeat(20) });
    let environment: Vec<Value> = (0..10).map(variable).collect();
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": format!("web-{number}"),
            "namespace": namespace(number),
            "labels": { "app": format!("web-{number}"), "tier": "frontend" },
        },
        "spec": {
            "automountServiceAccountToken": false,
            "containers": [{
                "name": "web",
                "image": image,
                "env": environment,
                "ports": [{ "containerPort": 8080 }],
                "resources": { "requests": { "cpu": "100m", "memory": "128Mi" } },
            }],
        },
    })
}

fn binding(number: usize) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": { "name": format!("binding-{number}"), "namespace": namespace(number) },
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": if number.is_multiple_of(10) { "edit" } else { "view" },
        },
        "subjects": [{ "kind": "ServiceAccount", "name": format!("account-{number}"), "namespace": namespace(number) }],
    })
}

/// How often a resource was listed, as the API server counts it.
async fn lists(bare: &Bare, resource: &str) -> Result<usize> {
    let metrics = bare.get("/metrics").await?;
    let named = format!("resource=\"{resource}\"");
    let counts = metrics.lines().filter(|line| {
        line.starts_with("apiserver_request_total{")
            && line.contains("verb=\"LIST\"")
            && line.contains(&named)
    });
    let mut sum = 0.0;
    for line in counts {
        let (_, count) = line.rsplit_once(' ').context("no count")?;
        sum += count.parse::<f64>()?;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it counts requests"
    )]
    Ok(sum as usize)
}
