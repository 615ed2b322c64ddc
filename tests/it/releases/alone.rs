//! Two runs on the releases of one Tiller: one works, the other names it. One that was killed keeps nobody away for long.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::migrated::{at, migrated, names, world};
use super::moved::{create, found, kubeconfig, moved};
use crate::api_server::{World, value};
use crate::offline::Run;
use crate::provision::proxy::{Asked, Fate, Proxy, hangs_after, started, written};

const LOCK: &str = "tiller-guard-releases";

async fn is_locked(world: &World) -> bool {
    names(world, "ConfigMap", "")
        .await
        .contains(&LOCK.to_owned())
}

/// A `migrate` that has written once and waits.
async fn at_work(proxy: &Proxy, namespace: &str) -> Child {
    let words = ["releases", "migrate", "--to=helm3", "-n", namespace];
    let child = started(proxy, &words)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let end = Instant::now() + Duration::from_mins(1);
    while written(&proxy.asked()) < 2 {
        assert!(Instant::now() < end, "it does not write");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    child
}

#[track_caller]
fn assert_busy(run: &Run, namespace: &str, by: &str) {
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    let told = format!(
        "error: another run works on the releases of {namespace}: `tiller-guard releases migrate`, {by}"
    );
    assert!(run.stderr.starts_with(&told), "{}", run.stderr);
    let next =
        format!(" (ConfigMap {namespace}/{LOCK}); wait until it has ended, and run this again\n");
    assert!(run.stderr.ends_with(&next), "{}", run.stderr);
}

#[tokio::test]
async fn a_second_run_names_the_first_and_goes_on_once_that_is_killed() {
    let namespace = "alone-a";
    let world = world(namespace, &["desc"]).await;
    let proxy = Proxy::start(world.client.clone(), hangs_after(1)).await;
    let mut first = at_work(&proxy, namespace).await;
    let before = (
        found(&world).await,
        names(&world, "Secret", "owner=helm").await,
    );
    // It renews the lock meanwhile.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let by = format!("process {} on ", first.id());
    for words in [
        &["migrate", "--to=helm3"][..],
        &["move", "--to=secrets"],
        &["restore", "--all"],
    ] {
        assert_busy(&at(namespace, words).await, namespace, &by);
    }
    let checked = migrated(&kubeconfig(), namespace, &["--check"]).await;
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    assert_eq!(
        (
            found(&world).await,
            names(&world, "Secret", "owner=helm").await
        ),
        before
    );
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(is_locked(&world).await);
    let begin = Instant::now();
    let next = migrated(&kubeconfig(), namespace, &[]).await;
    assert_eq!(next.code, Some(0), "{}{}", next.stdout, next.stderr);
    assert!(
        begin.elapsed() < Duration::from_secs(10),
        "{:?}",
        begin.elapsed()
    );
    assert!(!is_locked(&world).await);
    assert_eq!(names(&world, "Secret", "owner=helm").await.len(), 2);
}

/// Each of them says what holds, whichever comes first.
#[tokio::test]
async fn two_runs_at_once_lose_nothing_and_say_what_holds() {
    let namespace = "alone-b";
    let world = world(namespace, &["desc", "plain"]).await;
    let before = found(&world).await;
    for round in 0..6 {
        let (mut migrations, mut done) = (Vec::new(), 0);
        for _ in 0..3 {
            migrations.push(async { migrated(&kubeconfig(), namespace, &[]).await });
        }
        for run in futures_util::future::join_all(migrations).await {
            if run.code == Some(0) {
                done += 1;
                assert!(run.stdout.contains("desc: migrated"), "{}", run.stdout);
            } else {
                assert_busy(&run, namespace, "process ");
            }
        }
        assert!(done > 0, "{round}");
        assert_eq!(names(&world, "ConfigMap", "OWNER=TILLER").await, [""; 0]);
        assert_eq!(names(&world, "Secret", "owner=helm").await.len(), 6);
        let back = async { at(namespace, &["restore", "--all"]).await };
        let other = async { moved(&kubeconfig(), namespace, &["--to=secrets"]).await };
        let (back, _) = futures_util::future::join(back, other).await;
        if back.code != Some(0) {
            let again = at(namespace, &["restore", "--all"]).await;
            assert_eq!(again.code, Some(0), "{}{}", again.stdout, again.stderr);
        }
        let home = moved(&kubeconfig(), namespace, &["--to=configmaps"]).await;
        assert_eq!(home.code, Some(0), "{}{}", home.stdout, home.stderr);
        assert_eq!(found(&world).await, before, "{round}");
        assert!(!is_locked(&world).await);
    }
}

/// The lock of a run that cannot be looked for, on another machine.
async fn locked_elsewhere(world: &World) {
    let annotations = json!({
        "tiller-guard.io/command": "releases migrate", "tiller-guard.io/host": "elsewhere",
        "tiller-guard.io/process": "another-boot/pid:[1]/17/4", "tiller-guard.io/renewed": "0",
    });
    let metadata = json!({ "name": LOCK, "annotations": annotations });
    create(
        world,
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata }),
    )
    .await;
}

