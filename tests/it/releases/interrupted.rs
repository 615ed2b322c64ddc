//! Ctrl-C while records are moved or migrated.

use kube::api::ListParams;

use super::kubelet::play_kubelet;
use super::migrated;
use super::moved::{all, found, kubeconfig, moved, world};
use crate::api_server::cluster;
use crate::knowledge::{create, tiller};
use crate::offline::Run;
use crate::provision::proxy::{Asked, interrupted, written};

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
    create(&world, &tiller(&world, "tiller")).await.unwrap();
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
    assert_said(
        &said,
        "error: interrupted after 0 releases were migrated: a release that was on its way has records of Helm 2, of Helm 3, or both, \
         and none is lost; run this again to go on, or give all releases back to Tiller with: tiller-guard releases restore --all -n \
         migrate-interrupted\n",
    );
    let run = migrated::migrated(&kubeconfig(), "migrate-interrupted", &[]).await;
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let secrets = world.objects("", "v1", "Secret");
    let of_helm = ListParams::default().labels("owner=helm,name=plain");
    assert_eq!(secrets.list(&of_helm).await.unwrap().items.len(), 4);
}

/// Ctrl-C after Tiller was stopped, while its releases are migrated and while they are given back.
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_run_says_that_tiller_is_stopped() {
    let namespace = "migrate-interrupted-b";
    let world = migrated::world(namespace, &["desc", "plain"]).await;
    create(&world, &tiller(&world, "tiller")).await.unwrap();
    let base = ["releases", "migrate", "-n", namespace, "--to=helm3"];
    let words = [&base[..], &["--stop-tiller", "desc"]].concat();
    let said = interrupted(world.client.clone(), &words, is_third_write).await;
    let stopped = format!(
        "and none is lost; Deployment {namespace}/tiller-deploy is stopped, and the next run starts it if it has releases left; run this"
    );
    assert_said(&said, &stopped);
    let words = ["releases", "restore", "--all", "-n", namespace];
    let is_deletion = |asked: &[Asked]| asked.last().is_some_and(|it| it.method == "DELETE");
    let said = interrupted(world.client.clone(), &words, is_deletion).await;
    assert_said(
        &said,
        "error: interrupted after 0 releases were given back: a release that was on its way has records of Helm 2, of Helm 3, or \
         both, and none is lost; run this again to go on\n",
    );
    let back = migrated::at(namespace, &["restore", "--all"]).await;
    assert_eq!(back.code, Some(0), "{}{}", back.stdout, back.stderr);
    let started =
        format!("Deployment {namespace}/tiller-deploy was stopped, and is started again\n");
    assert!(back.stdout.ends_with(&started), "{}", back.stdout);
}
