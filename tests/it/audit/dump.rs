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
            as_people_write(&mut object);
            items.push(object);
        }
    }
    json!({ "apiVersion": "v1", "kind": "List", "items": items })
}

/// Wraps base64, and gives maps a null value: the API server reads both.
fn as_people_write(object: &mut Value) {
    let is_secret = object["kind"] == "Secret";
    let is_team = object["metadata"]["namespace"] == "tiller-guard";
    let Some(data) = object.get_mut("data").and_then(Value::as_object_mut) else {
        return;
    };
    if is_secret {
        for value in data.values_mut() {
            let text = value.as_str().unwrap().as_bytes();
            let lines = text.chunks(64).map(|it| String::from_utf8_lossy(it));
            *value = json!(lines.collect::<Vec<_>>().join("\n") + "\n");
        }
    }
    // A team has no other keys than its own.
    if !is_team {
        data.insert("nothing".to_owned(), Value::Null);
    }
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

/// What does not match the API is named, and what is beside it is audited.
#[test]
fn a_broken_object_is_unknown_and_the_rest_goes_on() {
    let object = |kind: &str, name: &str, fields: &str| {
        let version = if kind.contains("Role") {
            "rbac.authorization.k8s.io/v1"
        } else {
            "v1"
        };
        format!(
            "---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}, namespace: blue}}\n{fields}\n"
        )
    };
    let image = "spec: {containers: [{name: tiller, image: 'ghcr.io/helm/tiller:v2.17.0'}]}";
    let text = [
        object("Pod", "broken", "spec: {containers: 7}"),
        object("Role", "broken", "rules: 7"),
        object("Service", "broken", "spec: {ports: [x]}"),
        object(
            "RoleBinding",
            "fine",
            "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: broken}",
        ),
        object("ClusterRole", "fine", "rules: []"),
        object(
            "ClusterRoleBinding",
            "fine",
            "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: fine}",
        ),
        object("Secret", "tiller-tls", "data: {tls.crt: '%'}"),
        "---\nkind: [\n".to_owned(),
        object("Pod", "tiller", image),
    ]
    .concat();
    let run = run(&["audit", "-f", "-", "-o", "json"], text.as_bytes());
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    let report = run.json();
    let tillers = report["tillers"].as_array().unwrap();
    assert_eq!(tillers.len(), 1, "{report}");
    assert_eq!(tillers[0]["name"], "tiller");
    let certificate = &tillers[0]["certificates"][0];
    assert_eq!(
        certificate["ends"]["unknown"], "it is not base64",
        "{certificate}"
    );
    // A right that is not known may be any.
    for (field, what) in [
        (
            "can_reach",
            "cannot list roles: Role blue/broken cannot be read",
        ),
        (
            "reached_by",
            "cannot list roles: Role blue/broken cannot be read",
        ),
        (
            "exposed_by",
            "cannot list services: Service blue/broken cannot be read",
        ),
    ] {
        assert_eq!(tillers[0][field]["unknown"], what);
    }
    let unknown = report["unknown"].as_array().unwrap().iter();
    let unknown: Vec<&str> = unknown.map(|it| it["what"].as_str().unwrap()).collect();
    for what in [
        "Pod blue/broken",
        "Role blue/broken",
        "Service blue/broken",
        "-:",
    ] {
        assert!(
            unknown.iter().any(|it| it.starts_with(what)),
            "{what}: {unknown:#?}"
        );
    }
}

/// As `kubectl cluster-info dump` of 1.37 prints it.
#[test]
fn a_list_without_items_is_empty() {
    let list =
        r#"{ "kind": "DaemonSetList", "apiVersion": "apps/v1", "metadata": {}, "items": null }"#;
    let run = run(&["audit", "-f", "-", "-o", "json"], list.as_bytes());
    let report = run.json();
    let mut unknown = report["unknown"].as_array().unwrap().iter();
    assert!(
        unknown.all(|it| it["reason"] == "the dump holds none"),
        "{report}"
    );
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
