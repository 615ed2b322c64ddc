use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::sleep;

use super::*;
use crate::k8s::review::Decision;

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

/// A judge that answers so.
fn judge(body: &'static str, lookups: &'static [&str]) -> Judge {
    Arc::new(move |_, _| Ok(answer(body, lookups)))
}

/// Takes so long, then finds what makes the judge answer so, once, and nothing the second time.
fn consult(took: Duration, judge: Judge, asked: Arc<AtomicUsize>) -> Consult {
    Arc::new(move |lookups| {
        asked.fetch_add(lookups.len(), Ordering::Relaxed);
        let (judge, asked) = (Arc::clone(&judge), Arc::clone(&asked));
        Box::pin(async move {
            sleep(took).await;
            let consult: Consult = Arc::new(move |lookups| {
                asked.fetch_add(100 * lookups.len(), Ordering::Relaxed);
                Box::pin(async { None })
            });
            Some(Informed {
                judge,
                consult,
                whole: true,
            })
        })
    })
}

fn again(judge: &Judge) -> Option<Answer> {
    judge(crate::k8s::review::Webhook::Validate, &[]).ok()
}

async fn settled(
    took: Duration,
    deadline: Duration,
    judge: Judge,
) -> (String, &'static str, usize) {
    let asked = Arc::new(AtomicUsize::new(0));
    let consulting = Consulting::new(consult(took, judge, Arc::clone(&asked)));
    let deadline = Instant::now() + deadline;
    let first = answer("known", &["a", "b"]);
    let (answer, result) = consulting.settle(first, deadline, again).await;
    let body = String::from_utf8(answer.body).unwrap();
    (body, result, asked.load(Ordering::Relaxed))
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn what_was_found_decides() {
    let found = settled(SECOND / 2, SECOND * 5, judge("found", &["a"])).await;
    assert_eq!(found, ("found".to_owned(), "done", 2));
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_anew_is_looked_up_on_top() {
    let found = settled(SECOND / 2, SECOND * 5, judge("found", &["a", "c"])).await;
    assert_eq!(found, ("found".to_owned(), "failed", 102));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_a_second_or_the_client() {
    for (took, deadline, waited) in [
        (SECOND * 2, SECOND * 5, SECOND),
        (SECOND / 2, SECOND / 4, SECOND / 4),
    ] {
        let began = Instant::now();
        let late = settled(took, deadline, judge("found", &[])).await;
        assert_eq!(late, ("known".to_owned(), "late", 2));
        assert_eq!(began.elapsed().as_millis() / 10, waited.as_millis() / 10);
    }
}

#[tokio::test(start_paused = true)]
async fn beyond_a_number_of_lookups_what_is_known_has_to_do() {
    let asked = Arc::new(AtomicUsize::new(0));
    let slow = consult(SECOND / 2, judge("found", &[]), Arc::clone(&asked));
    let consulting = Arc::new(Consulting::new(slow));
    let deadline = Instant::now() + SECOND * 5;
    let tasks: Vec<_> = (0..AT_ONCE + 3)
        .map(|_| {
            let consulting = Arc::clone(&consulting);
            tokio::spawn(async move {
                let first = answer("known", &["a"]);
                consulting.settle(first, deadline, again).await.1
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
