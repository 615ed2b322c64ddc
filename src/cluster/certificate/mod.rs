//! The serving certificate, without anybody's help.
//!
//! ```text
//! Secret: CA ─▶ both webhook configurations: bundle ─▶ seen there ─▶ leaf, in memory
//! ```
//!
//! Every replica does all of it, again and again, and all of them do the same: the Secret is created once and
//! changed only from what it was; the bundle holds every CA of the Secret that has not expired, so that a replica which is
//! behind is accepted too; no leaf is served before its CA is seen in the bundles. Whoever dies between two
//! steps leaves a state from which the others, or the next, go on.
//!
//! A CA that the Secret no longer holds stays in the bundle for as long as a leaf of it is served here, and then for a while:
//! other replicas may still serve one.
//!
//! Whoever replaces a webhook configuration may empty its bundle: each change of one begins the next round at once.
//!
//! A webhook configuration that is not there has nobody to be trusted by: a guard is ready without any, so that it can be
//! waited for before the first request depends on it.

mod changes;
#[cfg(test)]
mod decade;
mod error;
mod lingering;
mod metrics;
mod secret;
mod webhook_configurations;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

use super::{Cluster, Reach};
use crate::pki::{Bundle, Issuance, IssueError, ServingCertificate, WebhookCa};
use changes::Changes;
pub use error::CertificateError;
use lingering::Lingering;
pub use metrics::CertificateMetrics;
use secret::CaInSecret;

/// How soon the next attempt follows while there is nothing to serve.
const SOON: Duration = Duration::from_millis(500);
/// How soon webhook configurations that were not there are looked for again, at the latest.
const UNREGISTERED: Duration = Duration::from_secs(2);
/// How often webhook configurations are looked at that cannot be watched, where somebody gave fewer rights: before Kubernetes 1.11 the
/// right to watch an object by its name does not suffice.
const UNWATCHED: Duration = Duration::from_secs(1);
/// How long the API servers are given to learn of a CA before a leaf of it takes the place of another.
const SETTLED: Duration = Duration::from_secs(5);
/// After how many looks a CA that nobody asks for leaves the bundles: five minutes, as a rule.
const LINGERS: u32 = 30;
/// How long it stays there at least, however often they look: replicas do not change their leaves in one moment.
const LINGERS_AT_LEAST: Duration = Duration::from_secs(30);
/// How long one round may take.
const ROUND: Duration = Duration::from_secs(30);

/// How long certificates are valid, and how often they are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// The CA's life. It is followed by another after two thirds of it.
    pub ca: Duration,
    /// A leaf's life. It is followed by another after two thirds of it.
    pub leaf: Duration,
    /// How often Secret and webhook configurations are looked at.
    pub every: Duration,
}

/// What keeps the certificate, when it is run.
#[derive(Debug)]
#[must_use]
pub struct Keeper {
    /// How the cluster is reached.
    pub reach: Reach,
    /// The namespace of the Secret, which is the guard's own.
    pub namespace: String,
    /// The Secret's name.
    pub secret: String,
    /// The DNS names that the API server calls.
    pub names: Vec<String>,
    /// How long and how often.
    pub times: Times,
    /// The time of day.
    pub clock: fn() -> SystemTime,
    /// What is told of it.
    pub metrics: CertificateMetrics,
}

/// What is served, and since when the bundles hold what is to follow it.
#[derive(Debug)]
struct State {
    leaf: Option<Leaf>,
    seen: Option<Seen>,
    /// What the bundles of the two webhook configurations hold besides.
    lingering: [Lingering; 2],
    /// The webhook configurations that were not there when they were last looked for.
    absent: Vec<&'static str>,
    /// How many bundles were written.
    writes: u32,
}

/// A leaf, and whose it is.
#[derive(Debug)]
struct Leaf {
    certificate: ServingCertificate,
    ca: Arc<WebhookCa>,
}

/// A CA that all bundles hold, and since when that is known.
#[derive(Debug)]
struct Seen {
    ca: Arc<WebhookCa>,
    since: Instant,
}

