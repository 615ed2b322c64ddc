//! `move` against a real API server.

use std::collections::{BTreeMap, BTreeSet};

use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::kubelet::play_kubelet;
use super::{list_of, recordings};
use crate::api_server::{World, cluster, value};
use crate::bypass::guard;
use crate::cluster::UNGUARDED;
use crate::knowledge::{self, tiller};
use crate::offline::Run;
use crate::provision::proxy::run_at;
use crate::suite::Feature;

/// The text of each record, by kind, name and label OWNER.
pub(crate) type RecordTexts = BTreeMap<String, String>;

/// A namespace in which no webhook judges, with the records of a scenario.
pub(crate) async fn world(namespace: &str, scenario: &str) -> World {
    let world = World::create_labelled(namespace, json!({ UNGUARDED: "" })).await;
    for record in records_of(scenario) {
        create(&world, record).await;
    }
    world
}

pub(crate) fn records_of(scenario: &str) -> Vec<Value> {
    let name = format!("2.17.0-configmap-k8s1.20/{scenario}");
    let recording = recordings()
        .into_iter()
        .find(|it| it.name() == name)
        .unwrap();
    recording.records()
}

pub(crate) async fn create(world: &World, mut object: Value) {
    let kind = object["kind"].as_str().unwrap().to_owned();
    let metadata = object["metadata"].as_object_mut().unwrap();
    metadata.retain(|key, _| matches!(key.as_str(), "name" | "labels" | "annotations"));
    let object = serde_json::from_value(object).unwrap();
    let api = world.objects("", "v1", &kind);
    api.create(&PostParams::default(), &object).await.unwrap();
}

pub(crate) async fn found(world: &World) -> RecordTexts {
    let mut found = RecordTexts::new();
    for kind in ["ConfigMap", "Secret"] {
        let parameters = ListParams::default().labels("OWNER");
        let listed = world
            .objects("", "v1", kind)
            .list(&parameters)
            .await
            .unwrap();
        for object in listed {
            let object = value(&object);
            let text = object["data"]["release"].as_str().unwrap();
            let text = match kind {
                "Secret" => {
                    assert_eq!(object["type"], "Opaque");
                    let decoded =
                        base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text);
                    String::from_utf8(decoded.unwrap()).unwrap()
                }
                _ => text.to_owned(),
            };
            let labels = &object["metadata"]["labels"];
            let owner = labels["OWNER"].as_str().unwrap();
            let name = object["metadata"]["name"].as_str().unwrap();
            for label in ["NAME", "STATUS", "VERSION"] {
                assert!(labels[label].is_string(), "{label} {object}");
            }
            found.insert(format!("{kind} {name} {owner}"), text);
        }
    }
    found
}

/// The records as `found` has them when all of them are of this kind and Tiller's.
pub(crate) fn all(scenario: &str, kind: &str) -> RecordTexts {
    let records = records_of(scenario).into_iter();
    let entry = |record: Value| {
        let name = record["metadata"]["name"].as_str().unwrap().to_owned();
        let text = record["data"]["release"].as_str().unwrap().to_owned();
        (format!("{kind} {name} TILLER"), text)
    };
    records.map(entry).collect()
}

pub(super) async fn moved(kubeconfig: &str, namespace: &str, words: &[&str]) -> Run {
    let words = [&["releases", "move", "-n", namespace], words].concat();
    run_at(kubeconfig, &words).await
}

pub(crate) fn kubeconfig() -> String {
    cluster().kubeconfig().display().to_string()
}

#[tokio::test]
async fn records_go_there_and_come_back_to_the_byte() {
    let world = world("move-back", "plain").await;
    let dry = moved(&kubeconfig(), "move-back", &["--to=secrets", "--dry-run"]).await;
    assert_eq!(dry.code, Some(0), "{}", dry.stderr);
    assert_eq!(
        dry.stdout,
        "4 records in configmaps of move-back to move to secrets; there is no Deployment move-back/tiller-deploy to \
         stop or switch: stop every Tiller of this namespace yourself (dry run)\n\
         copied 4 records to secrets (dry run)\n\
         set aside 4 records in configmaps (dry run)\n\
         deleted 4 records in configmaps (dry run)\n"
    );
    assert_eq!(found(&world).await, all("plain", "ConfigMap"));
    let there = moved(&kubeconfig(), "move-back", &["--to=secrets"]).await;
    assert_eq!(there.code, Some(0), "{}", there.stderr);
    assert_eq!(
        there.stdout,
        "4 records in configmaps of move-back to move to secrets; there is no Deployment move-back/tiller-deploy to \
         stop or switch: stop every Tiller of this namespace yourself\n\
         copied 4 records to secrets\n\
         compared 4 records: the copies are the same\n\
         set aside 4 records in configmaps\n\
         deleted 4 records in configmaps\n\
         done; undo it with: tiller-guard releases move --to configmaps -n move-back\n"
    );
    assert_eq!(found(&world).await, all("plain", "Secret"));
    let again = moved(&kubeconfig(), "move-back", &["--to=secrets"]).await;
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    let last = again.stdout.lines().last();
    assert_eq!(
        last,
        Some("nothing was to be done: every record is in secrets")
    );
    assert_eq!(found(&world).await, all("plain", "Secret"));
    let back = moved(&kubeconfig(), "move-back", &["--to=configmaps"]).await;
    assert_eq!(back.code, Some(0), "{}", back.stderr);
    assert_eq!(found(&world).await, all("plain", "ConfigMap"));
}

