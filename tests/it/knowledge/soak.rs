//! How much memory what is known of a large cluster takes.

use std::fs;
use std::path::Path;

use kube::Client;
use kube::api::{Api, DynamicObject, PostParams};
use serde_json::{Value, json};

use super::{binding, wide_role};
use crate::cluster::{Cluster, User, get, resource};

/// Deployments, and RoleBindings.
const OBJECTS: usize = 20_000;
const NAMESPACES: usize = 200;
const WRITERS: usize = 16;
const MOST_MEBIBYTES: f64 = 64.0;

/// An ordinary one, of which no controller makes anything. One in a hundred is a Tiller's.
fn deployment(number: usize) -> Value {
    let image = if number.is_multiple_of(100) {
        "ghcr.io/helm/tiller:v2.17.0"
    } else {
        "registry.example.com/team/web:1.2.3"
    };
    let labels = json!({ "app": format!("web-{number}"), "team": "some-team", "tier": "frontend" });
    let variable =
        |number| json!({ "name": format!("VARIABLE_{number}"), "value": "x".repeat(20) });
    let environment: Vec<Value> = (0..10).map(variable).collect();
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": format!("web-{number}"), "labels": labels },
        "spec": {
            "paused": true,
            "replicas": 0,
            "selector": { "matchLabels": { "app": format!("web-{number}") } },
            "template": {
                "metadata": { "labels": labels },
                "spec": {
                    "serviceAccountName": format!("account-{number}"),
                    "containers": [{
                        "name": "web",
                        "image": image,
                        "env": environment,
                        "ports": [{ "containerPort": 8080 }],
                        "resources": { "requests": { "cpu": "100m", "memory": "128Mi" } },
                    }],
                },
            },
        },
    })
}

async fn create(client: &Client, namespace: Option<&str>, group: &str, object: Value) {
    let kind = object["kind"].as_str().unwrap().to_owned();
    let resource = resource(group, "v1", &kind);
    let api: Api<DynamicObject> = match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let object = serde_json::from_value(object).unwrap();
    api.create(&PostParams::default(), &object).await.unwrap();
}

async fn write(client: Client, writer: usize) {
    const ACCESS: &str = "rbac.authorization.k8s.io";
    for number in (writer..OBJECTS).step_by(WRITERS) {
        let namespace = format!("namespace-{}", number % NAMESPACES);
        let namespace = Some(namespace.as_str());
        create(&client, namespace, "apps", deployment(number)).await;
        let account = format!("account-{number}");
        let mut binding = binding(&account, &account, &account);
        if number.is_multiple_of(10) {
            let mut role = wide_role(&account);
            role["rules"][0]["verbs"] = json!(["get"]);
            create(&client, namespace, ACCESS, role).await;
        } else {
            binding["roleRef"]["name"] = json!("some-role");
        }
        create(&client, namespace, ACCESS, binding).await;
    }
}

/// Mebibytes by a line of `/proc/PID/status`.
fn mebibytes(pid: u32, line: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let kibibytes = status.lines().find_map(|it| it.strip_prefix(line)).unwrap();
    let kibibytes = kibibytes.trim().trim_end_matches(" kB");
    kibibytes.parse::<f64>().unwrap() / 1024.0
}

/// `make soak` runs it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
#[expect(clippy::print_stdout, reason = "the number is what it is run for")]
async fn twenty_thousand_deployments_and_bindings_take_little_memory() {
    let cluster = Cluster::start().await.unwrap();
    let client = cluster.client(User::Admin).await.unwrap();
    for number in 0..NAMESPACES {
        let metadata = json!({ "name": format!("namespace-{number}") });
        let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata });
        create(&client, None, "", namespace).await;
    }
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| tokio::spawn(write(client.clone(), writer)))
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let program = Path::new(env!("CARGO_BIN_EXE_tiller-guard"));
    let started = cluster.another_guard(program, &["serve"], User::Admin, None);
    let (mut guard, _folder) = started.unwrap();
    guard.ready().await.unwrap();
    let metrics = get(guard.health, "/metrics").unwrap();
    let known = format!("tiller_guard_known_tillers {}", OBJECTS / 100);
    assert!(metrics.lines().any(|line| line == known), "{metrics}");
    let pid = guard.server.pid().unwrap();
    let (now, peak) = (mebibytes(pid, "VmRSS:"), mebibytes(pid, "VmHWM:"));
    println!("{now:.1} MiB are resident, {peak:.1} MiB at the most");
    for line in metrics.lines().filter(|line| line.contains("_known_")) {
        println!("{line}");
    }
    assert!(peak < MOST_MEBIBYTES, "{peak} MiB");
}
