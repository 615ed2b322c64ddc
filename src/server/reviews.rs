//! The two routes of the review port, and the status of everything that is no review.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Body, Bytes};
use hyper::header::{
    ALLOW, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER,
};
use hyper::{Method, Request, Response, StatusCode};
use tokio::task::yield_now;
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

use super::body::{BodyError, Bounds, Received};
use super::connection::Routes;
use super::consult::Consulting;
use super::guard::{self, Guard};
use super::lifecycle::Lifecycle;
use super::limits::Limits;
use super::memory::Memory;
use super::metrics::Metrics;
use super::peer::Peer;
use super::timeout;
use crate::k8s::review::{
    Answer, BadReview, Decision, Record, Webhook, deny_unjudged, deny_unread,
};
use crate::policy::Knowledge;

/// What a request is answered with.
pub(super) type Reply = Response<Full<Bytes>>;

/// Answers the requests of the review port.
pub(super) struct Reviews {
    pub(super) guard: Arc<dyn Guard>,
    pub(super) consulting: Consulting,
    /// Whether the caller is known to be the API server.
    pub(super) proven: bool,
    pub(super) limits: Limits,
    pub(super) memory: Arc<Memory>,
    pub(super) lifecycle: Arc<Lifecycle>,
    pub(super) metrics: Arc<Metrics>,
}

/// A request that gets no decision.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Refused {
    #[error("the Content-Type must be application/json")]
    ContentType,
    #[error("Content-Encoding is not supported")]
    ContentEncoding,
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error(transparent)]
    Review(#[from] BadReview),
    #[error("tiller-guard failed to judge this object; its log says where")]
    Panicked,
}

/// A decision, or the denial in place of one.
#[expect(clippy::large_enum_variant, reason = "nearly all are answers")]
enum Judged {
    Answered(Answer),
    Denied(Vec<u8>),
    /// Its body was not read, or not in time.
    Unread(Vec<u8>),
}

/// Decrements the gauge again, even if the client leaves first.
struct Inflight<'a>(&'a Metrics);

fn use_post() -> Reply {
    let mut reply = last(plain(StatusCode::METHOD_NOT_ALLOWED, "use POST"));
    reply
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static("POST"));
    reply
}

fn no_route() -> Reply {
    last(plain(
        StatusCode::NOT_FOUND,
        "reviews go to /mutate and /validate",
    ))
}

// === impl Reviews ===

impl Routes for Reviews {
    type Body = Full<Bytes>;

    /// Without a router: one that boxes its handlers costs 5 % of a review.
    async fn answer<B>(&self, request: Request<B>, peer: &Peer) -> Reply
    where
        B: Body<Data = Bytes> + Send + 'static,
    {
        let webhook = match request.uri().path() {
            "/mutate" => Webhook::Mutate,
            "/validate" => Webhook::Validate,
            _ => return no_route(),
        };
        if request.method() == Method::POST {
            self.respond(webhook, request, peer).await
        } else {
            use_post()
        }
    }
}

impl Reviews {
    /// Answers a request to one of the two routes.
    ///
    /// Requests that arrive together are all read, then all judged, then all answered: each step finds its code and branch
    /// predictions warm, while the kernel, TLS and judging in turn would each find them cold. A single request pays for two
    /// polls of the sockets.
    async fn respond<B>(&self, webhook: Webhook, request: Request<B>, peer: &Peer) -> Reply
    where
        B: Body<Data = Bytes>,
    {
        let reply = self.reply(webhook, request, peer).await;
        yield_now().await;
        reply
    }

    async fn reply<B>(&self, webhook: Webhook, request: Request<B>, peer: &Peer) -> Reply
    where
        B: Body<Data = Bytes>,
    {
        let began = Instant::now();
        let _inflight = Inflight::new(&self.metrics);
        match self.review(webhook, request, peer, began).await {
            Ok(Judged::Answered(answer)) => {
                self.metrics.decided(webhook, &answer, began.elapsed());
                tell(webhook, &answer, self.proven);
                if self.proven {
                    self.guard.answered(&answer);
                }
                json(answer.body)
            }
            Ok(Judged::Denied(body)) => {
                self.metrics.failed(webhook, 200, began.elapsed());
                json(body)
            }
            Ok(Judged::Unread(body)) => {
                self.metrics.failed(webhook, 200, began.elapsed());
                last(json(body))
            }
            Err(refused) => {
                self.metrics
                    .failed(webhook, refused.status().as_u16(), began.elapsed());
                debug!(webhook = webhook.as_str(), error = %refused, "request refused");
                refused.reply()
            }
        }
    }

    async fn review<B>(
        &self,
        webhook: Webhook,
        request: Request<B>,
        peer: &Peer,
        began: Instant,
    ) -> Result<Judged, Refused>
    where
        B: Body<Data = Bytes>,
    {
        let (head, body) = request.into_parts();
        check_content(&head.headers)?;
        let deadline = began + self.limits.budget(timeout::of(head.uri.query()));
        let bounds = Bounds {
            limits: &self.limits,
            memory: &self.memory,
            lifecycle: &self.lifecycle,
            peer,
            deadline,
        };
        let mut received = Received::new();
        if let Err(error) = received.read(body, &bounds).await {
            return self.unread(webhook, error, received.beginning());
        }
        yield_now().await;
        let (bytes, _claim) = received.whole();
        self.judge(webhook, &bytes, deadline).await
    }

