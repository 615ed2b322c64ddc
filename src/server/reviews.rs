//! The two routes of the review port, and the status of everything that is no review.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Body, Bytes};
use hyper::header::{
    ALLOW, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER,
};
use hyper::{Method, Request, Response, StatusCode};
use tokio::time::Instant;
use tracing::{debug, error, info};

use super::body::{BodyError, Memory, receive};
use super::lifecycle::Lifecycle;
use super::limits::Limits;
use super::metrics::Metrics;
use super::{panicked, timeout};
use crate::k8s::review::{Answer, BadReview, Record, Webhook};

/// What judges a review's body.
pub type Judge = Arc<dyn Fn(Webhook, &[u8]) -> Result<Answer, BadReview> + Send + Sync>;

/// What a request is answered with.
pub(super) type Reply = Response<Full<Bytes>>;

/// Answers the requests of the review port.
pub(super) struct Reviews {
    pub(super) judge: Judge,
    pub(super) limits: Limits,
    pub(super) memory: Memory,
    pub(super) lifecycle: Arc<Lifecycle>,
    pub(super) metrics: Arc<Metrics>,
}

/// A request that gets no decision.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Refused {
    #[error("use POST")]
    Method,
    #[error("the Content-Type must be application/json")]
    ContentType,
    #[error("no Content-Encoding is understood")]
    ContentEncoding,
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error(transparent)]
    Review(#[from] BadReview),
    #[error("tiller-guard failed to judge this object; its log says where")]
    Panicked,
}

/// A decision, or the denial in place of one.
enum Judged {
    Answered(Answer),
    Denied(Vec<u8>),
}

/// Takes the gauge down again, also where the client leaves first.
struct Inflight<'a>(&'a Metrics);

// === impl Reviews ===

impl Reviews {
    /// Answers a request.
    pub(super) async fn respond<B>(&self, request: Request<B>) -> Reply
    where
        B: Body<Data = Bytes>,
    {
        let webhook = match request.uri().path() {
            "/mutate" => Webhook::Mutate,
            "/validate" => Webhook::Validate,
            _ => {
                return last(plain(
                    StatusCode::NOT_FOUND,
                    "reviews go to /mutate and /validate",
                ));
            }
        };
        let began = Instant::now();
        let _inflight = Inflight::new(&self.metrics);
        match self.review(webhook, request, began).await {
            Ok(Judged::Answered(answer)) => {
                self.metrics.decided(webhook, &answer, began.elapsed());
                tell(webhook, &answer);
                json(answer.body)
            }
            Ok(Judged::Denied(body)) => {
                self.metrics.failed(webhook, 200, began.elapsed());
                json(body)
            }
            Err(refused) => {
                self.metrics
                    .failed(webhook, refused.status().as_u16(), began.elapsed());
                if let Some(reason) = refused.shed() {
                    self.metrics.shed(reason);
                }
                debug!(webhook = webhook.as_str(), error = %refused, "request refused");
                refused.reply()
            }
        }
    }

    async fn review<B>(
        &self,
        webhook: Webhook,
        request: Request<B>,
        began: Instant,
    ) -> Result<Judged, Refused>
    where
        B: Body<Data = Bytes>,
    {
        let (head, body) = request.into_parts();
        if head.method != Method::POST {
            return Err(Refused::Method);
        }
        check_content(&head.headers)?;
        let deadline = began + self.limits.budget(timeout::of(head.uri.query()));
        let received = receive(body, deadline, &self.limits, &self.memory, &self.lifecycle).await?;
        self.judge(webhook, &received.bytes)
    }

    /// Judges in place: it takes microseconds and waits for nothing.
    fn judge(&self, webhook: Webhook, body: &[u8]) -> Result<Judged, Refused> {
        // Nothing is shared that a panic could leave half done.
        if let Ok(answer) = catch_unwind(AssertUnwindSafe(|| (self.judge)(webhook, body))) {
            return Ok(Judged::Answered(answer?));
        }
        self.metrics.panics.inc();
        error!(webhook = webhook.as_str(), "judging a review panicked");
        match webhook {
            Webhook::Mutate => Err(Refused::Panicked),
            Webhook::Validate => panicked::denial(body)
                .map(Judged::Denied)
                .ok_or(Refused::Panicked),
        }
    }
}

// === impl Refused ===

impl Refused {
    fn status(&self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::ContentType | Self::ContentEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Body(BodyError::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Body(BodyError::Late | BodyError::Busy | BodyError::Draining) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Body(BodyError::Broken) | Self::Review(_) => StatusCode::BAD_REQUEST,
            Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Why a request was turned away that could be tried again: a word for metrics.
    fn shed(&self) -> Option<&'static str> {
        match self {
            Self::Body(BodyError::Late) => Some("late"),
            Self::Body(BodyError::Busy) => Some("memory"),
            Self::Body(BodyError::Draining) => Some("draining"),
            _ => None,
        }
    }

    fn reply(&self) -> Reply {
        let mut reply = plain(self.status(), self.to_string());
        let headers = reply.headers_mut();
        if *self == Self::Method {
            headers.insert(ALLOW, HeaderValue::from_static("POST"));
        }
        if self.shed().is_some() {
            // The API server tries a POST again only where the answer says when
            // (client-go rest/with_retry.go).
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        match self {
            Self::Review(_) | Self::Panicked => reply,
            Self::Method | Self::ContentType | Self::ContentEncoding | Self::Body(_) => last(reply),
        }
    }
}

// === impl Inflight ===

impl<'a> Inflight<'a> {
    fn new(metrics: &'a Metrics) -> Self {
        metrics.inflight.inc();
        Self(metrics)
    }
}

impl Drop for Inflight<'_> {
    fn drop(&mut self) {
        self.0.inflight.dec();
    }
}

/// Whether the headers announce JSON as it is.
fn check_content(headers: &HeaderMap) -> Result<(), Refused> {
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    if !media_type.trim().eq_ignore_ascii_case("application/json") {
        return Err(Refused::ContentType);
    }
    let encoded = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"));
    if encoded {
        return Err(Refused::ContentEncoding);
    }
    Ok(())
}

/// One line for each review that concerned a Tiller; never the object.
fn tell(webhook: Webhook, answer: &Answer) {
    let Answer {
        body: _,
        decision,
        operation,
        kind,
        rules,
        record,
    } = answer;
    let (webhook, decision) = (webhook.as_str(), decision.as_str());
    let Some(record) = record else {
        debug!(webhook, operation, kind, "{decision}");
        return;
    };
    let Record {
        uid,
        user,
        namespace,
        name,
        dry_run,
    } = record;
    let rules = rules.join(",");
    info!(
        webhook,
        operation, kind, uid, user, namespace, name, rules, dry_run, "{decision}"
    );
}

fn json(body: Vec<u8>) -> Reply {
    let mut reply = Response::new(Full::from(body));
    let json = HeaderValue::from_static("application/json");
    reply.headers_mut().insert(CONTENT_TYPE, json);
    reply
}

/// The last answer of its connection: the request's body was not read, and so the next request could
/// not be found.
fn last(mut reply: Reply) -> Reply {
    reply
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    reply
}

/// A status and why, as text.
pub(super) fn plain(status: StatusCode, text: impl Into<String>) -> Reply {
    let mut reply = Response::new(Full::from(text.into() + "\n"));
    *reply.status_mut() = status;
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    reply.headers_mut().insert(CONTENT_TYPE, text);
    reply
}

#[cfg(test)]
mod tests;
