//! How the certificate fares: what the health port tells of it.

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::pki::WebhookCa;

/// What is counted of the serving certificate's CA. Copies count together.
#[derive(Debug, Clone, Default)]
pub struct CertificateMetrics {
    in_sync: Gauge,
    ca_end: Gauge,
}

// === impl CertificateMetrics ===

impl CertificateMetrics {
    /// Adds its metrics to those of the process.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "cabundle_in_sync",
            "Whether both webhook configurations hold the CA of the serving certificate",
            self.in_sync.clone(),
        );
        registry.register(
            "tls_ca_not_after_seconds",
            "When the CA of the serving certificate expires, in seconds since 1970",
            self.ca_end.clone(),
        );
    }

    /// The CA that issues now.
    pub(super) fn issues(&self, ca: &WebhookCa) {
        self.ca_end.set(ca.validity().not_after);
    }

    /// Whether both webhook configurations hold it.
    pub(super) fn saw(&self, in_sync: bool) {
        self.in_sync.set(i64::from(in_sync));
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use prometheus_client::encoding::text;

    use super::*;

    #[test]
    fn names_are_those_that_alerts_use() {
        let metrics = CertificateMetrics::default();
        let mut registry = Registry::with_prefix("tiller_guard");
        metrics.register(&mut registry);
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(500_000);
        let ca = WebhookCa::create(now, Duration::from_mins(1)).unwrap();
        metrics.issues(&ca);
        metrics.saw(true);
        let mut written = String::new();
        text::encode(&mut written, &registry).unwrap();
        for line in [
            "tiller_guard_cabundle_in_sync 1",
            "tiller_guard_tls_ca_not_after_seconds 1800000060",
        ] {
            assert!(written.lines().any(|it| it == line), "{line} in\n{written}");
        }
    }
}
