//! One set of watches keeps what is known of the cluster.
//!
//! ```text
//! Reflector (one for each resource) ─ StoreUpdate ─▶ keeper: Store ─▶ Knowledge ─▶ whoever judges
//!                                          └─ Status: readiness, metrics
//! ```
//!
//! Reflectors list and watch, for ever; one task takes down what they tell, in batches, and publishes a new snapshot after
//! each. Who judges takes the snapshot that is there, without a lock. Two more tasks look at what stands together that
//! no review would have let in, and at the webhook configurations by which reviews come at all.

mod audits;
mod excess_rights;
mod pause;
mod reflector;
mod release_records;
mod resource;
mod restoring;
mod status;
mod stop;
mod store;
mod team_certificates;
mod teams;
mod webhook_configurations;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use kube::Client;
use prometheus_client::registry::Registry;
use tokio::sync::{Notify, Semaphore, mpsc};
use tracing::{debug, info, warn};

use super::lookup::{is_denied, look_up};
use super::told::{chain, words};
use super::{Cluster, ConnectError, Reach};
use crate::k8s::overlay;
use crate::policy::rights::Lookup;
use crate::policy::{Knowledge, Policy, SecretRecords};
use crate::report::ReportApi;
use audits::Auditor;
pub(in crate::cluster) use pause::Pause;
use reflector::{Reflector, StoreUpdate};
pub(in crate::cluster) use resource::{Collection, WatchedResource, serves};
use status::Status;
use store::{Remark, Store};
use webhook_configurations::ConfigurationCheck;
pub use webhook_configurations::Registered;

/// How many list at once.
const LISTING: usize = 2;
/// Pages and changes that may wait to be taken down.
const WAITING: usize = 64;
/// The most that is taken down before a new snapshot.
const BATCH: usize = 256;

/// What is known of a cluster, kept up to date by a task of its own.
#[derive(Clone)]
pub struct LiveKnowledge {
    current: Arc<ArcSwap<Knowledge>>,
    status: Arc<Status>,
    /// There once the API server has answered.
    client: Arc<OnceLock<Client>>,
}

/// What keeps a [`LiveKnowledge`] up to date, when it is run.
#[derive(Debug)]
#[must_use]
pub struct Watches {
    live: LiveKnowledge,
    reach: Reach,
    own_namespace: Arc<str>,
    registered: Registered,
    policy: Arc<ArcSwap<Policy>>,
    audit_interval: Option<Duration>,
    audit_reports: Option<ReportApi>,
}

// === impl LiveKnowledge ===

impl LiveKnowledge {
    /// What is known now.
    pub fn now(&self) -> Guard<Arc<Knowledge>> {
        self.current.load()
    }

    /// What the first look at the cluster still waits for. Nothing once all was listed, whatever becomes of the watches
    /// then: what is known may be old, but nobody knows more.
    pub fn waits_for(&self) -> Option<String> {
        self.status.waits_for()
    }

    /// What is not watched now, so that changes of it are not seen.
    pub fn unwatched(&self) -> Vec<&'static str> {
        self.status.unwatched()
    }

    /// What is known, or was a moment ago, with what is found by these lookups now, and whether all of it could be read.
    /// Nothing where the API server does not answer.
    pub async fn look_up(
        &self,
        known: Option<Arc<Knowledge>>,
        lookups: &[Lookup],
    ) -> Option<(Arc<Knowledge>, bool)> {
        let client = self.client.get()?;
        let before = known.clone();
        let before = before.unwrap_or_else(|| self.current.load_full());
        let found = look_up(client, lookups).await;
        let known = known.unwrap_or_else(|| self.current.load_full());
        let mut knowledge = Knowledge::clone(&known);
        let (mut whole, mut answered) = (true, false);
        for (lookup, objects) in &found {
            match objects {
                Ok(objects) => {
                    let objects = objects.iter().map(|object| &**object);
                    let (with_found, unread) = overlay(&knowledge, &before, lookup, objects);
                    knowledge = with_found;
                    whole &= unread == 0;
                    answered = true;
                }
                Err(error) if is_denied(lookup, error) => {
                    knowledge = denied(knowledge, lookup);
                    whole = false;
                    answered = true;
                }
                // What is known of it stands.
                Err(error) => {
                    debug!(error = %words(error), ?lookup, "not looked up");
                    whole = false;
                }
            }
        }
        answered.then(|| (Arc::new(knowledge), whole))
    }

    /// Adds what the watches count to the metrics of the process.
    pub fn register_metrics(&self, registry: &mut Registry) {
        self.status.register(registry);
    }
}

/// Without the client, which holds credentials.
impl fmt::Debug for LiveKnowledge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LiveKnowledge")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

// === impl Watches ===

impl Watches {
    /// Watches of the cluster that is reached so; teams are registered in this namespace. What Tillers' accounts have
    /// beyond what this policy allows is told in the log, and where the API server is not told to ask as `install` tells
    /// it.
    pub fn new(
        reach: Reach,
        own_namespace: &str,
        registered: Registered,
        policy: Arc<ArcSwap<Policy>>,
    ) -> Self {
        Self {
            live: LiveKnowledge {
                current: Arc::default(),
                status: Arc::new(Status::new()),
                client: Arc::default(),
            },
            reach,
            own_namespace: own_namespace.into(),
            registered,
            policy,
            audit_interval: None,
            audit_reports: None,
        }
    }

