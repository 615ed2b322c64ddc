//! What a Tiller has recorded that is taken over with `--adopt`.

use kube::api::DeleteParams;
use serde_json::json;

use super::adopted::{by_hand, deploy};
use super::cluster::{World, assert_tells, done, make, refused};
use super::proxy::{killed_after, run_at};
use crate::api_server;
use crate::bypass::guard;
use crate::cluster::UNGUARDED;
use crate::releases::kubelet::play_kubelet;
use crate::releases::moved::{all, create, found, kubeconfig, records_of};

/// A Tiller of before the guard, which keeps what it recorded in ConfigMaps.
async fn recorded(namespace: &str) -> (World, api_server::World) {
    let unguarded = json!({ UNGUARDED: "" });
    let place = api_server::World::create_labelled(namespace, unguarded).await;
    let world = World::create().await;
    deploy(&world, namespace, &[]).await;
    for record in records_of("plain") {
        create(&place, record).await;
    }
    guard(&place).await;
    (world, place)
}

/// Nothing is written, and so nothing is hidden.
#[tokio::test]
async fn releases_that_cannot_be_moved_are_left_alone() {
    let world = World::create().await;
    by_hand(&world, "p-recorded-t").await;
    let labels = json!({ "metadata": { "labels": { "OWNER": "TILLER" } } });
    world
        .apply("v1", "ConfigMap", "p-recorded-t", "web.v1", labels)
        .await;
    let told = refused(make("p-recorded", &[]), 2);
    assert_tells(
        &told,
        "p-recorded: storage-switch: p-recorded-t has 1 release record in ConfigMaps",
    );
    assert_tells(
        &told,
        "Run: tiller-guard releases move --to secrets -n p-recorded-t; then run this again, or pass --adopt, which \
         moves them too",
    );
    for words in [&["--adopt"][..], &["--adopt", "--diff"]] {
        let told = refused(make("p-recorded", words), 1);
        assert_tells(
            &told,
            "p-recorded: 1 cannot be decoded: web.v1: it has no key `release`",
        );
    }
    let tiller = world
        .object("apps/v1", "Deployment", "p-recorded-t", "tiller-deploy")
        .await;
    let labels = &tiller["metadata"]["labels"];
    assert!(labels.get("tiller-guard.io/team").is_none());
    assert_eq!(tiller["spec"]["replicas"], 1);
    let maps = world.api("v1", "ConfigMap", "p-recorded-t");
    let _gone = maps
        .delete("web.v1", &DeleteParams::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_tiller_that_is_adopted_takes_its_records_along() {
    let (world, place) = recorded("p-taken-t").await;
    if !api_server::cluster().has_controllers() {
        return;
    }
    for trial in ["--diff", "--dry-run"] {
        let tried = done(make("p-taken", &["--adopt", trial]));
        let line = "p-taken: 4 records in configmaps of p-taken-t to move to secrets (dry run)";
        assert_tells(&tried, line);
    }
    assert_eq!(found(&place).await, all("plain", "ConfigMap"));

    let kubelet = play_kubelet(&place);
    let words = [
        "provision",
        "p-taken",
        "--tiller-namespace=p-taken-t",
        "--target-namespace=p-taken",
        "--adopt",
        "--timeout=60",
    ];
    let told = done(run_at(&kubeconfig(), &words).await);
    kubelet.abort();
    let steps = [
        "stopped Deployment p-taken-t/tiller-deploy",
        "copied 4 records to secrets",
        "compared 4 records: the copies are the same",
        "set aside 4 records in configmaps",
        "Deployment p-taken-t/tiller-deploy updated",
        "Tiller is ready",
        "deleted 4 records in configmaps",
    ];
    let places: Vec<_> = steps
        .iter()
        .map(|step| told.find(&format!("p-taken: {step}\n")))
        .collect();
    assert!(places.iter().all(Option::is_some), "{told}");
    assert!(places.is_sorted(), "{told}");
    assert_eq!(found(&place).await, all("plain", "Secret"));
    assert_is_the_teams(&world, "p-taken").await;
}

/// Killed after each few of its writes, and run again until nothing is left to do.
#[tokio::test]
async fn killed_anywhere_an_adoption_loses_no_release() {
    let (world, place) = recorded("p-torn-t").await;
    if !api_server::cluster().has_controllers() {
        return;
    }
    let kubelet = play_kubelet(&place);
    let mut is_done = false;
    for writes in 1..40 {
        let words = [
            "provision",
            "p-torn",
            "--tiller-namespace=p-torn-t",
            "--target-namespace=p-torn",
            "--adopt",
            "--timeout=60",
        ];
        let status = killed_after(writes, world.client.clone(), &words).await;
        let now = found(&place).await;
        for text in all("plain", "ConfigMap").values() {
            assert!(now.values().any(|it| it == text), "{now:?}");
        }
        if let Some(status) = status {
            assert!(status.success(), "{status}");
            is_done = true;
            break;
        }
    }
    kubelet.abort();
    assert!(is_done);
    assert_eq!(found(&place).await, all("plain", "Secret"));
    assert_is_the_teams(&world, "p-torn").await;
}

/// It is hardened, runs, and no note of the move is left on it.
async fn assert_is_the_teams(world: &World, team: &str) {
    let namespace = format!("{team}-t");
    let tiller = world
        .object("apps/v1", "Deployment", &namespace, "tiller-deploy")
        .await;
    assert_eq!(tiller["spec"]["replicas"], 1);
    let metadata = &tiller["metadata"];
    assert_eq!(metadata["labels"]["tiller-guard.io/team"], team);
    let note = "tiller-guard.io/replicas-before-move";
    assert_eq!(metadata["annotations"].get(note), None);
    let arguments = &tiller["spec"]["template"]["spec"]["containers"][0]["args"];
    for flag in ["--storage=secret", "--tls-verify=true"] {
        let arguments = arguments.as_array().unwrap();
        assert!(arguments.contains(&json!(flag)), "{arguments:?}");
    }
}
