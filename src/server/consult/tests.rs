use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::sleep;

use super::*;
use crate::k8s::review::{BadReview, Decision, Lookup, Review, Webhook};
use crate::server::guard::{Judged, LookingUp};

fn lookup(namespace: &str) -> Lookup {
    Lookup::BindingsIn(namespace.into())
}

fn answer(body: &str, lookups: &[&str]) -> Answer {
    Answer {
        body: body.as_bytes().to_vec(),
        decision: Decision::Allowed,
        mode: None,
        operation: "CREATE",
        kind: "Pod",
        rules: Vec::new(),
        refusal: None,
        excepted: Vec::new(),
        not_tiller: None,
        lookups: lookups.iter().map(|it| lookup(it)).collect(),
        record: None,
    }
}

/// A guard that takes so long to look up, finds what makes it answer so, once, and nothing the second time.
struct Slow {
    took: Duration,
    asked: Arc<AtomicUsize>,
}

impl Guard for Slow {
    fn judge<'b>(&self, _webhook: Webhook, _body: &'b [u8]) -> Result<Judged<'b>, BadReview> {
        Err(BadReview::Uid)
    }

    fn judge_again(&self, _review: &mut Review<'_>, _knowledge: &Knowledge) -> Answer {
        unreachable!("these reviews are answered by closures")
    }

    fn look_up(&self, before: Option<Arc<Knowledge>>, lookups: Vec<Lookup>) -> LookingUp {
        let weight = if before.is_some() { 100 } else { 1 };
        self.asked
            .fetch_add(weight * lookups.len(), Ordering::Relaxed);
        let took = self.took;
        Box::pin(async move {
            if before.is_some() {
                return None;
            }
            sleep(took).await;
            Some(LookedUp {
                knowledge: Arc::default(),
                whole: true,
            })
        })
    }
}

fn slow(took: Duration) -> (Slow, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let guard = Slow {
        took,
        asked: Arc::clone(&asked),
    };
    (guard, asked)
}

async fn settled(
    took: Duration,
    deadline: Duration,
    lookups: &[&str],
) -> (String, &'static str, usize) {
    let (guard, asked) = slow(took);
    let deadline = Instant::now() + deadline;
    let first = answer("known", &["a", "b"]);
    let again = |_: &Knowledge| Some(answer("found", lookups));
    let consulting = Consulting::new();
    let (answer, result) = consulting.settle(&guard, first, deadline, again).await;
    let body = String::from_utf8(answer.body).unwrap();
    (body, result, asked.load(Ordering::Relaxed))
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn what_was_found_decides() {
    let found = settled(SECOND / 2, SECOND * 5, &["a"]).await;
    assert_eq!(found, ("found".to_owned(), "done", 2));
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_anew_is_looked_up_on_top() {
    let found = settled(SECOND / 2, SECOND * 5, &["a", "c"]).await;
    assert_eq!(found, ("found".to_owned(), "failed", 102));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_a_second_or_the_client() {
    for (took, deadline, waited) in [
        (SECOND * 2, SECOND * 5, SECOND),
        (SECOND / 2, SECOND / 4, SECOND / 4),
    ] {
        let began = Instant::now();
        let late = settled(took, deadline, &[]).await;
        assert_eq!(late, ("known".to_owned(), "late", 2));
        assert_eq!(began.elapsed().as_millis() / 10, waited.as_millis() / 10);
    }
}

#[tokio::test(start_paused = true)]
async fn beyond_a_number_of_lookups_what_is_known_has_to_do() {
    let (guard, asked) = slow(SECOND / 2);
    let guard = Arc::new(guard);
    let consulting = Arc::new(Consulting::new());
    let deadline = Instant::now() + SECOND * 5;
    let tasks: Vec<_> = (0..AT_ONCE + 3)
        .map(|_| {
            let (consulting, guard) = (Arc::clone(&consulting), Arc::clone(&guard));
            tokio::spawn(async move {
                let first = answer("known", &["a"]);
                let again = |_: &Knowledge| Some(answer("found", &[]));
                let settled = consulting.settle(&*guard, first, deadline, again);
                settled.await.1
            })
        })
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    let busy = results.iter().filter(|it| **it == "busy").count();
    let done = results.iter().filter(|it| **it == "done").count();
    assert_eq!(
        (busy, done, asked.load(Ordering::Relaxed)),
        (3, AT_ONCE, AT_ONCE)
    );
}
