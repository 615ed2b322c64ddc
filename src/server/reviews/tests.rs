use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::join_all;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Bytes, Frame};
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE};
use hyper::{Request, StatusCode};
use prometheus_client::metrics::gauge::Gauge;

use super::{Reply, Reviews};
use crate::k8s::review::{Answer, BadReview, Decision, Review, Webhook};
use crate::policy::Knowledge;
use crate::server::Limits;
use crate::server::connection::Routes as _;
use crate::server::connections::Connections;
use crate::server::consult::Consulting;
use crate::server::guard::{self, Guard};
use crate::server::lifecycle::Lifecycle;
use crate::server::memory::Memory;
use crate::server::metrics::{Format, Metrics};
use crate::server::peer::{Peer, Share};
use crate::server::progress::{Progress, Stage};

/// What is not read, or not in time.
mod unread;

const MIB: usize = 1024 * 1024;

/// A body in pieces of unknown number, each of which takes a while to come.
struct Pieces {
    left: VecDeque<Bytes>,
    each: Duration,
    wait: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl Pieces {
    fn new(count: usize, size: usize, each: Duration) -> Self {
        Self {
            left: vec![Bytes::from(vec![b' '; size]); count].into(),
            each,
            wait: None,
        }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let each = self.each;
        let wait = self
            .wait
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(each)));
        std::task::ready!(wait.as_mut().poll(context));
        self.wait = None;
        Poll::Ready(self.left.pop_front().map(|piece| Ok(Frame::data(piece))))
    }
}

/// A guard that judges so.
struct By<F>(F);

impl<F> Guard for By<F>
where
    F: Fn(Webhook, &[u8]) -> Result<Answer, BadReview> + Send + Sync,
{
    fn judge<'b>(&self, webhook: Webhook, body: &'b [u8]) -> Result<guard::Judged<'b>, BadReview> {
        (self.0)(webhook, body).map(Into::into)
    }

    fn judge_again(&self, _review: &mut Review<'_>, _knowledge: &Knowledge) -> Answer {
        unreachable!("nothing is looked up")
    }
}

/// Answers what begins like an object with its length.
fn judge(_: Webhook, body: &[u8]) -> Result<Answer, BadReview> {
    match body.first() {
        Some(b'{' | b' ') => Ok(Answer {
            body: body.len().to_string().into_bytes(),
            decision: Decision::Unconcerned,
            mode: None,
            operation: "CREATE",
            kind: "Pod",
            rules: Vec::new(),
            refusal: None,
            excepted: Vec::new(),
            not_tiller: None,
            lookups: Vec::new(),
            record: None,
        }),
        Some(b'!') => panic!("as the test wants"),
        _ => Err(BadReview::Uid),
    }
}

fn reviews() -> Arc<Reviews> {
    judged_by(By(judge))
}

fn judged_by(guard: impl Guard + 'static) -> Arc<Reviews> {
    let limits = Limits::default();
    let connections = Arc::new(Connections::new(limits, Gauge::default()));
    Arc::new(Reviews {
        guard: Arc::new(guard),
        consulting: Consulting::new(),
        proven: true,
        limits,
        memory: Arc::new(Memory::new(&limits, connections)),
        lifecycle: Arc::new(Lifecycle::new()),
        metrics: Arc::new(Metrics::new()),
    })
}

async fn ask<B>(reviews: &Reviews, request: Request<B>) -> Reply
where
    B: Body<Data = Bytes, Error: Into<axum::BoxError>> + Send + 'static,
{
    let progress = Arc::new(Progress::new());
    progress.enter(Stage::Body);
    let share = Arc::new(Share::new(&reviews.limits));
    reviews.answer(request, &Peer { progress, share }).await
}

fn post(path: &str, body: &'static str) -> Request<Full<Bytes>> {
    Request::post(path)
        .header(CONTENT_TYPE, "application/json")
        .body(Full::from(body))
        .unwrap()
}

fn slow(path: &str, pieces: Pieces) -> Request<Pieces> {
    Request::post(path)
        .header(CONTENT_TYPE, "application/json")
        .body(pieces)
        .unwrap()
}

async fn text(reply: Reply) -> String {
    String::from_utf8(
        reply
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .to_vec(),
    )
    .unwrap()
}

