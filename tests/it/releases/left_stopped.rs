//! A Tiller that a killed run has left at zero replicas: the next run starts it again, if a run has stopped it.

use std::fmt::Debug;

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::kubelet::play_kubelet;
use super::migrated::{at, migrated, names, world};
use super::moved::{all, found, kubeconfig, moved};
use super::moved_tiller::{deploy, tiller};
use crate::api_server::{World, cluster, value};
use crate::provision::proxy::killed_after;

const NOTE: &str = "tiller-guard.io/replicas-before-move";

async fn deployed(world: &World) -> Value {
    value(&world.deployments().get("tiller-deploy").await.unwrap())
}

async fn scale(world: &World, replicas: u32) {
    let patch = Patch::Merge(json!({ "spec": { "replicas": replicas } }));
    let _scaled = world
        .deployments()
        .patch("tiller-deploy", &PatchParams::default(), &patch)
        .await
        .unwrap();
}

/// It has two replicas as before, and no note is left.
async fn assert_runs(world: &World, when: &str) {
    let now = deployed(world).await;
    assert_eq!(now["spec"]["replicas"], 2, "{when}: {now}");
    assert_eq!(now["metadata"]["annotations"].get(NOTE), None, "{when}");
}

/// Kills a run after each number of writes that it may get to, once before each of the next ones; how often it left
/// Tiller at zero replicas.
async fn killed_before<T: Debug>(
    world: &World,
    kill: &[&str],
    nexts: &[T],
    run_next: impl AsyncFn(&T, &str),
) -> usize {
    let mut left = 0;
    for writes in 0..=8 {
        for next in nexts {
            let _ended = killed_after(writes, world.client.clone(), kill).await;
            left += usize::from(deployed(world).await["spec"]["replicas"] == 0);
            run_next(next, &format!("{writes}: {next:?}")).await;
        }
    }
    left
}

/// Killed after each of its writes: Tiller's stop, two records of Helm 3, two copies, two deletions, and Tiller's start.
#[tokio::test]
async fn a_killed_migration_has_tiller_started_by_the_next_run() {
    let namespace = "left-migrate";
    let world = world(namespace, &["desc", "plain"]).await;
    deploy(&world, &json!([tiller(&[])])).await;
    scale(&world, 2).await;
    let before = found(&world).await;
    let base = ["releases", "migrate", "--to=helm3", "-n", namespace];
    let kill = [&base[..], &["--stop-tiller", "desc"]].concat();
    let migrate = ["migrate", "--to=helm3"];
    let nexts = [
        &[&migrate[..], &["--stop-tiller", "desc"]].concat()[..],
        // Nothing that it is asked for is left to do.
        &[&migrate[..], &["--stop-tiller", "other"]].concat(),
        &[&migrate[..], &["--keep", "plain"]].concat(),
        &["restore", "--all"],
        &["restore", "desc"],
    ];
    let left = killed_before(&world, &kill, &nexts, async |next, when| {
        let run = at(namespace, next).await;
        assert!(matches!(run.code, Some(0 | 1)), "{when}: {}", run.stderr);
        assert_runs(&world, when).await;
        let _back = at(namespace, &["restore", "--all"]).await;
        assert_eq!(found(&world).await, before, "{when}");
        assert_eq!(names(&world, "Secret", "owner=helm").await, [""; 0]);
    })
    .await;
    assert_eq!(left, 35, "after the stop and before the start");
}

/// Killed after each of its writes: Tiller's stop, two copies, two labels, Tiller's start, and two deletions.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_move_has_tiller_started_by_the_next_in_either_direction() {
    let namespace = "left-move";
    let world = super::moved::world(namespace, "desc").await;
    if !cluster().has_controllers() {
        return;
    }
    deploy(&world, &json!([tiller(&[])])).await;
    scale(&world, 2).await;
    let kubelet = play_kubelet(&world);
    let kill = ["releases", "move", "--to=secrets", "-n", namespace];
    let nexts = [("secrets", "Secret"), ("configmaps", "ConfigMap")];
    let left = killed_before(&world, &kill, &nexts, async |(to, kind), when| {
        let words = [&format!("--to={to}"), "--timeout=60"];
        let run = moved(&kubeconfig(), namespace, &words).await;
        assert_eq!(run.code, Some(0), "{when}: {}{}", run.stdout, run.stderr);
        assert_eq!(found(&world).await, all("desc", kind), "{when}");
        assert_runs(&world, when).await;
        let words = ["--to=configmaps", "--timeout=60"];
        let back = moved(&kubeconfig(), namespace, &words).await;
        assert_eq!(back.code, Some(0), "{when}: {}", back.stderr);
    })
    .await;
    kubelet.abort();
    assert_eq!(left, 10, "after the stop and before the start");
}

