//! Whether the webhook configurations say what `install` makes of them: a guard that is asked about less holds less.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

use super::restoring::{Seen, restore};
use super::status::Status;
use crate::cluster::Cluster;
use crate::cluster::drift::drift;
use crate::cluster::install::webhook_configuration;
use crate::cluster::told::words;
use crate::installation::SERVICE_PORT;
use crate::k8s::webhook_configuration::{Endpoint, HAS_SERVICE_PORT, WebhookConfigurations};
use crate::policy::Policy;

/// How soon a difference is checked again before it is logged.
const AGAIN: Duration = Duration::from_secs(2);
/// How soon after one restoration the next may follow: whoever writes against it is not fought in a hot loop.
const RESTORED: Duration = Duration::from_secs(30);
/// How long the API server may take to show a webhook configuration.
const ANSWER: Duration = Duration::from_secs(30);

/// How the webhook configurations are to lead to this guard, and how often they are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The Service's name.
    pub service: String,
    /// The Service's port.
    pub port: u16,
    /// How often.
    pub every: Duration,
    /// Whether those that somebody edited or deleted are written back.
    pub restores: bool,
}

/// What looks at them, when it is run.
pub(super) struct ConfigurationCheck {
    pub(super) cluster: Cluster,
    pub(super) own_namespace: Arc<str>,
    pub(super) registered: Registered,
    /// Its account patterns are in the conditions of the webhook configurations.
    pub(super) policy: Arc<ArcSwap<Policy>>,
    pub(super) status: Arc<Status>,
}

// === impl ConfigurationCheck ===

impl ConfigurationCheck {
    /// Looks for ever. What differs is counted at once, and told where it stays so: who registers writes one after the
    /// other.
    pub(super) async fn run(self) {
        let (mut last, mut told) = (Vec::new(), Vec::new());
        let mut restored: Option<Instant> = None;
        let mut seen = Seen::default();
        loop {
            let drifts = self.drifts(&mut seen).await;
            self.status.drifted(drifts.len());
            if drifts == last && drifts != told {
                tell(&drifts);
                told.clone_from(&drifts);
            }
            let calm = restored.is_none_or(|it| it.elapsed() >= RESTORED);
            if self.registered.restores && calm && drifts == last && !drifts.is_empty() {
                let wanted = self.wanted();
                if restore(&self.cluster, &self.own_namespace, wanted, &seen).await {
                    restored = Some(Instant::now());
                }
            }
            let pause = if drifts == told {
                self.registered.every
            } else {
                self.registered.every.min(AGAIN)
            };
            last = drifts;
            sleep(pause).await;
        }
    }

    /// A sentence for each difference. One that cannot be looked at is one: nobody knows what it says.
    async fn drifts(&self, seen: &mut Seen) -> Vec<String> {
        let mut drifts = Vec::new();
        let Registered { service, port, .. } = &self.registered;
        if *port != SERVICE_PORT && !self.cluster.version().is_from(HAS_SERVICE_PORT) {
            drifts.push(format!(
                "Service {service} has port {port}, and before Kubernetes 1.{HAS_SERVICE_PORT} only {SERVICE_PORT} is asked"
            ));
        }
        for wanted in self.wanted() {
            let kind = wanted.get("kind").and_then(Value::as_str);
            let kind = kind.unwrap_or_default();
            let found = timeout(ANSWER, webhook_configuration(&self.cluster, kind)).await;
            if let Ok(Ok(live)) = &found {
                seen.saw(kind, live.as_ref(), Instant::now());
            }
            match found {
                Ok(Ok(Some(live))) => drifts.extend(drift(&wanted, &live)),
                Ok(Ok(None)) => drifts.push(format!("there is no {kind}")),
                Ok(Err(error)) => drifts.push(format!("{kind} cannot be read: {}", words(&error))),
                Err(_) => drifts.push(format!("reading {kind} timed out")),
            }
        }
        drifts
    }

    fn wanted(&self) -> [Value; 2] {
        let policy = self.policy.load();
        let configuration = WebhookConfigurations {
            minor: self.cluster.version().known_minor(),
            namespace: &self.own_namespace,
            endpoint: Endpoint::Service {
                name: &self.registered.service,
                port: self.registered.port,
            },
            ca_bundle: None,
            account_patterns: &policy.settings.account_patterns,
        };
        [configuration.mutating(), configuration.validating()]
    }
}

fn tell(drifts: &[String]) {
    if drifts.is_empty() {
        info!("the webhook configurations match what install writes");
        return;
    }
    let drifts = drifts.join("; ");
    warn!(
        drifts,
        "the webhook configurations differ from what install writes; run tiller-guard doctor"
    );
}
