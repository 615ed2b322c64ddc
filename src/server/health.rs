//! The health port: plain HTTP for the kubelet and Prometheus, which know no CA of ours.

use std::sync::Arc;
use std::time::SystemTime;

use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, StatusCode};

use super::certificate::Served;
use super::connection::Answers;
use super::lifecycle::{Lifecycle, Phase};
use super::metrics::Metrics;
use super::reviews::{Reply, Reviews, plain};

/// What the health port tells of.
pub(super) struct Health {
    pub(super) served: Arc<Served>,
    pub(super) lifecycle: Arc<Lifecycle>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) clock: fn() -> SystemTime,
}

impl Health {
    /// Answers a request; its body is of no interest.
    pub(super) fn respond<B>(&self, request: &Request<B>) -> Reply {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut reply = plain(StatusCode::METHOD_NOT_ALLOWED, "use GET");
            reply
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return reply;
        }
        match request.uri().path() {
            "/livez" => plain(StatusCode::OK, "alive"),
            "/readyz" => self.readiness(),
            "/metrics" => self.metrics(),
            _ => plain(
                StatusCode::NOT_FOUND,
                "there are /livez, /readyz and /metrics",
            ),
        }
    }

    /// Ready is whose certificate the API server accepts now, and who is here to stay.
    fn readiness(&self) -> Reply {
        if self.lifecycle.phase() != Phase::Serving {
            return plain(StatusCode::SERVICE_UNAVAILABLE, "not ready: shutting down");
        }
        match self.served.check((self.clock)()) {
            Ok(()) => plain(StatusCode::OK, "ready"),
            Err(why) => plain(StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}")),
        }
    }

    fn metrics(&self) -> Reply {
        let Ok(text) = self.metrics.encode() else {
            return plain(
                StatusCode::INTERNAL_SERVER_ERROR,
                "cannot write the metrics",
            );
        };
        let mut reply = plain(StatusCode::OK, text.trim_end());
        let openmetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        reply
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(openmetrics));
        reply
    }
}

impl Answers for Health {
    async fn answer(&self, request: Request<Incoming>) -> Reply {
        self.respond(&request)
    }
}

impl Answers for Reviews {
    async fn answer(&self, request: Request<Incoming>) -> Reply {
        self.respond(request).await
    }
}