/// It would go on with the records that were moved away.
#[tokio::test]
async fn no_record_moves_while_a_tiller_runs_that_cannot_be_stopped() {
    let world = world("move-pod", "plain").await;
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "my-tiller" },
        "spec": {
            "automountServiceAccountToken": false,
            "containers": [{ "name": "tiller", "image": "ghcr.io/helm/tiller:v2.17.0" }],
        },
    });
    let pod = serde_json::from_value(pod).unwrap();
    let pods = world.objects("", "v1", "Pod");
    pods.create(&PostParams::default(), &pod).await.unwrap();
    for words in [&["--to=secrets", "--dry-run"][..], &["--to=secrets"]] {
        let refused = moved(&kubeconfig(), "move-pod", words).await;
        assert_eq!(refused.code, Some(1), "{}", refused.stderr);
        assert!(
            refused.stderr.contains(
                "Tiller runs in my-tiller, and there is no Deployment move-pod/tiller-deploy to stop; stop it, and run \
                 this again"
            ),
            "{}",
            refused.stderr
        );
        assert_eq!(found(&world).await, all("plain", "ConfigMap"));
    }
    let at_once = DeleteParams::default().grace_period(0);
    pods.delete("my-tiller", &at_once).await.unwrap();
    let there = moved(&kubeconfig(), "move-pod", &["--to=secrets"]).await;
    assert_eq!(there.code, Some(0), "{}", there.stderr);
    assert_eq!(found(&world).await, all("plain", "Secret"));
}

#[tokio::test]
async fn old_records_are_kept_out_of_tillers_sight() {
    let world = world("move-keep", "desc").await;
    let kept = moved(&kubeconfig(), "move-keep", &["--to=secrets", "--keep"]).await;
    assert_eq!(kept.code, Some(0), "{}", kept.stderr);
    let names: Vec<_> = found(&world).await.into_keys().collect();
    let expected = [
        "ConfigMap desc.v1 MOVED",
        "ConfigMap desc.v2 MOVED",
        "Secret desc.v1 TILLER",
        "Secret desc.v2 TILLER",
    ];
    assert_eq!(names, expected);
    let back = moved(&kubeconfig(), "move-keep", &["--to=configmaps"]).await;
    assert_eq!(back.code, Some(0), "{}", back.stderr);
    assert_eq!(found(&world).await, all("desc", "ConfigMap"));
}

/// Every recorded record, of all versions, and one of the largest size.
#[tokio::test]
async fn all_that_was_recorded_is_moved() {
    let world = World::create_labelled("move-all", json!({ UNGUARDED: "" })).await;
    let mut names = BTreeSet::new();
    for configuration in [
        "2.17.0-configmap-k8s1.20",
        "2.9.1-configmap-k8s1.20",
        "2.7.2-configmap-k8s1.10",
    ] {
        for record in list_of(configuration)["items"].as_array().unwrap() {
            let name = record["metadata"]["name"].as_str().unwrap().to_owned();
            if names.insert(name) {
                create(&world, record.clone()).await;
            }
        }
    }
    let before = found(&world).await;
    let pending = moved(&kubeconfig(), "move-all", &["--to=secrets"]).await;
    assert_eq!(pending.code, Some(1));
    assert!(
        pending.stderr.contains("stuckup.v2 is PENDING_UPGRADE"),
        "{}",
        pending.stderr
    );
    assert_eq!(found(&world).await, before);
    for to in ["secrets", "configmaps"] {
        let run = moved(
            &kubeconfig(),
            "move-all",
            &[&format!("--to={to}"), "--allow-pending"],
        )
        .await;
        assert_eq!(run.code, Some(0), "{}", run.stderr);
    }
    assert_eq!(found(&world).await, before);
    assert!(before.len() > 40, "{}", before.len());
}

#[tokio::test]
async fn a_damaged_record_stops_it_and_is_named() {
    let world = world("move-damaged", "plain").await;
    let mut broken = records_of("plain").remove(0);
    broken["metadata"]["name"] = json!("broken.v1");
    broken["data"]["release"] = json!("H4sIAAAAAAAC");
    create(&world, broken).await;
    let before = found(&world).await;
    let run = moved(&kubeconfig(), "move-damaged", &["--to=secrets"]).await;
    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr
            .contains("1 cannot be decoded: broken.v1: it is not gzip, or damaged"),
        "{}",
        run.stderr
    );
    assert_eq!(found(&world).await, before);
}

