//! Releases given back beside a Tiller that keeps its releases elsewhere, records that a move leaves aside, and what is asked for.

use kube::api::PostParams;
use serde_json::json;

use super::migrated::{at, migrated, names, world};
use super::moved::{create, found, kubeconfig};
use crate::api_server::{World, value};
use crate::provision::proxy::{Fate, Proxy, run_at};

/// A stopped Tiller with this storage.
async fn deploy(world: &World, storage: &str) {
    let labels = json!({ "app": "helm", "name": "tiller" });
    let container = json!({
        "name": "tiller", "image": "ghcr.io/helm/tiller:v2.17.0", "command": ["/tiller"], "args": [format!("--storage={storage}")],
    });
    let object = json!({
        "metadata": { "name": "tiller-deploy", "labels": labels },
        "spec": {
            "replicas": 0,
            "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": { "containers": [container] } },
        },
    });
    let object = serde_json::from_value(object).unwrap();
    let deployments = world.objects("apps", "v1", "Deployment");
    deployments
        .create(&PostParams::default(), &object)
        .await
        .unwrap();
}

/// A Tiller would not see what is given back.
#[tokio::test]
async fn nothing_is_given_back_to_a_tiller_that_keeps_its_releases_elsewhere() {
    for storage in ["sql", "memory"] {
        let namespace = format!("restored-{storage}");
        let world = world(&namespace, &["plain"]).await;
        let run = migrated(&kubeconfig(), &namespace, &[]).await;
        assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
        deploy(&world, storage).await;
        let before = found(&world).await;
        for words in [&["restore", "plain"][..], &["restore", "--all"]] {
            let back = at(&namespace, words).await;
            assert_eq!(back.code, Some(1), "{}{}", back.stdout, back.stderr);
            let told = format!(
                "plain: not ready: Deployment {namespace}/tiller-deploy has --storage={storage}: Tiller would not see it\n"
            );
            assert_eq!(back.stdout, told);
        }
        assert_eq!(found(&world).await, before);
        assert_eq!(names(&world, "Secret", "owner=helm").await.len(), 4);
    }
}

/// Somebody has copied records by hand.
#[tokio::test]
async fn records_aside_in_both_storages_are_not_mixed() {
    let world = world("restored-both", &["plain"]).await;
    let run = migrated(&kubeconfig(), "restored-both", &[]).await;
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let maps = world.objects("", "v1", "ConfigMap");
    let map = value(&maps.get("plain.v1.migrated").await.unwrap());
    let copy = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": { "name": "plain.v1.migrated", "labels": map["metadata"]["labels"] },
        "stringData": { "release": map["data"]["release"] },
    });
    create(&world, copy).await;
    deploy(&world, "secret").await;
    let before = found(&world).await;
    let back = at("restored-both", &["restore", "plain"]).await;
    assert_eq!(back.code, Some(1), "{}{}", back.stdout, back.stderr);
    let told = "plain: not ready: it is set aside in configmaps and in secrets: rename or delete the records that are not the ones to \
                give back, with the label OWNER=MIGRATED,NAME=plain\n";
    assert_eq!(back.stdout, told);
    assert_eq!(found(&world).await, before);
}

/// `move` does not take along what `migrate` has set aside.
#[tokio::test]
async fn a_move_names_what_stays_aside() {
    let world = world("restored-move", &["plain", "desc"]).await;
    let run = migrated(&kubeconfig(), "restored-move", &["plain"]).await;
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    for words in [&["--dry-run"][..], &[]] {
        let words = [&["move", "--to=secrets"], words].concat();
        let moved = at("restored-move", &words).await;
        assert_eq!(moved.code, Some(0), "{}{}", moved.stdout, moved.stderr);
        let told = "4 records of releases that Helm 3 has now stay set aside in configmaps; `tiller-guard releases restore` gives a \
                    release back into the storage that Tiller reads";
        assert!(moved.stdout.contains(told), "{}", moved.stdout);
    }
    assert_eq!(names(&world, "Secret", "OWNER=TILLER").await.len(), 2);
    assert_eq!(names(&world, "ConfigMap", "OWNER=MIGRATED").await.len(), 4);
    let back = at("restored-move", &["move", "--to=configmaps"]).await;
    assert!(
        !back.stdout.contains("set aside in secrets;"),
        "{}",
        back.stdout
    );
}

/// How often a run that gives all back asks for the Secrets and for the namespace.
async fn asked_to_give_back(world: &World) -> (usize, usize) {
    let namespace = world.namespace.as_str();
    let proxy = Proxy::start(world.client.clone(), |_| Fate::Passes).await;
    let words = ["releases", "restore", "--all", "-n", namespace];
    let back = run_at(&proxy.kubeconfig(), &words).await;
    assert_eq!(back.code, Some(0), "{}{}", back.stdout, back.stderr);
    assert_eq!(names(world, "Secret", "owner=helm").await, [""; 0]);
    assert_eq!(names(world, "ConfigMap", "OWNER=MIGRATED").await, [""; 0]);
    let place = format!("/api/v1/namespaces/{namespace}");
    let secrets = format!("{place}/secrets");
    let asked = proxy.asked();
    let count = |path: &str| {
        let gets = asked.iter().filter(|it| it.method == "GET");
        gets.filter(|it| it.path == path).count()
    };
    (count(&secrets), count(&place))
}

/// Each list takes the API server as long as all Secrets of the namespace do.
#[tokio::test]
async fn lists_are_asked_for_once_however_many_releases_there_are() {
    let releases = ["desc", "plain", "hooks", "sub", "uni", "hist"];
    for (prefix, options) in [("restored-lists", &[][..]), ("restored-kept", &["--keep"])] {
        let mut counts = Vec::new();
        for count in [1, releases.len()] {
            let world = world(&format!("{prefix}-{count}"), &releases[..count]).await;
            let _migrated = migrated(&kubeconfig(), &world.namespace, options).await;
            counts.push(asked_to_give_back(&world).await);
        }
        assert_eq!(counts[0], counts[1], "{options:?}");
        assert!(counts[0].0 <= 5 && counts[0].1 <= 2, "{counts:?}");
    }
}
