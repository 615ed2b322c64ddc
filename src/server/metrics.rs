//! What is counted, under the names that `/metrics` shows.
//!
//! Every label is of a closed set, so that no client can make series. The duration is kept per webhook
//! and decision alone: a histogram for each kind would be some 300 series a cluster. Operations are told by the log:
//! they would double the series of requests.

mod exposition;

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::guard::Guard;
use crate::k8s::review::{Answer, Decision, Mode, Webhook};
pub(super) use exposition::Format;

/// In seconds. The API server's own first bucket ends at 5 ms.
const BUCKETS: [f64; 12] = [
    0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 1.0, 5.0,
];

/// The label of a kind that nothing is decided on.
const OTHER: &str = "other";
/// The label of what has no decision, or no mode.
const NONE: &str = "none";

/// Everything a server counts.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<DurationLabels, Histogram, fn() -> Histogram>,
    findings: Family<FindingLabels, Counter>,
    shed: Family<ReasonLabels, Counter>,
    handshake_errors: Family<ReasonLabels, Counter>,
    exceptions: Family<RuleLabels, Counter>,
    reloads: Family<ResultLabels, Counter>,
    policy_reloads: Family<ResultLabels, Counter>,
    lookups: Family<ResultLabels, Counter>,
    /// Requests between head and answer.
    pub(super) inflight: Gauge,
    /// Open connections on the review port.
    pub(super) connections: Gauge,
    /// Panics that were caught.
    pub(super) panics: Counter,
    /// When the served certificate ends, in seconds since 1970.
    pub(super) certificate_end: Gauge,
}

/// What became of a request, as a metric's label tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handled {
    /// A review was judged.
    Decided(Decision),
    /// There was no review, or no answer to it.
    Failed,
}

