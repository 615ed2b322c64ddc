//! The health port: plain HTTP for the kubelet and Prometheus, which do not know our CA.

use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::State;
use axum::http::header::{ACCEPT, ALLOW, CONTENT_TYPE, HeaderValue, VARY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use axum::{BoxError, Router};
use hyper::Request;
use hyper::body::{Body, Bytes};
use tower::ServiceExt as _;

use super::certificate::Served;
use super::connection::Routes;
use super::guard::Guard;
use super::lifecycle::{Lifecycle, Phase};
use super::metrics::{Format, Metrics};
use super::peer::Peer;
use super::reviews::{Reply, plain};

/// What the health port reports.
pub(super) struct Health {
    pub(super) served: Arc<Served>,
    pub(super) lifecycle: Arc<Lifecycle>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) guard: Arc<dyn Guard>,
    pub(super) clock: fn() -> SystemTime,
}

/// The routes of the health port.
pub(super) fn routes(health: Arc<Health>) -> Router {
    Router::new()
        .route("/livez", get(alive))
        .route("/readyz", get(readiness))
        .route("/metrics", get(metrics))
        .method_not_allowed_fallback(use_get)
        .fallback(no_route)
        .with_state(health)
}

impl Routes for Router {
    type Body = axum::body::Body;

    async fn answer<B>(&self, request: Request<B>, _peer: &Peer) -> Response
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let Ok(reply) = self.clone().oneshot(request).await;
        reply
    }
}

async fn alive() -> Reply {
    plain(StatusCode::OK, "alive")
}

async fn readiness(State(health): State<Arc<Health>>) -> Reply {
    health.readiness()
}

async fn metrics(State(health): State<Arc<Health>>, headers: HeaderMap) -> Reply {
    let accepted = headers.get_all(ACCEPT).into_iter();
    health.metrics(Format::accepted(accepted.filter_map(|it| it.to_str().ok())))
}

async fn use_get() -> Reply {
    let mut reply = plain(StatusCode::METHOD_NOT_ALLOWED, "use GET");
    reply
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    reply
}

async fn no_route() -> Reply {
    plain(
        StatusCode::NOT_FOUND,
        "there are /livez, /readyz and /metrics",
    )
}

impl Health {
    /// Ready is whose certificate the API server accepts now, who knows what there is to know, and who is here to
    /// stay.
    fn readiness(&self) -> Reply {
        if self.lifecycle.phase() != Phase::Serving {
            return plain(StatusCode::SERVICE_UNAVAILABLE, "not ready: shutting down");
        }
        if let Err(why) = self.served.check((self.clock)()) {
            return plain(StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}"));
        }
        match self.guard.waits_for() {
            None => plain(StatusCode::OK, "ready"),
            Some(what) => plain(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("not ready: waiting for {what}"),
            ),
        }
    }

    fn metrics(&self, format: Format) -> Reply {
        let Ok(text) = self.metrics.encode(format) else {
            return plain(
                StatusCode::INTERNAL_SERVER_ERROR,
                "cannot write the metrics",
            );
        };
        let mut reply = plain(StatusCode::OK, text.trim_end());
        let content_type = HeaderValue::from_static(format.content_type());
        let headers = reply.headers_mut();
        headers.insert(CONTENT_TYPE, content_type);
        headers.insert(VARY, HeaderValue::from_static("Accept"));
        reply
    }
}
