//! API servers whose pages of a list lead to a page before: no list is read without end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::eventually;
use super::odd_servers::{guard_at, odd, told_through};
use crate::provision::proxy::Fate;
use crate::server::client::{get, metric};

const SECRETS: &str = "/api/v1/secrets";
const STATEFUL_SETS: &str = "/apis/apps/v1/statefulsets";
const AGAIN: &str =
    r#"{"kind":"List","metadata":{"resourceVersion":"1","continue":"again"},"items":[]}"#;
const OTHER: &str =
    r#"{"kind":"List","metadata":{"resourceVersion":"1","continue":"other"},"items":[]}"#;

/// Answers these paths by pages that continue with the same token, or with one of two in turn. How often it did.
fn circle(
    paths: &'static [&'static str],
    in_turn: bool,
) -> (
    impl Fn(&str) -> Fate + Send + Sync + 'static,
    Arc<AtomicUsize>,
) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&asked);
    let answer = move |path: &str| {
        if !paths.contains(&path) {
            return Fate::Passes;
        }
        let number = counts.fetch_add(1, Ordering::SeqCst);
        Fate::Says(if in_turn && number % 2 == 1 {
            OTHER
        } else {
            AGAIN
        })
    };
    (answer, asked)
}

async fn within_a_minute<T>(command: impl Future<Output = T>) -> T {
    let ended = tokio::time::timeout(Duration::from_mins(1), command).await;
    ended.unwrap()
}

#[tokio::test]
async fn serve_asks_again_later_and_keeps_what_it_knows() {
    let (answer, asked) = circle(&[STATEFUL_SETS], true);
    let proxy = odd(answer).await;
    let (guard, _folder) = guard_at(&proxy);
    let log = eventually("line in the log", || async {
        let log = guard.server.log();
        log.contains("watch interrupted").then_some(log)
    })
    .await;
    for words in [
        "resource=\"statefulsets\"",
        "reason=\"malformed\"",
        "GET /apis/apps/v1/statefulsets gives a continue token again, so this list has no end",
    ] {
        assert!(log.contains(words), "{words} in {log}");
    }
    for (resource, synced) in [("statefulsets", 0), ("pods", 1), ("roles", 1)] {
        let line = format!("tiller_guard_watch_synced{{resource=\"{resource}\"}} {synced}");
        metric(guard.health, &line).await;
    }
    let expected = "not ready: waiting for the first list of statefulsets (malformed)\n";
    eventually("word of the one that is missing", || async {
        let told = get(guard.health, "/readyz").await.body;
        (told == expected.as_bytes()).then_some(())
    })
    .await;
    // Each try takes a few pages, and the pauses between them grow.
    let before = asked.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let more = asked.load(Ordering::SeqCst) - before;
    assert!(more < 40, "{more} requests in 3 s");
}

#[tokio::test]
async fn an_audit_says_that_part_is_unknown() {
    for in_turn in [false, true] {
        let (answer, _) = circle(&[STATEFUL_SETS], in_turn);
        let (exit, told) = within_a_minute(told_through(answer, &["audit"])).await;
        assert!(matches!(exit, Some(1 | 3)), "{exit:?}: {told}");
        let unknown = "unknown: statefulsets: the answer is not what Kubernetes sends (GET \
                       /apis/apps/v1/statefulsets gives a continue token again, so this list has no end)";
        assert!(told.contains(unknown), "{told}");
        assert!(!told.contains("unknown: daemonsets"), "{told}");
    }
}

/// Of records and of certificates too, which are Secrets.
#[tokio::test]
async fn lists_of_secrets_end_too() {
    let (answer, _) = circle(&[SECRETS], false);
    let (_, told) = within_a_minute(told_through(answer, &["audit"])).await;
    let end = "GET /api/v1/secrets gives a continue token again";
    for what in [
        "release records in secrets: ",
        "unknown: certificate secrets: ",
    ] {
        let mut lines = told.lines().filter(|it| it.contains(what));
        assert!(lines.any(|it| it.contains(end)), "{what} in {told}");
    }
    let (answer, _) = circle(&[SECRETS], false);
    let (_, told) = within_a_minute(told_through(answer, &["doctor", "--pre"])).await;
    assert!(told.contains(end), "{told}");
    assert!(!told.contains("use an account that may list"), "{told}");
}

#[tokio::test]
async fn releases_are_listed_as_far_as_they_are_known() {
    for in_turn in [false, true] {
        let (answer, _) = circle(&[SECRETS], in_turn);
        let words = ["releases", "list", "--all-namespaces"];
        let (exit, told) = within_a_minute(told_through(answer, &words)).await;
        assert_eq!(exit, Some(4), "{told}");
        let error = "error: cannot list the secrets in all namespaces: the answer is not what Kubernetes sends (GET \
                     /api/v1/secrets gives a continue token again, so this list has no end); look at what answers at \
                     this address";
        assert!(told.contains(error), "{told}");
        assert!(!told.contains("configmaps"), "{told}");
    }
}