/// A Deployment as `helm init` of 2.17.0 makes it, with its pod made ready as a kubelet does.
#[tokio::test]
async fn tiller_is_stopped_switched_and_started() {
    let world = world("move-tiller", "plain").await;
    if !cluster().has_controllers() {
        return;
    }
    let labels = json!({ "app": "helm", "name": "tiller" });
    let deployment = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": "tiller-deploy", "labels": labels },
        "spec": {
            "replicas": 1,
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": { "containers": [{ "name": "tiller", "image": "ghcr.io/helm/tiller:v2.17.0" }] },
            },
        },
    });
    knowledge::create(&world, &deployment).await.unwrap();
    let deployments = world.deployments();
    let kubelet = play_kubelet(&world);
    let run = moved(
        &kubeconfig(),
        "move-tiller",
        &["--to=secrets", "--timeout=60"],
    )
    .await;
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let steps: Vec<_> = run.stdout.lines().skip(1).collect();
    assert_eq!(
        steps[..7],
        [
            "stopped Deployment move-tiller/tiller-deploy",
            "copied 4 records to secrets",
            "compared 4 records: the copies are the same",
            "set aside 4 records in configmaps",
            "started Deployment move-tiller/tiller-deploy with its records in secrets",
            "Tiller is ready",
            "deleted 4 records in configmaps",
        ]
    );
    kubelet.abort();
    let after = value(&deployments.get("tiller-deploy").await.unwrap());
    assert_eq!(after["spec"]["replicas"], 1);
    let container = &after["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["args"], json!(["--storage=secret"]));
    assert_eq!(container["command"], json!(["/tiller"]));
    let annotations = &after["metadata"]["annotations"];
    assert_eq!(
        annotations["tiller-guard.io/replicas-before-move"],
        Value::Null
    );
    assert_eq!(found(&world).await, all("plain", "Secret"));
}

/// A Tiller of before tiller-guard: its update to Secrets is refused, by a message that names this command. Once the records are
/// moved, the same Deployment is hardened as it starts.
#[tokio::test]
async fn a_guarded_tiller_is_hardened_once_its_records_are_moved() {
    let world = world("move-guarded", "plain").await;
    if !cluster().has_controllers() {
        return;
    }
    knowledge::create(&world, &tiller(&world, "tiller"))
        .await
        .unwrap();
    let deployments = world.deployments();
    guard(&world).await;
    let annotated = json!({ "metadata": { "annotations": { "example.com/a": "b" } },
        "spec": { "template": { "metadata": { "annotations": { "example.com/a": "b" } } } } });
    let refused = deployments
        .patch(
            "tiller-deploy",
            &PatchParams::default(),
            &Patch::Merge(&annotated),
        )
        .await
        .unwrap_err();
    let remedy = "run: tiller-guard releases move --to secrets -n move-guarded";
    assert!(refused.to_string().contains(remedy), "{refused}");

    let kubelet = play_kubelet(&world);
    let run = moved(
        &kubeconfig(),
        "move-guarded",
        &["--to=secrets", "--timeout=60"],
    )
    .await;
    kubelet.abort();
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert_eq!(found(&world).await, all("plain", "Secret"));
    let after = value(&deployments.get("tiller-deploy").await.unwrap());
    assert_eq!(after["spec"]["replicas"], 1);
    let arguments = &after["spec"]["template"]["spec"]["containers"][0]["args"];
    for flag in ["--storage=secret", "--tls-verify=true"] {
        assert!(
            arguments.as_array().unwrap().contains(&json!(flag)),
            "{arguments}"
        );
    }

    // The way back would be hardened to Secrets again: a dry run shows it first.
    if !Feature::DryRun.is_in(cluster().version()) {
        let back = moved(&kubeconfig(), "move-guarded", &["--to=configmaps"]).await;
        assert_eq!(back.code, Some(4), "{}{}", back.stdout, back.stderr);
        assert!(
            !back.stderr.contains("log of the API server"),
            "{}",
            back.stderr
        );
        let kubelet = play_kubelet(&world);
        let again = moved(&kubeconfig(), "move-guarded", &["--to=secrets"]).await;
        kubelet.abort();
        assert_eq!(again.code, Some(0), "{}{}", again.stdout, again.stderr);
        assert_eq!(found(&world).await, all("plain", "Secret"));
        let still = value(&deployments.get("tiller-deploy").await.unwrap());
        assert_eq!(still["spec"], after["spec"]);
        return;
    }
    for words in [
        &["--to=configmaps", "--dry-run=server"][..],
        &["--to=configmaps"],
    ] {
        let back = moved(&kubeconfig(), "move-guarded", words).await;
        assert_eq!(back.code, Some(1), "{}{}", back.stdout, back.stderr);
        let told = "Deployment move-guarded/tiller-deploy may not keep its records in configmaps; nothing was changed: ";
        assert!(back.stderr.contains(told), "{}", back.stderr);
        assert!(!back.stderr.contains("that right"), "{}", back.stderr);
    }
    assert_eq!(found(&world).await, all("plain", "Secret"));
    let still = value(&deployments.get("tiller-deploy").await.unwrap());
    assert_eq!(still["spec"], after["spec"]);
}
