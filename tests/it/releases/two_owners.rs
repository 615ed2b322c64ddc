//! A release that both Tiller and Helm 3 have: `list` says so, and each way out leaves it one owner.

use super::migrated::{at, migrated, names, world};
use super::moved::{RecordTexts, create, found, kubeconfig};
use crate::api_server::World;
use crate::provision::proxy::{Proxy, hangs_after, killed_at};

/// A run of `migrate` writes the lock, two records of Helm 3, two copies, and deletes two records and the lock.
const WRITES: usize = 8;

/// Whether both have the release, and what `list` says of it.
async fn listed(world: &World, namespace: &str) -> (bool, bool) {
    let has_tiller = !names(world, "ConfigMap", "OWNER=TILLER").await.is_empty();
    let has_helm3 = !names(world, "Secret", "owner=helm").await.is_empty();
    let run = at(namespace, &["list", "-o", "json"]).await;
    let problems = run.json()["problems"].as_array().unwrap().clone();
    let kinds: Vec<_> = problems
        .iter()
        .map(|it| it["problem"].as_str().unwrap())
        .collect();
    let is_said = kinds.contains(&"two-owners");
    assert_eq!(run.code, Some(i32::from(is_said)), "{}", run.stdout);
    assert_eq!(kinds.len(), usize::from(is_said), "{}", run.stdout);
    if is_said {
        assert_eq!(
            problems[0]["message"],
            format!(
                "Helm 3 has a release desc in {namespace} too: Tiller and Helm 3 can each change or delete what runs"
            )
        );
        assert_eq!(
            problems[0]["remedy"],
            format!(
                "leave it to Helm 3: tiller-guard releases migrate --to helm3 -n {namespace} desc; or to Tiller: tiller-guard \
                 releases restore desc -n {namespace}"
            )
        );
    }
    (has_tiller && has_helm3, is_said)
}

async fn killed(world: &World, namespace: &str, words: &[&str], writes: usize) {
    let words = [&["releases"], words, &["-n", namespace]].concat();
    let proxy = Proxy::start_counting_all(world.client.clone(), hangs_after(writes)).await;
    let _ended = killed_at(&proxy, writes, &words).await;
}

/// Gives all releases back to Tiller, whose records are as before.
async fn give_back(world: &World, namespace: &str, before: &RecordTexts, writes: usize) {
    let run = at(namespace, &["restore", "--all"]).await;
    assert_eq!(run.code, Some(0), "{writes}: {}{}", run.stdout, run.stderr);
    assert_eq!(found(world).await, *before, "{writes}");
}

#[tokio::test]
async fn a_kill_at_each_write_of_migrate_is_listed_and_has_two_ways_out() {
    let namespace = "two-owners-a";
    let world = world(namespace, &["desc"]).await;
    let before = found(&world).await;
    let (mut both, migrate) = (0, ["migrate", "--to=helm3"]);
    for writes in 0..=WRITES {
        killed(&world, namespace, &migrate, writes).await;
        let (has_both, is_said) = listed(&world, namespace).await;
        assert_eq!(has_both, is_said, "{writes}");
        both += usize::from(has_both);
        give_back(&world, namespace, &before, writes).await;
        assert_eq!(names(&world, "Secret", "owner=helm").await, [""; 0]);
        killed(&world, namespace, &migrate, writes).await;
        let on = migrated(&kubeconfig(), namespace, &[]).await;
        assert_eq!(on.code, Some(0), "{writes}: {}{}", on.stdout, on.stderr);
        assert_eq!(listed(&world, namespace).await, (false, false), "{writes}");
        assert_eq!(names(&world, "Secret", "owner=helm").await.len(), 2);
        give_back(&world, namespace, &before, writes).await;
    }
    assert_eq!(
        both, 5,
        "after the first record of Helm 3 and before the last deletion"
    );
    assert_eq!(
        names(&world, "ConfigMap", "")
            .await
            .iter()
            .find(|it| it.starts_with("tiller-guard")),
        None
    );
}

#[tokio::test]
async fn a_kill_at_each_write_of_restore_is_listed_and_has_two_ways_out() {
    let namespace = "two-owners-b";
    let world = world(namespace, &["desc"]).await;
    let before = found(&world).await;
    for writes in 0..=WRITES {
        for on in [["restore", "--all"], ["migrate", "--to=helm3"]] {
            let run = migrated(&kubeconfig(), namespace, &[]).await;
            assert_eq!(run.code, Some(0), "{writes}: {}{}", run.stdout, run.stderr);
            killed(&world, namespace, &["restore", "--all"], writes).await;
            let (has_both, is_said) = listed(&world, namespace).await;
            assert_eq!(has_both, is_said, "{writes}");
            let run = at(namespace, &on).await;
            assert_eq!(run.code, Some(0), "{writes}: {}{}", run.stdout, run.stderr);
            assert_eq!(listed(&world, namespace).await, (false, false), "{writes}");
        }
        give_back(&world, namespace, &before, writes).await;
    }
}

/// One that Helm 3 has installed itself is no release of ours: it is said, and nothing of it is deleted.
#[tokio::test]
async fn a_release_of_helm_3s_own_is_said_and_left() {
    let namespace = "two-owners-c";
    let world = world(namespace, &["desc"]).await;
    create(
        &world,
        serde_json::json!({
            "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
            "metadata": {
                "name": "sh.helm.release.v1.desc.v7",
                "labels": { "owner": "helm", "name": "desc", "version": "7", "status": "deployed" },
            },
            "data": { "release": "" },
        }),
    )
    .await;
    assert_eq!(listed(&world, namespace).await, (true, true));
    let back = at(namespace, &["restore", "--all"]).await;
    assert_eq!(
        (back.code, back.stdout.as_str()),
        (Some(0), ""),
        "{}",
        back.stderr
    );
    assert_eq!(names(&world, "Secret", "owner=helm").await.len(), 1);
}
