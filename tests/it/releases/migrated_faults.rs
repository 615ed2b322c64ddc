//! What is in the way of `migrate`, and what networks and API servers do to it.

use std::collections::BTreeSet;

use serde_json::json;

use super::migrated::{at, migrated, names, world};
use super::moved::{create, kubeconfig};
use crate::provision::proxy::{Asked, Fate, Proxy, killed_after};

#[tokio::test]
async fn what_is_in_the_way_is_named() {
    let world = world("migrate-not", &["plain", "stuckup", "desc"]).await;
    let broken = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "broken.v1", "labels": { "OWNER": "TILLER", "NAME": "broken", "VERSION": "1" } },
        "data": { "release": "no" },
    });
    create(&world, broken).await;
    let strange = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
        "metadata": {
            "name": "sh.helm.release.v1.desc.v1",
            "labels": { "owner": "helm", "name": "desc", "status": "deployed", "version": "1" },
        },
        "data": { "release": "eHg=" },
    });
    create(&world, strange).await;
    let run = migrated(&kubeconfig(), "migrate-not", &[]).await;
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    for told in [
        "broken: not ready: ConfigMap migrate-not/broken.v1 cannot be decoded: it is not base64",
        "desc: not ready: Helm 3 has a release of this name in migrate-not, which is another: Secret sh.helm.release.v1.desc.v1",
        "kubectl -n migrate-not delete secrets -l owner=helm,name=desc",
        "keep Tiller: 3 releases in migrate-not are not migrated yet",
        "plain: migrated to migrate-not: 4 revisions",
        "stuckup: not ready: revision 2 is PENDING_UPGRADE",
    ] {
        assert!(run.stdout.contains(told), "{told}: {}", run.stdout);
    }
}

macro_rules! each_request_meets_once {
    ($($name:ident: $namespace:literal, $fate:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let world = world($namespace, &["plain"]).await;
            let proxy = Proxy::once_each(world.client.clone(), $fate).await;
            let run = migrated(&proxy.kubeconfig(), $namespace, &[]).await;
            assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
            assert_eq!(names(&world, "Secret", "owner=helm,name=plain").await.len(), 4);
            assert_eq!(names(&world, "ConfigMap", "OWNER=MIGRATED").await.len(), 4);
        }
    )*};
}

each_request_meets_once! {
    a_conflict: "migrate-409", Fate::Fails(409);
    an_overloaded_server: "migrate-429", Fate::Fails(429);
    a_failing_server: "migrate-500", Fate::Fails(500);
    a_lost_connection: "migrate-lost", Fate::Lost;
    a_lost_answer: "migrate-answer", Fate::AnswerLost;
}

/// Nothing is hidden from Tiller that Helm 3 does not have.
#[tokio::test]
async fn what_fails_for_good_hides_nothing() {
    let world = world("migrate-422", &["plain"]).await;
    for code in [403, 422, 500] {
        let fate = move |asked: &[Asked]| {
            let creates = |it: &&Asked| it.method == "POST" && it.writes();
            let posts = asked.iter().filter(creates).count();
            if posts > 2 && creates(&asked.last().unwrap()) {
                Fate::Fails(code)
            } else {
                Fate::Passes
            }
        };
        let proxy = Proxy::start(world.client.clone(), fate).await;
        let run = migrated(&proxy.kubeconfig(), "migrate-422", &[]).await;
        assert_eq!(run.code, Some(4), "{code}: {}", run.stdout);
        assert!(
            run.stderr
                .contains("cannot create Secret migrate-422/sh.helm.release.v1.plain.v"),
            "{}",
            run.stderr
        );
        assert_eq!(names(&world, "ConfigMap", "OWNER=TILLER").await.len(), 4);
        let again = run.stderr.matches("run this again").count();
        assert_eq!(again, 1, "{}", run.stderr);
        assert!(
            run.stderr
                .contains("Helm 3's records of it were deleted again"),
            "{}",
            run.stderr
        );
        assert_eq!(names(&world, "Secret", "owner=helm").await, [""; 0]);
    }
}

/// Killed after each of its writes, and run again: Tiller or Helm 3 has the release at any time.
#[tokio::test]
async fn killed_anywhere_it_takes_up_where_it_ended() {
    let world = world("migrate-killed", &["plain"]).await;
    for writes in 0..13 {
        let words = ["releases", "migrate", "-n", "migrate-killed", "--to=helm3"];
        let _ended = killed_after(writes, world.client.clone(), &words).await;
        let tillers = names(&world, "ConfigMap", "OWNER=TILLER").await;
        let aside = names(&world, "ConfigMap", "OWNER=MIGRATED").await;
        let helm3 = names(&world, "Secret", "owner=helm,name=plain").await.len();
        let all: BTreeSet<&str> = tillers
            .iter()
            .chain(&aside)
            .map(|it| it.strip_suffix(".migrated").unwrap_or(it))
            .collect();
        assert_eq!(all.len(), 4, "{writes}");
        assert!(
            aside.is_empty() || helm3 == 4,
            "{writes}: {aside:?} {helm3}"
        );
        assert!(
            tillers.len() == 4 || aside.len() == 4,
            "{writes}: {tillers:?}"
        );
        // Without another migration, either.
        if writes % 2 == 0 && helm3 > 0 {
            let back = at("migrate-killed", &["restore", "plain"]).await;
            assert_eq!(back.code, Some(0), "{}{}", back.stdout, back.stderr);
            assert_eq!(names(&world, "Secret", "owner=helm").await, [""; 0]);
            assert_eq!(names(&world, "ConfigMap", "OWNER=TILLER").await.len(), 4);
            assert_eq!(names(&world, "ConfigMap", "OWNER=MIGRATED").await, [""; 0]);
        }
        if writes % 2 == 1 {
            let run = migrated(&kubeconfig(), "migrate-killed", &[]).await;
            assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
            assert_eq!(
                names(&world, "Secret", "owner=helm,name=plain").await.len(),
                4
            );
            assert!(names(&world, "ConfigMap", "OWNER=TILLER").await.is_empty());
            let back = at("migrate-killed", &["restore", "plain"]).await;
            assert_eq!(back.code, Some(0), "{}{}", back.stdout, back.stderr);
            assert_eq!(names(&world, "ConfigMap", "OWNER=TILLER").await.len(), 4);
            assert!(names(&world, "Secret", "owner=helm").await.is_empty());
        }
    }
}