impl Default for Times {
    fn default() -> Self {
        const DAY: Duration = Duration::from_hours(24);
        Self {
            ca: 365 * DAY,
            leaf: 7 * DAY,
            every: Duration::from_secs(10),
        }
    }
}

// === impl Keeper ===

impl Keeper {
    /// Starts a task that makes certificates for as long as somebody takes them.
    pub fn start(self) -> watch::Receiver<Issuance> {
        let waits = Issuance::Awaited("no certificate yet".to_owned());
        let (sender, receiver) = watch::channel(waits);
        tokio::spawn(self.run(sender));
        receiver
    }

    async fn run(self, sender: watch::Sender<Issuance>) {
        let mut cluster = None;
        let mut state = State::new((self.times.every * LINGERS).max(LINGERS_AT_LEAST));
        let mut told = None;
        let mut changes = None;
        while !sender.is_closed() {
            let written = state.writes;
            let round = timeout(ROUND, self.round(&mut cluster, &mut state, &sender)).await;
            let failed = match round {
                Ok(done) => done.err(),
                Err(_) => Some(CertificateError::Slow),
            };
            let message = failed.as_ref().map(CertificateError::whole);
            if let Some(message) = message.as_ref().filter(|it| told.as_ref() != Some(*it)) {
                let serving = state.leaf.is_some();
                warn!(error = %message, serving, "cannot renew the serving certificate");
            }
            if message.is_some() {
                self.metrics.saw(false);
            }
            if let (Some(message), None) = (&message, &state.leaf) {
                sender.send_replace(Issuance::Awaited(message.clone()));
            }
            told = message;
            if let (None, Some(cluster)) = (&changes, &cluster) {
                changes = Changes::watch(cluster).await.ok();
            }
            if let Some(changes) = changes.as_mut().filter(|_| state.writes != written) {
                changes.heal();
            }
            self.wait(&state, changes.as_mut()).await;
        }
    }

    /// Until the next round.
    async fn wait(&self, state: &State, changes: Option<&mut Changes>) {
        let forbidden = changes.as_ref().is_some_and(|it| it.are_forbidden());
        let pause = self.pause(state, forbidden);
        match changes {
            None => sleep(pause).await,
            Some(changes) => {
                tokio::select! {
                    () = sleep(pause) => {}
                    () = changes.next() => {}
                }
            }
        }
    }

    /// How long until the next round where nothing changes.
    fn pause(&self, state: &State, forbidden: bool) -> Duration {
        if state.leaf.is_none() || state.awaits_settling() {
            SOON
        } else if forbidden {
            self.times.every.min(UNWATCHED)
        } else if !state.absent.is_empty() {
            // Whoever registers may not have written the bundle.
            self.times.every.min(UNREGISTERED)
        } else {
            self.times.every
        }
    }

    async fn round(
        &self,
        cluster: &mut Option<Cluster>,
        state: &mut State,
        sender: &watch::Sender<Issuance>,
    ) -> Result<(), CertificateError> {
        let cluster = match cluster {
            Some(cluster) => cluster,
            None => cluster.insert(Cluster::connect_patiently(&self.reach).await?),
        };
        let now = (self.clock)();
        let found = self.ca(cluster, state, now).await?;
        let wanted = state.wanted(&found, now);
        self.metrics.issues(&found.ca);
        let absent = webhook_configurations::publish(
            cluster,
            &wanted,
            &mut state.lingering,
            &mut state.writes,
            now,
        )
        .await?;
        self.metrics.saw(absent.is_empty());
        state.tell_absent(absent);
        let (names, lifetime) = (&self.names, self.times.leaf);
        let issued = state.next_leaf(&found.ca, (names, lifetime), now, Instant::now())?;
        if let Some(leaf) = issued {
            info!(
                not_after = leaf.validity().end_text(),
                "issued a serving certificate"
            );
            sender.send_replace(Issuance::Issued(leaf));
        }
        Ok(())
    }
}