#[tokio::test]
async fn a_run_elsewhere_is_named_while_it_renews_its_lock_and_no_longer() {
    let namespace = "alone-c";
    let world = world(namespace, &["desc"]).await;
    locked_elsewhere(&world).await;
    let maps = world.objects("", "v1", "ConfigMap");
    let renewed = tokio::spawn(async move {
        for count in 1_u32.. {
            let annotations = json!({ "tiller-guard.io/renewed": count.to_string() });
            let patch = Patch::Merge(json!({ "metadata": { "annotations": annotations } }));
            let _renewed = maps
                .patch(LOCK, &PatchParams::default(), &patch)
                .await
                .unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let busy = migrated(&kubeconfig(), namespace, &[]).await;
    assert_busy(&busy, namespace, "process 17 on elsewhere");
    renewed.abort();
    let begin = Instant::now();
    let run = migrated(&kubeconfig(), namespace, &[]).await;
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(
        begin.elapsed() > Duration::from_secs(14),
        "{:?}",
        begin.elapsed()
    );
    let waits = format!(
        "waiting up to 15 seconds to see whether another run still works on the releases of {namespace}: `tiller-guard releases \
         migrate`, process 17 on elsewhere (ConfigMap {namespace}/{LOCK})\n"
    );
    assert_eq!(run.stderr, waits);
    assert!(!is_locked(&world).await);
}

/// Somebody else's object is neither used nor deleted.
#[tokio::test]
async fn an_object_of_this_name_that_is_no_lock_is_left() {
    let namespace = "alone-d";
    let world = world(namespace, &["desc"]).await;
    let object = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": LOCK }, "data": { "a": "b" } });
    create(&world, object).await;
    let run = migrated(&kubeconfig(), namespace, &[]).await;
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    let told = "error: 1 in the way, and no record of Tiller's: ConfigMap \
                alone-d/tiller-guard-releases; rename or delete it";
    assert!(run.stderr.starts_with(told), "{}", run.stderr);
    let maps = world.objects("", "v1", "ConfigMap");
    assert_eq!(value(&maps.get(LOCK).await.unwrap())["data"]["a"], "b");
}

/// Faults of the requests about the lock, too.
#[tokio::test]
async fn a_lock_survives_what_networks_and_servers_do() {
    let namespace = "alone-e";
    let world = world(namespace, &["desc"]).await;
    let fates = [
        Fate::Fails(409),
        Fate::Fails(429),
        Fate::Fails(500),
        Fate::Lost,
        Fate::AnswerLost,
    ];
    for fate in fates {
        let once_each = move |asked: &[Asked]| {
            let (last, before) = asked.split_last().unwrap();
            if last.writes() && !before.contains(last) {
                fate
            } else {
                Fate::Passes
            }
        };
        let proxy = Proxy::start_counting_all(world.client.clone(), once_each).await;
        let run = migrated(&proxy.kubeconfig(), namespace, &[]).await;
        assert_eq!(run.code, Some(0), "{fate:?}: {}{}", run.stdout, run.stderr);
        let back = at(namespace, &["restore", "--all"]).await;
        assert_eq!(
            back.code,
            Some(0),
            "{fate:?}: {}{}",
            back.stdout,
            back.stderr
        );
        assert!(!is_locked(&world).await, "{fate:?}");
    }
}
