//! Which of the kinds that are written the API server serves: asked before the first write, so that nothing ends half done.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use futures_util::stream::{self, StreamExt as _};
use serde_json::Value;

use super::Cluster;
use crate::gather::Gather as _;

/// The kinds that an installation can do without, and what is then missing.
const OPTIONAL: [(&str, &str); 2] = [
    (
        "NetworkPolicy",
        "without it, every pod of the cluster reaches the pods that it selects",
    ),
    (
        "PodDisruptionBudget",
        "without it, draining nodes may end all pods of tiller-guard at once",
    ),
];

/// The request that lists the versions of groups.
const VERSIONS: &str = "GET /apis";

/// A kind in the version in which it is written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServedKind {
    api_version: String,
    kind: String,
}

/// What an API server serves of the kinds of some objects. What it does not say counts as served: a write then says more.
#[derive(Debug, Default)]
pub struct Served {
    /// The kinds that it does not serve, with the request whose answer lacks them.
    missing: BTreeMap<ServedKind, String>,
    /// The requests that it did not answer, with what it answered.
    pub unread: Vec<(String, kube::Error)>,
}

/// Kinds that nothing can be done without.
#[derive(Debug, thiserror::Error)]
#[error(
    "the API server does not serve {0}, so nothing was written; see what it serves: kubectl api-resources"
)]
pub struct NotServed(String);

// === impl ServedKind ===

impl ServedKind {
    fn of(object: &Value) -> Option<Self> {
        let text = |key| object.get(key)?.as_str().map(ToOwned::to_owned);
        Some(Self {
            api_version: text("apiVersion")?,
            kind: text("kind")?,
        })
    }

    /// Whether it is one of `/apis`. The others have no group.
    fn is_in_group(&self) -> bool {
        self.api_version.contains('/')
    }

    /// What is missing without it; nothing where it is needed.
    pub fn loss(&self) -> Option<&'static str> {
        let optional = OPTIONAL.into_iter().find(|(kind, _)| *kind == self.kind);
        optional.map(|(_, loss)| loss)
    }
}

/// `NetworkPolicy of networking.k8s.io/v1`.
impl fmt::Display for ServedKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { api_version, kind } = self;
        write!(formatter, "{kind} of {api_version}")
    }
}

// === impl Served ===

impl Served {
    /// Asks about the kinds of these objects, in one request for each version of a group.
    pub async fn of(cluster: &Cluster, objects: impl IntoIterator<Item = &Value>) -> Self {
        let wanted: BTreeSet<_> = objects.into_iter().filter_map(ServedKind::of).gather();
        let versions: BTreeSet<_> = wanted.iter().map(|it| it.api_version.clone()).gather();
        let answers: Vec<_> = stream::iter(versions)
            .then(|version| async move { (kinds(cluster, &version).await, version) })
            .collect()
            .await;
        let mut served = Self::default();
        for (answer, version) in answers {
            match answer {
                Ok(kinds) => {
                    let missing = wanted
                        .iter()
                        .filter(|it| it.api_version == version && !kinds.contains(&it.kind));
                    let missing = missing.map(|it| (it.clone(), path(&version)));
                    served.missing.extend(missing);
                }
                Err(error) => served.unread.push((path(&version), error)),
            }
        }
        served
    }

    /// Of these objects' kinds, those that are in none of these versions of groups: all kinds of a version that is served count
    /// as served.
    pub fn among<'o>(
        versions: &BTreeSet<String>,
        objects: impl IntoIterator<Item = &'o Value>,
    ) -> Self {
        let wanted = objects.into_iter().filter_map(ServedKind::of);
        let missing = wanted.filter(|it| it.is_in_group() && !versions.contains(&it.api_version));
        Self {
            missing: missing.map(|it| (it, VERSIONS.to_owned())).collect(),
            unread: Vec::new(),
        }
    }

    /// Fails where a kind is missing that is needed.
    pub fn check(&self) -> Result<(), NotServed> {
        let needed = self.missing.iter().filter(|(it, _)| it.loss().is_none());
        let needed = needed.map(|(kind, request)| format!("{kind} ({request})"));
        let needed: Vec<_> = needed.collect();
        if needed.is_empty() {
            return Ok(());
        }
        Err(NotServed(needed.join(", ")))
    }

    /// The missing kinds that are needed.
    pub fn needed(&self) -> impl Iterator<Item = &ServedKind> {
        self.missing.keys().filter(|it| it.loss().is_none())
    }

    /// The missing kinds that are not needed, with what is then missing.
    pub fn left_out(&self) -> impl Iterator<Item = (&ServedKind, &'static str)> {
        self.missing.keys().filter_map(|it| Some((it, it.loss()?)))
    }

    /// Whether an object's kind is served, as far as is known.
    pub fn has(&self, object: &Value) -> bool {
        ServedKind::of(object).is_none_or(|kind| !self.missing.contains_key(&kind))
    }
}

/// The versions of groups that are served, in one request. None if the API server does not say.
pub async fn versions(cluster: &Cluster) -> Option<BTreeSet<String>> {
    let list = cluster.client().list_api_groups().await.ok()?;
    let versions = list.groups.into_iter().flat_map(|it| it.versions);
    Some(versions.map(|it| it.group_version).collect())
}

/// The kinds of a group's version. None where it is not served.
async fn kinds(cluster: &Cluster, version: &str) -> kube::Result<BTreeSet<String>> {
    let client = cluster.client();
    let answer = if version.contains('/') {
        client.list_api_group_resources(version).await
    } else {
        client.list_core_api_resources(version).await
    };
    match answer {
        Ok(list) => Ok(list.resources.into_iter().map(|it| it.kind).collect()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(BTreeSet::new()),
        Err(error) => Err(error),
    }
}

/// Where a group's version says what it serves.
fn path(version: &str) -> String {
    let root = if version.contains('/') {
        "/apis"
    } else {
        "/api"
    };
    format!("GET {root}/{version}")
}