// === impl State ===

impl State {
    /// Nothing yet; what nobody asks for lingers for so long.
    fn new(stay: Duration) -> Self {
        Self {
            leaf: None,
            seen: None,
            lingering: [Lingering::new(stay), Lingering::new(stay)],
            absent: Vec::new(),
            writes: 0,
        }
    }

    /// The CA that the next leaf awaits, if it can issue one: while it does, nobody makes another one.
    fn awaited(&self, now: SystemTime) -> Option<Arc<WebhookCa>> {
        let seen = self.seen.as_ref().filter(|_| self.awaits_settling());
        usable(&seen?.ca, now)
    }

    /// The CA of the leaf that is served, if it can issue another one.
    fn issuing(&self, now: SystemTime) -> Option<Arc<WebhookCa>> {
        usable(&self.leaf.as_ref()?.ca, now)
    }

    /// What the bundles must hold: what the Secret holds, and the CA of what is served.
    fn wanted(&self, found: &CaInSecret, now: SystemTime) -> Bundle {
        let mut wanted = found.bundle.clone();
        wanted.add(&found.ca);
        if let Some(leaf) = self.leaf.as_ref().filter(|it| it.holds(now)) {
            wanted.add(&leaf.ca);
        }
        wanted
    }

    /// The leaf that is served from now on, for these names and valid for so long, if another one must follow. All bundles hold the
    /// CA.
    fn next_leaf(
        &mut self,
        ca: &Arc<WebhookCa>,
        (names, lifetime): (&[String], Duration),
        now: SystemTime,
        at: Instant,
    ) -> Result<Option<ServingCertificate>, IssueError> {
        let since = self.saw(ca, at);
        if !self.needs_leaf(ca, at.duration_since(since), now) {
            return Ok(None);
        }
        let certificate = ca.issue(names, now, lifetime)?;
        self.leaf = Some(Leaf {
            certificate: certificate.clone(),
            ca: Arc::clone(ca),
        });
        Ok(Some(certificate))
    }

    /// Whether this replica must serve a leaf certificate of this CA now. All CA bundles hold the CA for so long. A leaf that no client
    /// accepts is replaced at once.
    fn needs_leaf(&self, ca: &WebhookCa, seen: Duration, now: SystemTime) -> bool {
        let Some(leaf) = self.leaf.as_ref().filter(|it| it.holds(now)) else {
            return true;
        };
        if leaf.ca.is(ca) {
            leaf.certificate.validity().is_due(now)
        } else {
            seen >= SETTLED
        }
    }

    /// Takes down which webhook configurations are not there, and says so where that is new.
    fn tell_absent(&mut self, absent: Vec<&'static str>) {
        if absent != self.absent {
            for kind in &absent {
                warn!(
                    kind,
                    "there is no webhook configuration: the API server does not ask"
                );
            }
            self.absent = absent;
        }
    }

    /// Since when the bundles are known to hold this CA, as they do at `at`.
    fn saw(&mut self, ca: &Arc<WebhookCa>, at: Instant) -> Instant {
        match &self.seen {
            Some(seen) if seen.ca.is(ca) => seen.since,
            _ => {
                self.seen = Some(Seen {
                    ca: Arc::clone(ca),
                    since: at,
                });
                at
            }
        }
    }

    /// Whether a leaf of another CA is to follow soon.
    fn awaits_settling(&self) -> bool {
        match (&self.leaf, &self.seen) {
            (Some(leaf), Some(seen)) => !leaf.ca.is(&seen.ca),
            _ => false,
        }
    }
}

// === impl Leaf ===

impl Leaf {
    /// Whether it is accepted at this time.
    fn holds(&self, now: SystemTime) -> bool {
        self.certificate.validity().check(now).is_ok()
    }
}

fn usable(ca: &Arc<WebhookCa>, now: SystemTime) -> Option<Arc<WebhookCa>> {
    (!ca.validity().is_due(now)).then(|| Arc::clone(ca))
}
