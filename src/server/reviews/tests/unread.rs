use std::sync::Arc;
use std::time::Duration;

use hyper::body::Bytes;
use hyper::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use hyper::{Request, StatusCode};

use super::{MIB, Pieces, ask, reviews, slow, text};
use crate::server::Limits;
use crate::server::lifecycle::Phase;
use crate::server::metrics::Format;

#[tokio::test(start_paused = true)]
async fn a_slow_body_is_told_to_come_again_before_the_api_server_gives_up() {
    for (path, least, most) in [
        ("/validate?timeout=1s", 700, 1000),
        ("/validate?timeout=3s", 2700, 3000),
        ("/validate", 8900, 10_000),
        ("/validate?timeout=soon", 8900, 10_000),
        ("/validate?timeout=5m", 8900, 10_000),
    ] {
        let began = tokio::time::Instant::now();
        let pieces = Pieces::new(1000, Limits::STEP, Duration::from_millis(100));
        let reply = ask(&reviews(), slow(path, pieces)).await;
        let took = began.elapsed().as_millis();
        assert!(least <= took && took <= most, "{path}: {took} ms");
        assert_eq!(reply.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(reply.headers()[RETRY_AFTER], "1");
        assert_eq!(reply.headers()[CONNECTION], "close");
        assert_eq!(text(reply).await, "the body did not arrive in time\n");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_below_the_least_pace_is_not_waited_for() {
    let began = tokio::time::Instant::now();
    // A step is complete after 1.6 s, but for the last.
    let mut pieces = Pieces::new(3, Limits::STEP, Duration::from_millis(1600));
    pieces.left.extend(vec![Bytes::from_static(b" "); 100]);
    let reviews = reviews();
    let reply = ask(&reviews, slow("/validate", pieces)).await;
    assert_eq!(began.elapsed().as_millis(), 3 * 1600 + 4000);
    assert_eq!(reply.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(text(reply).await, "the body arrived too slowly\n");
    let metrics = reviews.metrics.encode(Format::Prometheus).unwrap();
    assert!(metrics.contains(r#"shed_total{reason="slow"} 1"#));
}

/// How a review begins, as the API server writes it.
const BEGINNING: &str =
    r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"7","#;

/// A review that goes on like that after its beginning.
fn beginning(path: &str, rest: Pieces) -> Request<Pieces> {
    let mut pieces = rest;
    pieces
        .left
        .push_front(Bytes::from_static(BEGINNING.as_bytes()));
    slow(path, pieces)
}

#[tokio::test(start_paused = true)]
async fn what_is_not_read_is_denied_to_the_validator_and_an_error_to_the_mutator() {
    let cases: [(usize, usize, u64, u16); 3] = [
        // Too slow, too late, too large.
        (100, 1, 100, 503),
        (100, Limits::STEP, 100, 503),
        (9, MIB, 0, 413),
    ];
    for (count, size, millis, code) in cases {
        let rest = || Pieces::new(count, size, Duration::from_millis(millis));
        let reply = ask(&reviews(), beginning("/validate?timeout=5s", rest())).await;
        assert_eq!(reply.status(), StatusCode::OK);
        assert_eq!(reply.headers()[CONTENT_TYPE], "application/json");
        assert_eq!(reply.headers()[CONNECTION], "close");
        let denied = text(reply).await;
        assert!(
            denied.contains(r#""response":{"uid":"7","allowed":false,"status":{"#)
                && denied.contains(&format!("\"code\":{code}")),
            "{denied}"
        );
        let reply = ask(&reviews(), beginning("/mutate?timeout=5s", rest())).await;
        assert_eq!(reply.status().as_u16(), code);
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_call_turns_stragglers_away() {
    let reviews = reviews();
    let ask = |path: &'static str| {
        let reviews = Arc::clone(&reviews);
        let rest = Pieces::new(100, 1, Duration::from_secs(1));
        tokio::spawn(async move { ask(&reviews, beginning(path, rest)).await })
    };
    let (mutate, validate) = (ask("/mutate"), ask("/validate"));
    tokio::time::sleep(Duration::from_millis(2500)).await;
    reviews.lifecycle.enter(Phase::LastCall);
    let reply = mutate.await.unwrap();
    assert_eq!(reply.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.headers()[RETRY_AFTER], "1");
    assert_eq!(text(reply).await, "the server is shutting down\n");
    let reply = validate.await.unwrap();
    assert_eq!(reply.headers()[CONNECTION], "close");
    is_denied(
        &text(reply).await,
        "tiller-guard is shutting down; try again",
    );
}

/// Whether the review was answered with a denial of its own uid, and why.
fn is_denied(answer: &str, why: &str) {
    assert!(
        answer.contains(r#""response":{"uid":"7","allowed":false,"status":{"#)
            && answer.contains(why)
            && answer.contains(r#""code":503"#),
        "{answer}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_without_memory_is_denied_before_the_api_server_gives_up() {
    let reviews = reviews();
    // These go on well, and take all that there is and the spare besides.
    let others = (0..20).map(|_| {
        let reviews = Arc::clone(&reviews);
        let pieces = Pieces::new(50, 128 * 1024, Duration::from_millis(200));
        tokio::spawn(async move { ask(&reviews, slow("/mutate?timeout=30s", pieces)).await })
    });
    let others: Vec<_> = others.collect();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let began = tokio::time::Instant::now();
    let rest = || Pieces::new(8, 128 * 1024, Duration::from_millis(1));
    let reply = ask(&reviews, beginning("/validate?timeout=2s", rest())).await;
    assert_eq!(began.elapsed().as_millis(), 1750);
    assert_eq!(reply.status(), StatusCode::OK);
    assert_eq!(reply.headers()[CONNECTION], "close");
    is_denied(
        &text(reply).await,
        "tiller-guard has no memory free for this object; try again",
    );
    let reply = ask(&reviews, beginning("/mutate?timeout=2s", rest())).await;
    assert_eq!(reply.status(), StatusCode::SERVICE_UNAVAILABLE);
    let metrics = reviews.metrics.encode(Format::Prometheus).unwrap();
    assert!(
        metrics.contains(r#"shed_total{reason="memory"} 2"#),
        "{metrics}"
    );
    others.iter().for_each(tokio::task::JoinHandle::abort);
}