#[tokio::test]
async fn requests_that_come_together_are_judged_before_any_is_answered() {
    let steps = Arc::new(Mutex::new(Vec::new()));
    let judging = Arc::clone(&steps);
    let reviews = judged_by(By(move |webhook, body: &[u8]| {
        judging.lock().unwrap().push("judged");
        judge(webhook, body)
    }));
    let asked = (0..3).map(|_| async {
        let reply = ask(&reviews, post("/validate", "{}")).await;
        steps.lock().unwrap().push("answered");
        assert_eq!(reply.status(), StatusCode::OK);
    });
    join_all(asked).await;
    let expected = [["judged"; 3], ["answered"; 3]].concat();
    assert_eq!(*steps.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_review_is_answered() {
    let reply = ask(&reviews(), post("/validate?timeout=10s", "{}")).await;
    assert_eq!(reply.status(), StatusCode::OK);
    assert_eq!(reply.headers()[CONTENT_TYPE], "application/json");
    assert!(!reply.headers().contains_key(CONNECTION));
    assert_eq!(text(reply).await, "2");
}

#[tokio::test]
async fn what_is_no_review_is_told_why() {
    let reply = ask(&reviews(), post("/validate", "[]")).await;
    assert_eq!(reply.status(), StatusCode::BAD_REQUEST);
    assert_eq!(text(reply).await, "the request has no uid\n");
    let reply = ask(&reviews(), post("/mutate", "")).await;
    assert_eq!(reply.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn only_post_to_the_two_paths_is_served() {
    let reply = ask(&reviews(), post("/metrics", "{}")).await;
    assert_eq!(reply.status(), StatusCode::NOT_FOUND);
    for method in ["GET", "PUT", "DELETE", "HEAD", "OPTIONS"] {
        let mut request = post("/mutate", "{}");
        *request.method_mut() = method.parse().unwrap();
        let reply = ask(&reviews(), request).await;
        assert_eq!(reply.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(reply.headers()[ALLOW], "POST");
    }
}

#[tokio::test]
async fn only_plain_json_is_read() {
    let with = |types: &'static [(&'static str, &'static str)]| {
        let mut request = Request::post("/validate");
        for (name, value) in types {
            request = request.header(*name, *value);
        }
        request.body(Full::from("{}")).unwrap()
    };
    for (headers, status) in [
        (&[][..], 415),
        (&[("content-type", "text/yaml")], 415),
        (&[("content-type", "application/json-patch+json")], 415),
        (&[("content-type", "application/json")], 200),
        (&[("content-type", "application/json; charset=utf-8")], 200),
        (&[("content-type", "Application/JSON ;charset=utf-8")], 200),
        (
            &[
                ("content-type", "application/json"),
                ("content-encoding", "gzip"),
            ],
            415,
        ),
        (
            &[
                ("content-type", "application/json"),
                ("content-encoding", "identity"),
            ],
            200,
        ),
    ] {
        let reply = ask(&reviews(), with(headers)).await;
        assert_eq!(reply.status().as_u16(), status, "{headers:?}");
    }
}

#[tokio::test]
async fn a_body_beyond_seven_mebibytes_is_refused() {
    let reviews = reviews();
    let announced = |length: usize| {
        Request::post("/validate")
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(vec![b' '; length]))
            .unwrap()
    };
    let reply = ask(&reviews, announced(7 * MIB)).await;
    assert_eq!(
        (reply.status().as_u16(), text(reply).await),
        (200, (7 * MIB).to_string())
    );
    let reply = ask(&reviews, announced(7 * MIB + 1)).await;
    assert_eq!(reply.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(reply.headers()[CONNECTION], "close");

    let chunks = |count| slow("/validate", Pieces::new(count, MIB, Duration::ZERO));
    let reply = ask(&reviews, chunks(7)).await;
    assert_eq!(
        (reply.status().as_u16(), text(reply).await),
        (200, (7 * MIB).to_string())
    );
    let reply = ask(&reviews, chunks(8)).await;
    assert_eq!(reply.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test(start_paused = true)]
async fn large_bodies_take_turns_when_memory_is_short() {
    let reviews = reviews();
    let asked = (0..20).map(|_| {
        let pieces = Pieces::new(16, 128 * 1024, Duration::from_millis(1));
        ask(&reviews, slow("/mutate", pieces))
    });
    for reply in join_all(asked).await {
        assert_eq!(reply.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_panic_is_a_denial_to_the_validator_and_an_error_to_the_mutator() {
    let reviews = judged_by(By(|_: Webhook, _: &[u8]| panic!("as the test wants")));
    let body = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview",
        "request":{"uid":"7","kind":{"kind":"Pod"}}}"#;
    let reply = ask(&reviews, post("/validate", body)).await;
    assert_eq!(reply.status(), StatusCode::OK);
    let denied = text(reply).await;
    assert!(
        denied.contains(r#""uid":"7","allowed":false,"status":{"#)
            && denied.contains("\"code\":500"),
        "{denied}"
    );
    let reply = ask(&reviews, post("/mutate", body)).await;
    assert_eq!(reply.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let metrics = reviews.metrics.encode(Format::Prometheus).unwrap();
    assert!(metrics.contains("admission_panics_total 2"), "{metrics}");
    assert!(metrics.contains("admission_inflight 0"), "{metrics}");
}
