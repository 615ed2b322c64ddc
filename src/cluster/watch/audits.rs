//! Audits of what already runs, again and again, as metrics, and as objects in the cluster if that is asked for. Of all replicas, the one
//! that holds the Lease audits.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use crate::audit::{AuditReport, Extent, RuleMode, Unseen};
use crate::cluster::Cluster;
use crate::cluster::audit::audited;
use crate::cluster::audit_reports::AuditReports;
use crate::cluster::lease::Lease;
use crate::policy::{Policy, Timestamp};
use crate::report::ReportApi;

/// How many causes of an incomplete audit are logged.
const LOGGED: usize = 5;

/// What audits, when it is run.
pub(super) struct Auditor {
    pub(super) cluster: Cluster,
    pub(super) own_namespace: Arc<str>,
    pub(super) policy: Arc<ArcSwap<Policy>>,
    /// How long it waits from the end of an audit to the next.
    pub(super) every: Duration,
    /// The API of the objects that it writes, if it writes any.
    pub(super) reports: Option<ReportApi>,
    pub(super) last: Arc<LastAudit>,
}

/// The last audit, for the metrics. Nothing if this replica does not audit.
#[derive(Debug, Default)]
pub(super) struct LastAudit(Mutex<Option<Audited>>);

/// What the metrics show of an audit.
#[derive(Debug)]
struct Audited {
    findings: BTreeMap<RuleMode, usize>,
    unknown: Vec<Unseen>,
    ended: SystemTime,
    took: Duration,
}

// === impl Auditor ===

impl Auditor {
    /// Audits for ever, while this replica holds the Lease.
    pub(super) async fn run(self) {
        let Some(lease) = Lease::of(&self.cluster, &self.own_namespace) else {
            info!("every replica audits: this Kubernetes serves no Leases");
            if self.reports.is_some() {
                warn!(
                    "no reports are written: this Kubernetes serves no Leases, which say who writes"
                );
            }
            self.audit_on(None).await;
            return;
        };
        let mut reports = self.reports.map(|api| AuditReports::of(&self.cluster, api));
        let (sender, mut held) = watch::channel(false);
        tokio::spawn(lease.keep(sender));
        while held.wait_for(|held| *held).await.is_ok() {
            info!("this replica audits");
            tokio::select! {
                () = self.audit_on(reports.as_mut()) => {}
                _lost = held.wait_for(|held| !*held) => info!("another replica audits"),
            }
            self.last.show(None);
        }
    }

    async fn audit_on(&self, mut reports: Option<&mut AuditReports>) {
        let mut told = Vec::new();
        loop {
            let (audited, report) = self.audit().await.unzip();
            if let Some(audited) = audited.as_ref().filter(|it| it.unknown != told) {
                audited.tell();
                told.clone_from(&audited.unknown);
            }
            self.last.show(audited);
            if let (Some(reports), Some(report)) = (&mut reports, &report) {
                reports.show(report).await;
            }
            drop(report);
            sleep(self.every).await;
        }
    }

    /// On a thread of its own: pages of hundreds of objects take too long for one that answers reviews.
    async fn audit(&self) -> Option<(Audited, AuditReport)> {
        let (cluster, policy) = (self.cluster.clone(), self.policy.load_full());
        let (own_namespace, runtime) = (Arc::clone(&self.own_namespace), Handle::current());
        let audited = spawn_blocking(move || {
            runtime.block_on(Audited::of(&cluster, &own_namespace, &policy))
        });
        audited.await.ok()
    }
}

// === impl Audited ===

impl Audited {
    async fn of(cluster: &Cluster, own_namespace: &str, policy: &Policy) -> (Self, AuditReport) {
        let start = Instant::now();
        let by = (policy.clone(), now());
        let report = audited(cluster, by, (own_namespace, Extent::Unattended)).await;
        let audited = Self {
            findings: report.tally(&policy.modes),
            unknown: report.unknown.clone(),
            ended: SystemTime::now(),
            took: start.elapsed(),
        };
        (audited, report)
    }

    /// Logs what could not be looked at, or that all could be again.
    fn tell(&self) {
        if self.unknown.is_empty() {
            info!("the audit is complete");
        }
        for Unseen { what, reason, .. } in self.unknown.iter().take(LOGGED) {
            let unknown = self.unknown.len();
            warn!(unknown, what, reason, "the audit is incomplete");
        }
    }
}

// === impl LastAudit ===

impl LastAudit {
    fn show(&self, audited: Option<Audited>) {
        *self.lock() = audited;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Audited>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for LastAudit {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let last = self.lock();
        let Some(Audited {
            findings,
            unknown,
            ended,
            took,
        }) = &*last
        else {
            return Ok(());
        };
        if !findings.is_empty() {
            let (name, help) = (
                "audit_findings",
                "Findings about what already runs, in the last audit",
            );
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for ((rule, mode), count) in findings {
                let labels = [("rule", *rule), ("mode", *mode)];
                gauge(*count).encode(family.encode_family(&labels)?)?;
            }
        }
        let (name, help) = (
            "audit_incomplete",
            "Lists and objects that the last audit could not read; its findings are not all if there are any",
        );
        let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        gauge(unknown.len()).encode(metric)?;
        let ended = ended.duration_since(SystemTime::UNIX_EPOCH);
        for (name, help, time) in [
            (
                "audit_timestamp_seconds",
                "When the last audit ended, in seconds since 1970",
                ended.unwrap_or_default(),
            ),
            (
                "audit_duration_seconds",
                "How long the last audit took",
                *took,
            ),
        ] {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(time.as_secs_f64()).encode(metric)?;
        }
        Ok(())
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Timestamp(since.map_or(0, |it| i64::try_from(it.as_secs()).unwrap_or(i64::MAX)))
}

fn gauge(count: usize) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text;
    use prometheus_client::registry::Registry;

    use super::*;

    fn written(last: &Arc<LastAudit>) -> String {
        let mut registry = Registry::with_prefix("tiller_guard");
        registry.register_collector(Box::new(Arc::clone(last)));
        let mut written = String::new();
        text::encode(&mut written, &registry).unwrap();
        written
    }

    #[test]
    fn an_audit_shows_and_a_replica_that_does_not_audit_shows_nothing() {
        let last = Arc::new(LastAudit::default());
        assert_eq!(written(&last), "# EOF\n");
        let unseen = Unseen {
            what: "pods".to_owned(),
            reason: "forbidden".to_owned(),
            is_forbidden: true,
        };
        last.show(Some(Audited {
            findings: BTreeMap::from([(("tls", "audit"), 3), (("tls", "enforce"), 1)]),
            unknown: vec![unseen],
            ended: SystemTime::UNIX_EPOCH + Duration::from_hours(500_000),
            took: Duration::from_millis(1500),
        }));
        let shown = written(&last);
        for line in [
            "# TYPE tiller_guard_audit_findings gauge",
            "tiller_guard_audit_findings{rule=\"tls\",mode=\"audit\"} 3",
            "tiller_guard_audit_findings{rule=\"tls\",mode=\"enforce\"} 1",
            "tiller_guard_audit_incomplete 1",
            "tiller_guard_audit_timestamp_seconds 1800000000.0",
            "tiller_guard_audit_duration_seconds 1.5",
        ] {
            assert!(shown.lines().any(|it| it == line), "{line} in\n{shown}");
        }
        last.show(None);
        assert_eq!(written(&last), "# EOF\n");
    }
}
