//! `audit`: a cluster with 12 Tillers of 12 kinds, and what is told of them.

mod bindings;
mod dump;
mod expired;
mod leading;
mod pods;
mod rights;
mod tillers;
mod unseen;
mod ways;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;
use std::thread;

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::offline::{Run, run};
use crate::suite::Feature;

/// A cluster of these tests' own, with the Tillers in it: an audit tells of all that is there.
static CLUSTER: LazyLock<Result<Cluster, String>> = LazyLock::new(|| {
    let started = thread::spawn(|| {
        tokio::runtime::Runtime::new()?.block_on(async {
            let cluster = Cluster::start().await?;
            tillers::create(&cluster).await;
            anyhow::Ok(cluster)
        })
    });
    started
        .join()
        .unwrap()
        .map_err(|error| format!("{error:#}"))
});

fn cluster() -> &'static Cluster {
    CLUSTER.as_ref().unwrap_or_else(|error| panic!("{error}"))
}

fn audit(words: &[&str]) -> Run {
    let kubeconfig = format!("--kubeconfig={}", cluster().kubeconfig().display());
    run(&[&["audit", &kubeconfig], words].concat(), b"")
}

/// Audits these objects as a dump.
fn audit_of(objects: &[Value]) -> Run {
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects });
    run(
        &["audit", "-f", "-", "-o", "json"],
        list.to_string().as_bytes(),
    )
}

/// A report without what is another one each time.
fn stable(mut report: Value) -> Value {
    for tiller in report["tillers"].as_array_mut().unwrap() {
        let created = tiller["created"].as_str().unwrap();
        assert!(
            created.starts_with("20") && created.ends_with('Z'),
            "{created}"
        );
        tiller["created"] = json!("TIME");
        for pod in tiller["pods"].as_array_mut().unwrap() {
            pod["name"] = json!("POD");
        }
        for certificate in tiller["certificates"].as_array_mut().unwrap() {
            certificate["ends"] = json!("TIME");
        }
    }
    report
}

#[test]
fn twelve_tillers_are_told_of_once_each() {
    let run = audit(&["-o", "json"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let mut report = stable(run.json());
    // Which APIs there are is the API server's.
    let not_served = report
        .as_object_mut()
        .unwrap()
        .remove("not_served")
        .unwrap();
    assert!(
        not_served
            .as_array()
            .unwrap()
            .contains(&json!("httproutes")),
        "{not_served}"
    );
    assert_eq!(report["summary"]["tillers"], 12);
    // What is found about seccomp hangs on the version.
    if Feature::SeccompField.is_missing(cluster().version()) {
        return;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/audit/twelve.json");
    let text = serde_json::to_string_pretty(&report).unwrap() + "\n";
    if std::env::var_os("UPDATE_AUDIT").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    assert_same(&golden, &text);
}

/// Fails with the lines that differ.
#[track_caller]
fn assert_same(wanted: &str, found: &str) {
    let missing = |text: &str, other: &str| -> Vec<String> {
        let other: BTreeSet<_> = other.lines().collect();
        let lines = text.lines().filter(|line| !other.contains(line));
        lines.map(ToOwned::to_owned).collect()
    };
    let (gone, new) = (missing(wanted, found), missing(found, wanted));
    assert!(
        wanted == found,
        "UPDATE_AUDIT=1 writes the file anew: {gone:#?} {new:#?}"
    );
}

#[test]
fn people_read_what_a_tiller_can_reach_and_what_happens_next() {
    let run = audit(&[]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    for told in [
        "Deployment kube-system/tiller-deploy: pending, 0 days old, 1 pod\n",
        "  can reach      the whole cluster: everything, read-secrets,",
        "(ClusterRoleBinding aud-tiller-admin)\n",
        "  reached by     Group aud-operators: port-forward",
        "  next restart   refused (",
        "  next update    hardened; its pods cannot start until there is a Secret aud-old/tiller-tls\n",
        "Deployment aud-own/web\n",
        "12 Tillers, ",
    ] {
        assert!(run.stdout.contains(told), "{told}\n{}", run.stdout);
    }
}

#[test]
fn another_user_is_impersonated_as_kubectl_does() {
    let nobody = audit(&["--as=aud-nobody"]);
    assert_eq!(nobody.code, Some(3), "{}", nobody.stderr);
    // Before Kubernetes 1.12 without the word `resource`.
    let refused = [r#"resource "secrets""#, "secrets"]
        .map(|it| format!(r#"User "aud-nobody" cannot list {it}"#));
    let is_said = refused.iter().any(|it| nobody.stdout.contains(it));
    assert!(is_said, "{}", nobody.stdout);
    let administrator = audit(&[
        "--as=aud-nobody",
        "--as-group=aud-none",
        "--as-group=system:masters",
    ]);
    assert_eq!(administrator.code, Some(1), "{}", administrator.stderr);
    assert!(
        administrator.stdout.contains("12 Tillers, "),
        "{}",
        administrator.stdout
    );
}

#[test]
fn one_namespace_is_told_of_alone() {
    let run = audit(&["-n", "aud-team-t", "-o", "json"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let report = run.json();
    let all = stable(audit(&["-o", "json"]).json());
    let of = |report: &Value| -> Vec<Value> {
        let tillers = report["tillers"].as_array().unwrap().iter();
        let own = tillers.filter(|it| it["namespace"] == "aud-team-t");
        own.cloned().collect()
    };
    assert_eq!(report["tillers"].as_array().unwrap().len(), 1);
    assert_eq!(of(&stable(report)), of(&all));
}
