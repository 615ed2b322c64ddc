//! A dump tells what the cluster told.

use kube::api::{DynamicObject, ListParams};
use serde_json::{Value, json};

use super::tillers::api;
use super::{audit, cluster, stable};
use crate::cluster::User;
use crate::offline::run;
use crate::suite::Feature;

/// All that an audit reads, as `kubectl get -o json` prints it.
async fn dump() -> Value {
    let client = cluster().client(User::Admin).await.unwrap();
    let (_, minor) = cluster().version();
    let rbac = "rbac.authorization.k8s.io/v1";
    let ingress = if minor >= 19 {
        "networking.k8s.io/v1"
    } else {
        "extensions/v1beta1"
    };
    let cron = if minor >= 21 {
        "batch/v1"
    } else {
        "batch/v1beta1"
    };
    let mut items = Vec::new();
    for (version, kind) in [
        ("v1", "Pod"),
        ("v1", "Secret"),
        ("v1", "ConfigMap"),
        ("v1", "Service"),
        ("v1", "ServiceAccount"),
        ("apps/v1", "Deployment"),
        ("apps/v1", "ReplicaSet"),
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "DaemonSet"),
        ("batch/v1", "Job"),
        (cron, "CronJob"),
        (ingress, "Ingress"),
        (rbac, "RoleBinding"),
        (rbac, "Role"),
        (rbac, "ClusterRoleBinding"),
        (rbac, "ClusterRole"),
    ] {
        let listed = api(&client, version, kind, "")
            .list(&ListParams::default())
            .await
            .unwrap();
        for object in listed {
            let mut object: Value = serde_json::to_value::<DynamicObject>(object).unwrap();
            object["apiVersion"] = json!(version);
            object["kind"] = json!(kind);
            items.push(object);
        }
    }
    json!({ "apiVersion": "v1", "kind": "List", "items": items })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_tells_the_same_as_the_cluster() {
    // A dump does not name the version, on which findings about seccomp hang.
    if Feature::SeccompField.is_missing(cluster().version()) {
        return;
    }
    let dump = dump().await.to_string();
    let (live, dumped) = tokio::task::spawn_blocking(move || {
        let live = audit(&["-o", "json"]);
        (
            live.json(),
            run(&["audit", "-f", "-", "-o", "json"], dump.as_bytes()),
        )
    })
    .await
    .unwrap();
    assert_eq!(dumped.code, Some(1), "{}{}", dumped.stderr, dumped.stdout);
    let (live, dumped) = (stable(live), stable(dumped.json()));
    assert_eq!(dumped["unknown"], json!([]));
    assert_eq!(dumped["guard"], Value::Null);
    for (one, other) in live["tillers"]
        .as_array()
        .unwrap()
        .iter()
        .zip(dumped["tillers"].as_array().unwrap())
    {
        assert_eq!(one, other);
    }
    assert_eq!(live["openers"], dumped["openers"]);
}

#[test]
fn a_dump_of_pods_alone_knows_no_rights() {
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": "tiller", "namespace": "blue" },
        "spec": { "containers": [{ "name": "tiller", "image": "ghcr.io/helm/tiller:v2.17.0" }] },
    });
    let run = run(
        &["audit", "-f", "-", "-o", "json"],
        pod.to_string().as_bytes(),
    );
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    let tiller = &run.json()["tillers"][0];
    assert_eq!(tiller["network"], "everybody");
    for field in [
        "can_reach",
        "reached_by",
        "releases",
        "exposed_by",
        "certificates",
    ] {
        let unknown = tiller[field]["unknown"].as_str().unwrap();
        assert!(
            unknown.ends_with("the dump holds none"),
            "{field}: {unknown}"
        );
    }
}
