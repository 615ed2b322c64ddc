//! The target namespaces of releases, and Helm 3's Secrets in them: names are listed once, contents are read one by one.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::{Mutex, OnceCell};

use super::helm3::{is_of_ours, listed, place};
use super::list::reason;
use super::migration::Stop;
use crate::cluster::Cluster;
use crate::cluster::lookup::each_labelled;
use crate::cluster::team::{api, asked, has_namespace};
use crate::releases::helm3::{OWNER_LABEL, same};

/// Objects that are read at once.
const AT_ONCE: usize = 4;

/// All namespaces that were looked at.
pub(super) struct Targets<'a> {
    cluster: &'a Cluster,
    known: Mutex<BTreeMap<String, Arc<OnceCell<Option<Names>>>>>,
}

/// The names of Helm 3's Secrets, by release.
type Names = BTreeMap<String, Vec<String>>;

#[derive(Deserialize)]
struct Object {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    labels: Option<BTreeMap<String, String>>,
}

// === impl Targets ===

impl<'a> Targets<'a> {
    pub(super) fn new(cluster: &'a Cluster) -> Self {
        Self {
            cluster,
            known: Mutex::default(),
        }
    }

    /// Helm 3's Secrets of a release at the first list. Empty if the namespace does not exist.
    pub(super) async fn known(
        &self,
        namespace: &str,
        release: &str,
    ) -> Result<Option<Vec<Value>>, String> {
        let cell = {
            let mut known = self.known.lock().await;
            Arc::clone(known.entry(namespace.to_owned()).or_default())
        };
        let names = cell.get_or_try_init(|| self.names(namespace)).await?;
        let Some(names) = names else {
            return Ok(None);
        };
        let names = names.get(release).map_or(&[][..], Vec::as_slice);
        let found: Vec<_> = stream::iter(names)
            .map(|name| self.read(namespace, name))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(Some(found.into_iter().flatten().collect()))
    }

    /// Helm 3's Secrets of a release as they are now.
    pub(super) async fn listed(
        &self,
        namespace: &str,
        release: &str,
    ) -> Result<Option<Vec<Value>>, String> {
        if let Ok(false) = has_namespace(self.cluster, namespace).await {
            return Ok(None);
        }
        listed(self.cluster, namespace, release).await.map(Some)
    }

    /// Reads back what was written.
    pub(super) async fn compare(&self, secrets: &[Value]) -> Result<(), Stop> {
        stream::iter(secrets)
            .map(|secret| async move {
                let (namespace, name) = place(secret);
                let there = self.read(&namespace, &name).await.map_err(Stop::Other)?;
                let is_it = |there: &Value| same(there, secret) || is_of_ours(secret, there);
                if there.as_ref().is_some_and(is_it) {
                    return Ok(());
                }
                Err(Stop::Other(format!(
                    "Secret {namespace}/{name} is not what was written: somebody else changed it"
                )))
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn names(&self, namespace: &str) -> Result<Option<Names>, String> {
        if let Ok(false) = has_namespace(self.cluster, namespace).await {
            return Ok(None);
        }
        let names = asked(async || self.list_names(namespace).await).await;
        names.map(Some).map_err(|error| {
            format!(
                "cannot list the Secrets of Helm 3 in {namespace}: {}",
                reason(&error)
            )
        })
    }

    async fn list_names(&self, namespace: &str) -> kube::Result<Names> {
        let (mut names, mut unread) = (Names::new(), None);
        let take = |object: Box<RawValue>| match serde_json::from_str(object.get()) {
            Ok(Object { metadata }) => {
                let Metadata { name, labels } = metadata;
                let release = labels.and_then(|mut it| it.remove("name"));
                names
                    .entry(release.unwrap_or_default())
                    .or_default()
                    .push(name);
            }
            Err(error) => unread = Some(error),
        };
        let selector = format!("{}={}", OWNER_LABEL.0, OWNER_LABEL.1);
        let client = self.cluster.client();
        each_labelled(client, Some(namespace), ("secrets", &selector), take).await?;
        unread.map_or(Ok(names), |error| Err(kube::Error::SerdeError(error)))
    }

    async fn read(&self, namespace: &str, name: &str) -> Result<Option<Value>, String> {
        let api = api(self.cluster, "v1", "Secret", namespace);
        let found = asked(async || api.get_opt(name).await).await;
        let found = found
            .map_err(|error| format!("cannot get Secret {namespace}/{name}: {}", reason(&error)))?;
        Ok(found.map(|it| serde_json::to_value(it).unwrap_or_default()))
    }
}