/// Labels of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    webhook: &'static str,
    kind: &'static str,
    decision: &'static str,
    mode: &'static str,
    code: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DurationLabels {
    webhook: &'static str,
    decision: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FindingLabels {
    webhook: &'static str,
    rule: &'static str,
    mode: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RuleLabels {
    webhook: &'static str,
    rule: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

// === impl Handled ===

impl Handled {
    fn as_str(self) -> &'static str {
        match self {
            Self::Decided(decision) => decision.as_str(),
            Self::Failed => NONE,
        }
    }
}

// === impl Metrics ===

impl Metrics {
    /// With what the guard counts itself.
    pub(super) fn with(guard: &dyn Guard) -> Self {
        let mut metrics = Self::new();
        guard.register_metrics(&mut metrics.registry);
        metrics
    }

    pub(super) fn new() -> Self {
        let mut registry = Registry::with_prefix("tiller_guard");
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The running version", build);
        let requests = family(&mut registry, "admission_requests", "Requests answered");
        let seconds =
            Family::<_, _, fn() -> Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        registry.register_with_unit(
            "admission_duration",
            "Time from a request's head to its answer",
            Unit::Seconds,
            seconds.clone(),
        );
        let findings = family(
            &mut registry,
            "admission_findings",
            "Reviews in which a rule found something",
        );
        Self {
            requests,
            findings,
            seconds,
            exceptions: family(
                &mut registry,
                "admission_exceptions",
                "Reviews in which an exception let a rule pass",
            ),
            shed: family(
                &mut registry,
                "admission_shed",
                "Requests and connections turned away",
            ),
            handshake_errors: family(
                &mut registry,
                "tls_handshake_errors",
                "Failed TLS handshakes",
            ),
            reloads: family(
                &mut registry,
                "tls_reloads",
                "Changed certificate files that were read",
            ),
            policy_reloads: family(
                &mut registry,
                "policy_reloads",
                "Changed policy files that were read",
            ),
            lookups: family(
                &mut registry,
                "admission_lookups",
                "Reviews for which something was looked up in the cluster",
            ),
            inflight: gauge(
                &mut registry,
                "admission_inflight",
                "Requests being answered",
            ),
            connections: gauge(&mut registry, "admission_connections", "Open connections"),
            panics: counter(
                &mut registry,
                "admission_panics",
                "Panics caught while judging",
            ),
            certificate_end: gauge(
                &mut registry,
                "tls_cert_not_after_seconds",
                "When the served certificate expires, in seconds since 1970",
            ),
            registry,
        }
    }

    /// Counts a review that was judged.
    pub(super) fn decided(&self, webhook: Webhook, answer: &Answer, took: Duration) {
        let Answer {
            body: _,
            decision,
            mode,
            operation: _,
            kind,
            rules,
            excepted,
            not_tiller: _,
            lookups: _,
            refusal: _,
            record: _,
        } = answer;
        let outcome = Handled::Decided(*decision);
        let mode_label = mode.map_or(NONE, Mode::as_str);
        let labels = RequestLabels {
            webhook: webhook.as_str(),
            kind,
            decision: outcome.as_str(),
            mode: mode_label,
            code: 200,
        };
        self.requests.get_or_create(&labels).inc();
        self.took(webhook, outcome, took);
        if *decision == Decision::Trial {
            return;
        }
        for rule in rules {
            let labels = FindingLabels {
                webhook: webhook.as_str(),
                rule,
                mode: mode_label,
            };
            self.findings.get_or_create(&labels).inc();
        }
        for (rule, _) in excepted {
            let labels = RuleLabels {
                webhook: webhook.as_str(),
                rule,
            };
            self.exceptions.get_or_create(&labels).inc();
        }
    }

    /// Counts a request that got this status in place of a decision.
    pub(super) fn failed(&self, webhook: Webhook, code: u16, took: Duration) {
        let labels = RequestLabels {
            webhook: webhook.as_str(),
            kind: OTHER,
            decision: Handled::Failed.as_str(),
            mode: NONE,
            code,
        };
        self.requests.get_or_create(&labels).inc();
        self.took(webhook, Handled::Failed, took);
    }

    fn took(&self, webhook: Webhook, outcome: Handled, took: Duration) {
        let labels = DurationLabels {
            webhook: webhook.as_str(),
            decision: outcome.as_str(),
        };
        let histogram = self.seconds.get_or_create(&labels);
        histogram.observe(took.as_secs_f64());
    }

    /// Counts a request that was turned away.
    pub(super) fn shed(&self, reason: &'static str) {
        self.shed.get_or_create(&ReasonLabels { reason }).inc();
    }

    /// Counts a handshake that failed.
    pub(super) fn handshake_failed(&self, reason: &'static str) {
        self.handshake_errors
            .get_or_create(&ReasonLabels { reason })
            .inc();
    }

    /// Counts a certificate that was read again.
    pub(super) fn reloaded(&self, result: &'static str) {
        self.reloads.get_or_create(&ResultLabels { result }).inc();
    }

    /// Counts a policy file that was read again.
    pub(super) fn policy_reloaded(&self, result: &'static str) {
        self.policy_reloads
            .get_or_create(&ResultLabels { result })
            .inc();
    }

    /// Counts a review for which something was looked up, or should have been.
    pub(super) fn looked_up(&self, result: &'static str) {
        self.lookups.get_or_create(&ResultLabels { result }).inc();
    }

    /// All of it as text.
    pub(super) fn encode(&self, format: Format) -> Result<String, std::fmt::Error> {
        let mut written = String::new();
        text::encode(&mut written, &self.registry)?;
        Ok(match format {
            Format::OpenMetrics => written,
            Format::Prometheus => exposition::to_prometheus(&written),
        })
    }
}

fn family<L>(registry: &mut Registry, name: &str, help: &str) -> Family<L, Counter>
where
    L: Clone + std::hash::Hash + Eq + EncodeLabelSet + std::fmt::Debug + Send + Sync + 'static,
{
    let family = Family::default();
    registry.register(name, help, family.clone());
    family
}

fn gauge(registry: &mut Registry, name: &str, help: &str) -> Gauge {
    let gauge = Gauge::default();
    registry.register(name, help, gauge.clone());
    gauge
}

fn counter(registry: &mut Registry, name: &str, help: &str) -> Counter<u64, AtomicU64> {
    let counter = Counter::default();
    registry.register(name, help, counter.clone());
    counter
}

#[cfg(test)]
mod tests;