/// A migration would start a Tiller that sees none of its releases.
#[tokio::test(flavor = "multi_thread")]
async fn a_tiller_of_a_killed_move_is_started_by_the_move_only() {
    let namespace = "left-both";
    let world = world(namespace, &["desc", "plain"]).await;
    if !cluster().has_controllers() {
        return;
    }
    deploy(&world, &json!([tiller(&[])])).await;
    scale(&world, 2).await;
    let kubelet = play_kubelet(&world);
    // The stop, six copies and six labels.
    let kill = ["releases", "move", "--to=secrets", "-n", namespace];
    assert_eq!(killed_after(13, world.client.clone(), &kill).await, None);
    let told = format!(
        "Deployment {namespace}/tiller-deploy was stopped by a move, and is left so: records are in secrets, where it would not see \
         them; finish the move, which starts it: tiller-guard releases move --to secrets -n {namespace}\n"
    );
    let unmoved = format!(
        "desc: not ready: a move has set its records aside in configmaps, and has not ended: finish it, and run this again: \
         tiller-guard releases move --to secrets -n {namespace}\n"
    );
    for (words, code, first) in [
        (
            &["migrate", "--to=helm3", "desc"][..],
            0,
            "desc: migrated to ",
        ),
        (&["restore", "--all"], 1, &unmoved),
    ] {
        let run = at(namespace, words).await;
        assert_eq!(run.code, Some(code), "{}{}", run.stdout, run.stderr);
        assert!(run.stdout.starts_with(first), "{}", run.stdout);
        assert!(run.stdout.contains(&told), "{}", run.stdout);
        assert_eq!(deployed(&world).await["spec"]["replicas"], 0);
    }
    let words = ["--to=secrets", "--timeout=60"];
    let run = moved(&kubeconfig(), namespace, &words).await;
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert_runs(&world, "moved").await;
    let back = at(namespace, &["restore", "--all"]).await;
    assert_eq!(back.code, Some(0), "{}{}", back.stdout, back.stderr);
    let run = moved(&kubeconfig(), namespace, &words).await;
    kubelet.abort();
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert_eq!(names(&world, "Secret", "OWNER=TILLER").await.len(), 6);
    assert_eq!(names(&world, "ConfigMap", "OWNER").await, [""; 0]);
    assert_eq!(names(&world, "Secret", "owner=helm").await, [""; 0]);
}

#[tokio::test]
async fn a_tiller_that_others_stopped_is_not_started() {
    let namespace = "left-others";
    let world = world(namespace, &["desc", "plain"]).await;
    deploy(&world, &json!([tiller(&[])])).await;
    scale(&world, 0).await;
    for words in [
        &["migrate", "--to=helm3", "--stop-tiller", "desc"][..],
        &["restore", "desc"],
    ] {
        let run = at(namespace, words).await;
        assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
        assert!(!run.stdout.contains("started again"), "{}", run.stdout);
        assert_eq!(deployed(&world).await["spec"]["replicas"], 0);
    }
    let words = ["--to=secrets", "--timeout=10"];
    let run = moved(&kubeconfig(), namespace, &words).await;
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let told = format!(
        "set Deployment {namespace}/tiller-deploy to keep its records in secrets; it stays at zero replicas\ndeleted 6 records"
    );
    assert!(run.stdout.contains(&told), "{}", run.stdout);
    let now = deployed(&world).await;
    assert_eq!(now["spec"]["replicas"], 0);
    let container = &now["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["args"], json!(["--storage=secret"]));
    // Somebody has started what a run has stopped, and chose another number.
    let noted = json!({ "metadata": { "annotations": { NOTE: "3" } }, "spec": { "replicas": 2 } });
    let _noted = world
        .deployments()
        .patch(
            "tiller-deploy",
            &PatchParams::default(),
            &Patch::Merge(&noted),
        )
        .await
        .unwrap();
    let run = at(
        namespace,
        &["migrate", "--to=helm3", "--stop-tiller", "desc"],
    )
    .await;
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert_runs(&world, "started by others").await;
}

/// Without a release it is named, and left as it is.
#[tokio::test]
async fn a_tiller_without_a_release_stays_stopped() {
    let namespace = "left-none";
    let world = world(namespace, &["desc"]).await;
    deploy(&world, &json!([tiller(&[])])).await;
    scale(&world, 2).await;
    let base = ["releases", "migrate", "--to=helm3", "-n", namespace];
    let kill = [&base[..], &["--stop-tiller"]].concat();
    // The last deletion is left.
    assert_eq!(killed_after(6, world.client.clone(), &kill).await, None);
    let tiller = format!("Deployment {namespace}/tiller-deploy");
    let checked = migrated(&kubeconfig(), namespace, &["--check"]).await;
    let told = format!(
        "{tiller} was stopped by an earlier run; a run that writes starts it again if it has releases left\n"
    );
    assert!(checked.stdout.ends_with(&told), "{}", checked.stdout);
    for _run in 0..2 {
        let run = migrated(&kubeconfig(), namespace, &[]).await;
        assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
        let told = format!(
            "{tiller} was stopped by an earlier run, and is left so: it has no release left; start it with: kubectl -n {namespace} scale \
             deployment tiller-deploy --replicas=2\n"
        );
        assert!(run.stdout.contains(&told), "{}", run.stdout);
        assert_eq!(deployed(&world).await["spec"]["replicas"], 0);
    }
    // Somebody has started it since.
    scale(&world, 1).await;
    let run = migrated(&kubeconfig(), namespace, &[]).await;
    assert!(!run.stdout.contains("Deployment"), "{}", run.stdout);
}