    /// Judges in place, which takes microseconds; waits only for what must be read live.
    async fn judge(
        &self,
        webhook: Webhook,
        body: &[u8],
        deadline: Instant,
    ) -> Result<Judged, Refused> {
        let judge = || self.guard.judge(webhook, body);
        let guard::Judged { answer, review } = match self.sheltered(webhook, judge) {
            Some(judged) => judged?,
            None => return panicked(webhook, body),
        };
        let Some(mut review) = review.filter(|_| !answer.lookups.is_empty()) else {
            return Ok(Judged::Answered(answer));
        };
        let again = |knowledge: &Knowledge| {
            self.sheltered(webhook, || self.guard.judge_again(&mut review, knowledge))
        };
        let settled = self
            .consulting
            .settle(&*self.guard, answer, deadline, again);
        let (answer, result) = settled.await;
        self.metrics.looked_up(result);
        Ok(Judged::Answered(answer))
    }

    /// A review that cannot be judged is denied if its uid is known, because `failurePolicy: Ignore` turns an error into a yes.
    /// The mutating webhook does not have the last word, so its error blocks no Pod that is not a Tiller.
    fn unread(
        &self,
        webhook: Webhook,
        error: BodyError,
        beginning: &[u8],
    ) -> Result<Judged, Refused> {
        if let Some(reason) = error.shed() {
            self.metrics.shed(reason);
        }
        let unjudged = error.unjudged().filter(|_| webhook == Webhook::Validate);
        let denied = unjudged.and_then(|why| deny_unread(beginning, why));
        debug!(webhook = webhook.as_str(), %error, denied = denied.is_some(), "body not read");
        denied.map(Judged::Unread).ok_or(Refused::Body(error))
    }

    /// Judges a review; `None` if that panics. No shared state can be left half done by a panic.
    fn sheltered<T>(&self, webhook: Webhook, judge: impl FnOnce() -> T) -> Option<T> {
        let judged = catch_unwind(AssertUnwindSafe(judge)).ok();
        if judged.is_none() {
            self.metrics.panics.inc();
            error!(webhook = webhook.as_str(), "judging a review panicked");
        }
        judged
    }
}

/// A review that judging panicked on.
fn panicked(webhook: Webhook, body: &[u8]) -> Result<Judged, Refused> {
    let denied = match webhook {
        Webhook::Mutate => None,
        Webhook::Validate => deny_unjudged(body),
    };
    denied.map(Judged::Denied).ok_or(Refused::Panicked)
}

// === impl Refused ===

impl Refused {
    fn status(&self) -> StatusCode {
        match self {
            Self::ContentType | Self::ContentEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Body(BodyError::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Body(
                BodyError::Late | BodyError::Slow | BodyError::Busy | BodyError::Draining,
            ) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Body(BodyError::Broken) | Self::Review(_) => StatusCode::BAD_REQUEST,
            Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn reply(&self) -> Reply {
        let mut reply = plain(self.status(), self.to_string());
        let headers = reply.headers_mut();
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            // The API server tries a POST again only where the answer says when
            // (client-go rest/with_retry.go).
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        match self {
            Self::Review(_) | Self::Panicked => reply,
            Self::ContentType | Self::ContentEncoding | Self::Body(_) => last(reply),
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

/// Logs one line for each review with findings or exceptions; never the object. A hardened Tiller is logged at debug.
/// Break-glass is a warning. A review whose caller may be anybody is marked, because all that it names is only what its
/// sender claims.
fn tell(webhook: Webhook, answer: &Answer, proven: bool) {
    let Answer {
        body: _,
        decision,
        mode: _,
        operation,
        kind,
        rules,
        refusal: _,
        excepted,
        not_tiller,
        lookups: _,
        record,
    } = answer;
    let broken = *decision == Decision::BreakGlass;
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
    let told = excepted
        .iter()
        .map(|(rule, reason)| format!("{rule}: {reason}"));
    let excepted = (!excepted.is_empty()).then(|| told.collect::<Vec<_>>().join("; "));
    let caller = (!proven).then_some("unproven");
    // Words of our own need no quotes; a name from the cluster can hold anything.
    macro_rules! line {
        ($level:ident) => {
            $level!(
                %webhook, %operation, %kind, caller, uid, user, namespace, name, %rules, excepted,
                not_tiller, dry_run, "{decision}"
            )
        };
    }
    if broken { line!(warn) } else { line!(info) }
}

fn json(body: Vec<u8>) -> Reply {
    let mut reply = Response::new(Full::from(body));
    let json = HeaderValue::from_static("application/json");
    reply.headers_mut().insert(CONTENT_TYPE, json);
    reply
}

/// Makes it the last answer of its connection: the request's body was not read, so the next request cannot
/// be found.
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
