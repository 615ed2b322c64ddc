//! A Lease of `coordination.k8s.io`: of all replicas, one holds it.
//!
//! Whoever holds it renews it. If it was not renewed for its duration, another replica takes it. That time is measured by each
//! replica's own clock, from when it saw the Lease change, so clocks need not agree. A write fails if somebody wrote since the Lease
//! was read.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::mem;
use std::time::{Duration, SystemTime};

use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, PostParams};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tracing::warn;

use super::Cluster;
use super::told::words;
use crate::installation::OWNER_LABELS;
use crate::k8s::webhook_configuration::NAME;

const GROUP: &str = "coordination.k8s.io";
/// The first Kubernetes 1.x that serves it, as `v1beta1`, and the first that serves `v1`.
const SERVED: u16 = 12;
const SERVED_V1: u16 = 14;
/// How often it is looked at, and renewed by its holder.
const EVERY: Duration = Duration::from_secs(5);
/// How long the API server may take for that.
const ANSWER: Duration = Duration::from_secs(5);
/// After how many seconds without renewal another replica takes it.
const DURATION_SECONDS: u32 = 30;
/// After how long without renewal its holder no longer counts as one: well before another replica may take it.
const GIVES_UP: Duration = Duration::from_secs(15);

/// A Lease, and who wants it.
pub(super) struct Lease {
    api: Api<DynamicObject>,
    version: &'static str,
    holder: String,
    /// The last version of somebody else's, and since when it is known.
    seen: Option<(String, Instant)>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    holder_identity: Option<String>,
    lease_duration_seconds: Option<u32>,
    acquire_time: Option<String>,
    renew_time: Option<String>,
    lease_transitions: Option<u32>,
}

// === impl Lease ===

impl Lease {
    /// The one of tiller-guard in this namespace. `None` before Kubernetes 1.12, which serves none.
    pub(super) fn of(cluster: &Cluster, namespace: &str) -> Option<Self> {
        let version = version(cluster)?;
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(GROUP, version, "Lease"));
        Some(Self {
            api: Api::namespaced_with(cluster.client().clone(), namespace, &resource),
            version,
            holder: identity(),
            seen: None,
        })
    }

    /// Tries to hold it, for ever, and says whether it is held.
    pub(super) async fn keep(mut self, held: watch::Sender<bool>) {
        let mut renewed: Option<Instant> = None;
        let mut told = String::new();
        loop {
            let asked = Instant::now();
            let failure = match timeout(ANSWER, self.look()).await {
                Ok(Ok(true)) => {
                    renewed = Some(asked);
                    String::new()
                }
                Ok(Ok(false)) => {
                    renewed = None;
                    String::new()
                }
                Ok(Err(error)) => words(&error),
                Err(_) => "the API server does not answer".to_owned(),
            };
            if !failure.is_empty() && failure != told {
                warn!(error = %failure, "the Lease tiller-guard, which says who audits, cannot be read or renewed");
            }
            told = failure;
            let holds = renewed.is_some_and(|it| it.elapsed() < GIVES_UP);
            held.send_if_modified(|held| mem::replace(held, holds) != holds);
            sleep(EVERY).await;
        }
    }

    /// Renews it, or takes it if nobody holds it. Whether it is held now.
    async fn look(&mut self) -> kube::Result<bool> {
        let Some(found) = self.api.get_opt(NAME).await? else {
            return self.create().await;
        };
        let spec = found.data.get("spec").cloned().unwrap_or_default();
        let mut spec: Spec = serde_json::from_value(spec).unwrap_or_default();
        let holder = spec.holder_identity.as_deref().unwrap_or_default();
        if holder != self.holder {
            if !holder.is_empty() && !self.has_ended(&found, &spec) {
                return Ok(false);
            }
            spec.acquire_time = Some(now());
            spec.lease_transitions = Some(spec.lease_transitions.unwrap_or(0).saturating_add(1));
        }
        spec.holder_identity = Some(self.holder.clone());
        spec.lease_duration_seconds = Some(DURATION_SECONDS);
        spec.renew_time = Some(now());
        let mut object = found;
        object.data = json!({ "spec": spec });
        written(
            self.api
                .replace(NAME, &PostParams::default(), &object)
                .await,
        )
    }

    async fn create(&self) -> kube::Result<bool> {
        let labels: serde_json::Map<_, _> = OWNER_LABELS
            .iter()
            .map(|label| ((*label).to_owned(), json!(NAME)))
            .collect();
        let object = json!({
            "apiVersion": format!("{GROUP}/{}", self.version),
            "kind": "Lease",
            "metadata": { "name": NAME, "labels": labels },
            "spec": Spec {
                holder_identity: Some(self.holder.clone()),
                lease_duration_seconds: Some(DURATION_SECONDS),
                acquire_time: Some(now()),
                renew_time: Some(now()),
                lease_transitions: Some(0),
            },
        });
        let object = serde_json::from_value(object).map_err(kube::Error::SerdeError)?;
        written(self.api.create(&PostParams::default(), &object).await)
    }

    /// Whether somebody else's was not renewed for its duration.
    fn has_ended(&mut self, found: &DynamicObject, spec: &Spec) -> bool {
        let version = found.metadata.resource_version.as_deref();
        let version = version.unwrap_or_default();
        match &self.seen {
            Some((seen, since)) if seen == version => {
                let duration = spec.lease_duration_seconds.unwrap_or(DURATION_SECONDS);
                since.elapsed() >= Duration::from_secs(duration.into())
            }
            _ => {
                self.seen = Some((version.to_owned(), Instant::now()));
                false
            }
        }
    }
}

/// The Lease, if there is one.
pub async fn find(cluster: &Cluster, namespace: &str) -> kube::Result<Option<Value>> {
    let Some(lease) = Lease::of(cluster, namespace) else {
        return Ok(None);
    };
    let found = lease.api.get_opt(NAME).await?;
    let found = found.map(serde_json::to_value).transpose();
    found.map_err(kube::Error::SerdeError)
}

/// The version in which this cluster serves Leases.
fn version(cluster: &Cluster) -> Option<&'static str> {
    let version = cluster.version();
    if version.is_from(SERVED_V1) {
        Some("v1")
    } else {
        version.is_from(SERVED).then_some("v1beta1")
    }
}

/// Whether a write was done; somebody else may have been faster.
fn written(answer: kube::Result<DynamicObject>) -> kube::Result<bool> {
    match answer {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
        Err(error) => Err(error),
    }
}

/// The pod's name, and something that no other process has: each `RandomState` has keys of its own.
fn identity() -> String {
    let pod = std::env::var("HOSTNAME").unwrap_or_else(|_| NAME.to_owned());
    let other = RandomState::new().hash_one(std::process::id());
    format!("{pod}_{other:016x}")
}

/// RFC 3339 with microseconds, as the API has it.
fn now() -> String {
    let now = OffsetDateTime::from(SystemTime::now());
    let (date, time) = (now.date(), now.time());
    let (hour, minute, second, micro) = time.as_hms_micro();
    format!("{date}T{hour:02}:{minute:02}:{second:02}.{micro:06}Z")
}
