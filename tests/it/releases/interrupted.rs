//! Ctrl-C while records are moved or migrated.

use kube::api::{ListParams, Patch, PatchParams, PostParams};

use super::kubelet::play_kubelet;
use super::migrated;
use super::moved::{all, found, kubeconfig, moved, world};
use crate::api_server::cluster;
use crate::knowledge::tiller;
use crate::offline::Run;
use crate::provision::proxy::{Asked, interrupted, killed_after, written};

#[track_caller]
fn assert_said(run: &Run, words: &str) {
    assert_eq!(run.code, Some(130), "{}", run.stderr);
    assert!(run.stderr.contains(words), "{}", run.stderr);
}

/// Whether this is a write after the first two.
fn is_third_write(asked: &[Asked]) -> bool {
    written(asked) > 2 && asked.last().is_some_and(Asked::writes)
}

/// The first copy is the second write, or the third where a dry run comes before.
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_move_says_that_tiller_is_stopped() {
    let world = world("move-interrupted", "plain").await;
    if !cluster().has_controllers() {
        return;
    }
    let deployments = world.objects("apps", "v1", "Deployment");
    let new = serde_json::from_value(tiller(&world, "tiller")).unwrap();
    deployments
        .create(&PostParams::default(), &new)
        .await
        .unwrap();
    let kubelet = play_kubelet(&world);
    let words = [
        "releases",
        "move",
        "-n",
        "move-interrupted",
        "--to=secrets",
        "--timeout=60",
    ];
    let said = interrupted(world.client.clone(), &words, is_third_write).await;
    assert_said(
        &said,
        "error: interrupted: Tiller is stopped, and no record is lost; run this again to go on, or undo it with: tiller-guard \
         releases move --to configmaps -n move-interrupted\n",
    );
    let there = found(&world).await;
    let mut old = all("plain", "ConfigMap").into_iter();
    assert!(
        old.all(|(key, text)| there.get(&key) == Some(&text)),
        "{there:?}"
    );
    let run = moved(
        &kubeconfig(),
        "move-interrupted",
        &["--to=secrets", "--timeout=60"],
    )
    .await;
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert_eq!(found(&world).await, all("plain", "Secret"));
    kubelet.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_move_without_a_deployment_stopped_none() {
    let world = world("move-interrupted-b", "plain").await;
    let words = [
        "releases",
        "move",
        "-n",
        "move-interrupted-b",
        "--to=secrets",
    ];
    let said = interrupted(world.client.clone(), &words, is_third_write).await;
    assert_said(
        &said,
        "error: interrupted: no record is lost; run this again to go on",
    );
    let run = moved(&kubeconfig(), "move-interrupted-b", &["--to=secrets"]).await;
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(found(&world).await, all("plain", "Secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_migration_says_how_far_it_is() {
    let world = migrated::world("migrate-interrupted", &["plain"]).await;
    let words = [
        "releases",
        "migrate",
        "-n",
        "migrate-interrupted",
        "--to=helm3",
    ];
    let said = interrupted(world.client.clone(), &words, is_third_write).await;
    assert_said(&said, "error: interrupted after 0 releases were migrated: ");
    let run = migrated::migrated(&kubeconfig(), "migrate-interrupted", &[]).await;
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let secrets = world.objects("", "v1", "Secret");
    let of_helm = ListParams::default().labels("owner=helm,name=plain");
    assert_eq!(secrets.list(&of_helm).await.unwrap().items.len(), 4);
}

/// A Tiller that an interrupted migration has left at zero.
#[tokio::test]
async fn a_tiller_that_was_left_stopped_is_named() {
    let world = migrated::world("migrate-left", &["plain", "desc"]).await;
    let deployments = world.objects("apps", "v1", "Deployment");
    let mut object = tiller(&world, "tiller");
    object["spec"]["replicas"] = 2.into();
    let object = serde_json::from_value(object).unwrap();
    deployments
        .create(&PostParams::default(), &object)
        .await
        .unwrap();
    let base = ["releases", "migrate", "-n", "migrate-left", "--to=helm3"];
    // Tiller is stopped, and the two revisions are written, copied and deleted: only Tiller's start is left.
    let words = [&base[..], &["--stop-tiller", "desc"]].concat();
    assert_eq!(killed_after(7, world.client.clone(), &words).await, None);
    let named = ["--stop-tiller", "desc"];
    let again = migrated::migrated(&kubeconfig(), "migrate-left", &named).await;
    assert_eq!(again.code, Some(0), "{}{}", again.stdout, again.stderr);
    let told = "desc: migrated already: Tiller has no record of it since\nDeployment migrate-left/tiller-deploy was stopped by an \
                earlier run, and is left so: it has releases left; start it with: kubectl -n migrate-left scale deployment \
                tiller-deploy --replicas=2\n";
    assert_eq!(again.stdout, told);
    // Now the whole rest: two more revisions than were written, and the stop was done.
    let words = [&base[..], &["--stop-tiller"]].concat();
    let _ended = killed_after(11, world.client.clone(), &words).await;
    // A write that was sent again leaves one for this run.
    let rest = migrated::migrated(&kubeconfig(), "migrate-left", &["--stop-tiller"]).await;
    assert_eq!(rest.code, Some(0), "{}{}", rest.stdout, rest.stderr);
    let done = migrated::migrated(&kubeconfig(), "migrate-left", &["--stop-tiller"]).await;
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    let told = "Deployment migrate-left/tiller-deploy was stopped by an earlier run, and is left so: it has no release left; start it \
                with: kubectl -n migrate-left scale deployment tiller-deploy --replicas=2\n";
    assert!(done.stdout.contains(told), "{}", done.stdout);
    // Somebody has started it since.
    let scaled = serde_json::json!({ "spec": { "replicas": 1 } });
    let _scaled = deployments
        .patch(
            "tiller-deploy",
            &PatchParams::default(),
            &Patch::Merge(scaled),
        )
        .await
        .unwrap();
    let done = migrated::migrated(&kubeconfig(), "migrate-left", &["--stop-tiller"]).await;
    assert!(!done.stdout.contains("Deployment"), "{}", done.stdout);
}