    /// Has the replica that holds the Lease audit what already runs, this long after the end of the audit before, and write the
    /// findings as objects of this API, if one is given.
    pub fn auditing(
        self,
        audit_interval: Option<Duration>,
        audit_reports: Option<ReportApi>,
    ) -> Self {
        Self {
            audit_interval,
            audit_reports,
            ..self
        }
    }

    /// What they keep up to date.
    pub fn live(&self) -> LiveKnowledge {
        self.live.clone()
    }

    /// Watches for ever. An API server that is not there is waited for; only a cluster that could never be reached so is
    /// an error.
    pub async fn run(self) -> Result<(), ConnectError> {
        let cluster = self.connect().await?;
        info!(kubernetes = %cluster.version(), "the API server answers");
        let Self {
            live,
            reach: _,
            own_namespace,
            registered,
            policy,
            audit_interval,
            audit_reports,
        } = self;
        let LiveKnowledge {
            current,
            status,
            client,
        } = live.clone();
        let client = client.get_or_init(|| Client::clone(cluster.client()));
        status.connected();
        let store = Store::of_kubernetes(cluster.version().known_minor());
        let (sender, updates) = mpsc::channel(WAITING);
        let turns = Arc::new(Semaphore::new(LISTING));
        for resource in WatchedResource::ALL {
            let reflector = Reflector {
                resource,
                client: client.clone(),
                own_namespace: Arc::clone(&own_namespace),
                turns: Arc::clone(&turns),
                updates: sender.clone(),
                status: Arc::clone(&status),
            };
            tokio::spawn(reflector.run());
        }
        drop(sender);
        tokio::spawn(release_records::look(client.clone(), Arc::clone(&status)));
        tokio::spawn(team_certificates::look(Arc::clone(&status)));
        if let Some(every) = audit_interval {
            let auditor = Auditor {
                cluster: cluster.clone(),
                own_namespace: Arc::clone(&own_namespace),
                policy: Arc::clone(&policy),
                every,
                reports: audit_reports,
                last: status.last_audit(),
            };
            tokio::spawn(auditor.run());
        }
        let check = ConfigurationCheck {
            own_namespace,
            registered,
            policy: Arc::clone(&policy),
            status: Arc::clone(&status),
            cluster,
        };
        tokio::spawn(check.run());
        let changed = Arc::new(Notify::new());
        tokio::spawn(excess_rights::look(live, policy, Arc::clone(&changed)));
        keep(updates, store, &current, &status, &changed).await;
        Ok(())
    }

    async fn connect(&self) -> Result<Cluster, ConnectError> {
        let mut pause = Pause::new();
        loop {
            let error = match Cluster::connect_patiently(&self.reach).await {
                Err(error) if error.may_pass() => error,
                done => return done,
            };
            let cause = std::error::Error::source(&error).map(chain);
            warn!(%error, cause = cause.as_deref().unwrap_or_default(), "trying again");
            self.live.status.unconnected(&error.to_string());
            pause.wait().await;
        }
    }
}

/// What is known once the API server has said that this may not be looked up.
fn denied(known: Knowledge, lookup: &Lookup) -> Knowledge {
    match lookup {
        Lookup::SecretRecordsIn(namespace) => {
            known.with_secret_records(namespace, SecretRecords::Unreadable)
        }
        Lookup::Role { .. }
        | Lookup::BindingsIn(_)
        | Lookup::ClusterRoleBindings
        | Lookup::PodsOf { .. }
        | Lookup::TokensOf { .. }
        | Lookup::Template { .. } => known,
    }
}

/// Takes down what the watches tell, and publishes it.
async fn keep(
    mut updates: mpsc::Receiver<(WatchedResource, StoreUpdate)>,
    mut store: Store,
    current: &ArcSwap<Knowledge>,
    status: &Status,
    changed: &Notify,
) {
    let mut batch = Vec::with_capacity(BATCH);
    while updates.recv_many(&mut batch, BATCH).await > 0 {
        let mut listed = Vec::new();
        let mut has_certificates = false;
        for (resource, update) in batch.drain(..) {
            has_certificates |= matches!(resource, WatchedResource::Certificates(_));
            for remark in store.take(resource, &update) {
                tell(resource, &remark, status);
            }
            if matches!(update, StoreUpdate::Complete) {
                listed.push(resource);
            }
        }
        let knowledge = store.knowledge();
        status.knows(knowledge.size(), store.teams_ignored());
        if has_certificates {
            status.team_certificates().show(store.certificate_ends());
        }
        current.store(Arc::new(knowledge.of_cluster()));
        changed.notify_one();
        for resource in listed {
            if status.listed(resource) {
                info!(size = %knowledge.size(), "the cluster is known");
            }
        }
    }
}

fn tell(resource: WatchedResource, remark: &Remark, status: &Status) {
    match remark {
        Remark::Unreadable { object, cause } => {
            status.counts(resource, "unreadable");
            warn!(resource = resource.as_str(), object, %cause, "an object cannot be read, and is ignored");
        }
        Remark::TeamIgnored(why) => warn!(%why, "a team is ignored"),
        Remark::TeamMended(team) => info!(team, "a team is no longer ignored"),
    }
}
