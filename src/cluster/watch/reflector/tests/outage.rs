//! An API server that fails for 40 seconds: how old what is known is once it answers again.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;

use super::*;

type Answer = Response<BoxBody<Bytes, io::Error>>;

/// When it begins to fail: a watch has run for long by then.
const BEGIN: Duration = Duration::from_secs(30);
const OUTAGE: Duration = Duration::from_secs(40);
/// How old what is known may be once the API server answers again.
const OLDEST: Duration = Duration::from_secs(10);

/// How it fails.
#[derive(Debug, Clone, Copy)]
enum Failure {
    /// With this status, before anything is watched.
    Status(u16),
    /// With this status within a watch.
    Within(u16),
    /// Nobody answers.
    Unreachable,
}

/// An API server that has an object more after its failure, and has forgotten what happened meanwhile.
fn client(failure: Failure, requests: Arc<AtomicU32>) -> Client {
    let begin = Instant::now();
    let service = tower::service_fn(move |request: HttpRequest<Body>| {
        let requests = Arc::clone(&requests);
        async move {
            let at = begin.elapsed();
            let watches = request.uri().to_string().contains("watch=true");
            if at < BEGIN {
                return Ok(if watches {
                    until(begin + BEGIN)
                } else {
                    whole(200, &page("5", "", &json!([role("a", 1)])))
                });
            }
            if at < BEGIN + OUTAGE {
                requests.fetch_add(1, Ordering::Relaxed);
                return match failure {
                    Failure::Within(code) if watches => {
                        Ok(whole(200, &event("ERROR", &super::failure(code))))
                    }
                    Failure::Status(code) | Failure::Within(code) => {
                        Ok(whole(code, &super::failure(code)))
                    }
                    Failure::Unreachable => Err(io::Error::from(io::ErrorKind::ConnectionRefused)),
                };
            }
            Ok(if !watches {
                whole(200, &page("9", "", &json!([role("a", 1), role("b", 8)])))
            } else if request.uri().to_string().contains("resourceVersion=5") {
                whole(200, &event("ERROR", &super::failure(410)))
            } else {
                until(begin + BEGIN + OUTAGE * 2)
            })
        }
    });
    Client::new(service, "default")
}

fn whole(status: u16, answer: &Value) -> Answer {
    let body = Full::new(Bytes::from(answer.to_string()));
    let body = body.map_err(|never| match never {}).boxed();
    Response::builder().status(status).body(body).unwrap()
}

/// A watch in which nothing happens, and which breaks off.
fn until(end: Instant) -> Answer {
    let broken = stream::once(async move {
        tokio::time::sleep_until(end).await;
        Err::<Frame<Bytes>, _>(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    Response::new(BoxBody::new(StreamBody::new(Box::pin(broken))))
}

/// Waits have a chance part: each way to fail is tried often.
#[tokio::test(start_paused = true)]
async fn what_is_known_is_ten_seconds_old_at_most_once_an_api_server_answers_again() {
    for failure in [
        Failure::Status(429),
        Failure::Status(500),
        Failure::Within(429),
        Failure::Within(500),
        Failure::Unreachable,
    ] {
        for _try in 0..50 {
            let begin = Instant::now();
            let requests = Arc::new(AtomicU32::new(0));
            let (mut updates, _status) = run_with(client(failure, Arc::clone(&requests)), SERVICES);
            let first = told(&mut updates, 3).await;
            assert_eq!(first, ["listing", "a", "complete"]);
            let mut next = String::new();
            while next != "a,b" {
                next = told(&mut updates, 1).await.remove(0);
            }
            let late = begin.elapsed().saturating_sub(BEGIN + OUTAGE);
            assert!(late <= OLDEST, "{failure:?}: {late:?}");
            let requests = requests.load(Ordering::Relaxed);
            assert!((5..=20).contains(&requests), "{failure:?}: {requests}");
        }
    }
}

/// What is known stays until a list is complete.
#[tokio::test(start_paused = true)]
async fn pages_that_lead_to_one_before_end_the_list() {
    let script = Script::new(&[
        (200, vec![page("5", "", &json!([role("a", 1)]))]),
        (200, vec![event("ERROR", &failure(410))]),
        (200, vec![page("6", "more", &json!([role("b", 2)]))]),
        (200, vec![page("6", "more", &json!([role("b", 2)]))]),
        (200, vec![page("7", "", &json!([role("c", 3)]))]),
        (200, vec![]),
    ]);
    let (mut update, status) = script.run(SERVICES);
    let told = told(&mut update, 8).await;
    let expected = [
        "listing", "a", "complete", "listing", "b", "listing", "c", "complete",
    ];
    assert_eq!(told, expected);
    let line = "watch_errors_total{resource=\"services\",reason=\"malformed\"} 1";
    let metrics = metrics(&status);
    assert!(metrics.contains(line), "{metrics}");
}
