//! The target namespaces of releases, and Helm 3's Secrets in them: names are listed once, contents are read one by one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::{Mutex, OnceCell};

use super::helm3::{is_of_ours, listed, place, text};
use super::outcome::Stop;
use crate::cluster::Cluster;
use crate::cluster::apply::ObjectReference;
use crate::cluster::lookup::each_labelled;
use crate::cluster::team::{api, asked, has_namespace, lacking_rights};
use crate::gather::Gather as _;
use crate::releases::Storage;
use crate::releases::helm3::{OWNER_LABEL, same};

/// What the names of Helm 3's Secrets begin with.
const NAME_PREFIX: &str = "sh.helm.release.v1.";
/// Objects that are read at once.
const AT_ONCE: usize = 4;

/// All namespaces that were looked at.
pub(super) struct Targets<'a> {
    cluster: &'a Cluster,
    known: Mutex<BTreeMap<String, Arc<OnceCell<Option<Names>>>>>,
}

/// The names of Secrets in a namespace.
#[derive(Default)]
struct Names {
    /// Helm 3's, by release.
    releases: BTreeMap<String, Vec<String>>,
    /// Others that are named as Helm 3's.
    others: BTreeSet<String>,
    /// The rights to write Helm 3's that are missing.
    lacking: Vec<String>,
}

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
    ) -> Result<Option<Vec<Value>>, Stop> {
        let cell = self.cell(namespace).await;
        let names = cell.get_or_try_init(|| self.names(namespace)).await?;
        let Some(names) = names else {
            return Ok(None);
        };
        let names = names.releases.get(release);
        let names = names.map_or(&[][..], Vec::as_slice);
        let found: Vec<_> = stream::iter(names)
            .map(|name| self.read(namespace, name))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(Some(found.into_iter().flatten().collect()))
    }

    async fn cell(&self, namespace: &str) -> Arc<OnceCell<Option<Names>>> {
        let mut known = self.known.lock().await;
        Arc::clone(known.entry(namespace.to_owned()).or_default())
    }

    /// The newest revision of a release that Helm 3 has, at the first list.
    pub(super) async fn newest(&self, namespace: &str, release: &str) -> Result<Option<u32>, Stop> {
        let cell = self.cell(namespace).await;
        let names = cell.get_or_try_init(|| self.names(namespace)).await?;
        let names = names.as_ref().and_then(|it| it.releases.get(release));
        let names = names.into_iter().flatten();
        Ok(names
            .map(|name| revision_in(name).unwrap_or_default())
            .max())
    }

    /// The rights that the current user lacks to write Helm 3's Secrets there.
    pub(super) async fn lacking(&self, namespace: &str) -> Result<Vec<String>, Stop> {
        let cell = self.cell(namespace).await;
        let names = cell.get_or_try_init(|| self.names(namespace)).await?;
        let names = names.as_ref();
        Ok(names.map_or_else(Vec::new, |names| names.lacking.clone()))
    }

    /// Whether a Secret that is none of Helm 3's has this name: at the first list, or now.
    pub(super) async fn is_taken(
        &self,
        (namespace, name): (&str, &str),
        is_fresh: bool,
    ) -> Result<bool, Stop> {
        if is_fresh {
            return Ok(self.read(namespace, name).await?.is_some());
        }
        let cell = self.cell(namespace).await;
        let names = cell.get_or_try_init(|| self.names(namespace)).await?;
        let names = names.as_ref();
        Ok(names.is_some_and(|names| names.others.contains(name)))
    }

    /// Helm 3's Secrets of a release as they are now.
    pub(super) async fn listed(
        &self,
        namespace: &str,
        release: &str,
    ) -> Result<Option<Vec<Value>>, Stop> {
        if let Ok(false) = has_namespace(self.cluster, namespace).await {
            return Ok(None);
        }
        listed(self.cluster, namespace, release).await.map(Some)
    }

    /// Helm 3's Secrets of a release as they are now: by the first list if single reads show no change, since the API server reads
    /// the whole namespace for each list.
    pub(super) async fn current(
        &self,
        namespace: &str,
        release: &str,
    ) -> Result<Option<Vec<Value>>, Stop> {
        let cell = self.cell(namespace).await;
        let names = cell.get_or_try_init(|| self.names(namespace)).await?;
        let there = names.as_ref().and_then(|it| it.releases.get(release));
        let there: BTreeSet<_> = there.into_iter().flatten().cloned().gather();
        if let Some(found) = self.known(namespace, release).await?
            && found.len() == there.len()
        {
            let mut next = next_names(release, &there);
            next.retain(|it| !there.contains(it));
            if self.first_of(namespace, &next).await?.is_none() {
                return Ok(Some(found));
            }
        }
        self.listed(namespace, release).await
    }

    /// A Secret of Helm 3 that is there after these were deleted: Helm 3 has made it meanwhile.
    pub(super) async fn made_since(
        &self,
        namespace: &str,
        release: &str,
        deleted: &[Value],
    ) -> Result<Option<Value>, Stop> {
        let deleted = deleted.iter().map(place).filter(|it| it.0 == namespace);
        let mut names: BTreeSet<_> = deleted.map(|it| it.1).gather();
        names.extend(next_names(release, &names));
        self.first_of(namespace, &names).await
    }

    /// The first of these Secrets that is there and is Helm 3's.
    async fn first_of(
        &self,
        namespace: &str,
        names: &BTreeSet<String>,
    ) -> Result<Option<Value>, Stop> {
        let found: Vec<_> = stream::iter(names)
            .map(|name| self.read(namespace, name))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let mut found = found.into_iter().flatten();
        let label = format!("/metadata/labels/{}", OWNER_LABEL.0);
        Ok(found.find(|it| text(it, &label) == OWNER_LABEL.1))
    }

    /// Reads back what was written.
    pub(super) async fn compare(&self, secrets: &[Value]) -> Result<(), Stop> {
        stream::iter(secrets)
            .map(|secret| async move {
                let (namespace, name) = place(secret);
                let there = self.read(&namespace, &name).await?;
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

    async fn names(&self, namespace: &str) -> Result<Option<Names>, Stop> {
        if let Ok(false) = has_namespace(self.cluster, namespace).await {
            return Ok(None);
        }
        let names = asked(async || self.list_names(namespace).await).await;
        let names = names.map_err(|error| {
            let what = format!("cannot list the Secrets of Helm 3 in {namespace}");
            Stop::asked(&what, &error)
        })?;
        let rights = [(Storage::Secrets, &["create", "get"][..])];
        let lacking = lacking(self.cluster, namespace, &rights).await;
        Ok(Some(Names { lacking, ..names }))
    }

    async fn list_names(&self, namespace: &str) -> kube::Result<Names> {
        let (mut names, mut unread) = (Names::default(), None);
        let take = |object: Box<RawValue>| match serde_json::from_str(object.get()) {
            Ok(Object { metadata }) => {
                let Metadata { name, labels } = metadata;
                let mut labels = labels.unwrap_or_default();
                let owner = labels.get(OWNER_LABEL.0);
                let is_helms = owner.is_some_and(|owner| owner == OWNER_LABEL.1);
                match labels.remove("name").filter(|_| is_helms) {
                    Some(release) => {
                        names.releases.entry(release).or_default().push(name);
                    }
                    None if name.starts_with(NAME_PREFIX) => {
                        names.others.insert(name);
                    }
                    None => {}
                }
            }
            Err(error) => unread = Some(error),
        };
        let client = self.cluster.client();
        // Without a selector: what is not Helm 3's may have the name of a record.
        each_labelled(client, Some(namespace), ("secrets", ""), take).await?;
        unread.map_or(Ok(names), |error| Err(kube::Error::SerdeError(error)))
    }

    async fn read(&self, namespace: &str, name: &str) -> Result<Option<Value>, Stop> {
        let api = api(self.cluster, "v1", "Secret", namespace);
        let found = asked(async || api.get_opt(name).await).await;
        let found = found.map_err(|error| {
            Stop::asked(&format!("cannot get Secret {namespace}/{name}"), &error)
        })?;
        Ok(found.map(|it| serde_json::to_value(it).unwrap_or_default()))
    }
}

/// The rights in a namespace, by storage and verbs, that the current user does not have.
pub(super) async fn lacking(
    cluster: &Cluster,
    namespace: &str,
    rights: &[(Storage, &[&'static str])],
) -> Vec<String> {
    let object = |storage: Storage| ObjectReference {
        api_version: "v1".to_owned(),
        kind: storage.kind().to_owned(),
        namespace: Some(namespace.to_owned()),
        name: String::new(),
    };
    let rights = rights
        .iter()
        .map(|(storage, verbs)| (object(*storage), *verbs));
    let rights: Vec<_> = rights.collect();
    let each = rights
        .iter()
        .flat_map(|(object, verbs)| verbs.iter().map(move |verb| (*verb, object)));
    lacking_rights(cluster, &each.collect::<Vec<_>>()).await
}

/// The names of the Secrets that Helm 3 makes next where it has these: it numbers on from the newest that it finds, or begins anew.
fn next_names(release: &str, there: &BTreeSet<String>) -> BTreeSet<String> {
    let newest = there.iter().filter_map(|name| revision_in(name)).max();
    let next = newest.unwrap_or_default().saturating_add(1);
    let named = |revision: u32| format!("{NAME_PREFIX}{release}.v{revision}");
    [1, next].map(named).into_iter().gather()
}

/// The revision that the name of a record ends with.
pub(super) fn revision_in(name: &str) -> Option<u32> {
    name.rsplit_once(".v")?.1.parse().ok()
}
