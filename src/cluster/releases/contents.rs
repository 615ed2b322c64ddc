//! What is in a storage now. What was seen before is known by its version, and is not read again.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use hyper::header::ACCEPT;
use kube::api::ListParams;
use kube::core::Request;
use serde::Deserialize;

use super::list::{ListError, Pages};
use crate::cluster::Cluster;
use crate::cluster::lookup::{ListKind, METADATA_LIST};
use crate::cluster::paging::Paging;
use crate::cluster::team::asked;
use crate::gather::Gather as _;
use crate::releases::movement::{ASIDE, Contents, Digest, Owner, StoredRecord};
use crate::releases::{OWNER, Record, Status, Storage};

/// Records of a page by their metadata.
const PAGE: u32 = 500;

/// What is wrong with a record to move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// It cannot be decoded.
    Damaged(String),
    /// It has keys that a copy would not have.
    OtherKeys(Vec<String>),
    /// Something is under way.
    Pending(Status),
}

/// A record that was read.
#[derive(Debug, Clone)]
struct Read {
    digest: Digest,
    fault: Option<Fault>,
}

/// Looks at the two storages of a namespace.
#[derive(Debug)]
pub(super) struct Looker<'a> {
    cluster: &'a Cluster,
    namespace: &'a str,
    /// The storage whose records are decoded, to find their faults. Of the other's, only the digests count.
    source: Storage,
    /// By storage, name and version.
    known: HashMap<(Storage, String, String), Read>,
}

#[derive(Deserialize)]
struct List {
    #[serde(rename = "kind")]
    _kind: ListKind,
    #[serde(default)]
    metadata: ListMetadata,
    items: Option<Vec<Item>>,
}

#[derive(Default, Deserialize)]
struct ListMetadata {
    #[serde(rename = "continue", default)]
    continues: String,
}

#[derive(Deserialize)]
struct Item {
    metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    resource_version: String,
    labels: Option<BTreeMap<String, String>>,
}

/// The labels of Tiller's records and of those that were set aside.
pub(super) fn selector() -> String {
    format!("{} in ({},{ASIDE})", OWNER.0, OWNER.1)
}

// === impl Looker ===

impl<'a> Looker<'a> {
    pub(super) fn new(cluster: &'a Cluster, namespace: &'a str, source: Storage) -> Self {
        Self {
            cluster,
            namespace,
            source,
            known: HashMap::new(),
        }
    }

    /// What is in a storage.
    pub(super) async fn look(&mut self, storage: Storage) -> Result<Contents, ListError> {
        // If nothing was read before, everything that is there has to be.
        if !self.known.keys().any(|(known, ..)| *known == storage) {
            return self.read(storage).await;
        }
        let mut contents = Contents::new();
        for Metadata {
            name,
            resource_version,
            labels,
        } in self.heads(storage, &selector()).await?
        {
            let key = (storage, name.clone(), resource_version.clone());
            let Some(read) = self.known.get(&key) else {
                return self.read(storage).await;
            };
            let labels = labels.unwrap_or_default();
            let kept = kept(&labels, resource_version, read.digest);
            contents.insert(name, kept);
        }
        Ok(contents)
    }

    /// What is wrong with records of the source that are Tiller's, by their names.
    pub(super) fn faults(&self, contents: &Contents) -> BTreeMap<String, Fault> {
        let tillers = contents
            .iter()
            .filter(|(_, kept)| kept.owner == Owner::Tiller);
        let faults = tillers.filter_map(|(name, kept)| {
            let key = (self.source, name.clone(), kept.version.clone());
            Some((name.clone(), self.known.get(&key)?.fault.clone()?))
        });
        faults.gather()
    }

    /// A record that was written without its content has another version, and holds the same.
    pub(super) fn rename(&mut self, storage: Storage, name: &str, from: &str, to: String) {
        let key = (storage, name.to_owned(), from.to_owned());
        if let Some(read) = self.known.get(&key).cloned() {
            self.known.insert((storage, name.to_owned(), to), read);
        }
    }

    /// All of it, read.
    async fn read(&mut self, storage: Storage) -> Result<Contents, ListError> {
        let selector = selector();
        let decodes = storage == self.source;
        let examine = move |record: Record| Some(examined(&record, decodes));
        let mut pages = Pages::new(
            self.cluster,
            storage,
            Some(self.namespace),
            &[&selector],
            examine,
        );
        let mut contents = Contents::new();
        while let Some(page) = pages.next().await? {
            for (name, kept, read) in page {
                self.known
                    .insert((storage, name.clone(), kept.version.clone()), read);
                contents.insert(name, kept);
            }
        }
        Ok(contents)
    }

    /// The names of the objects that are neither Tiller's records nor were set aside by a move.
    pub(super) async fn others(&self, storage: Storage) -> Result<BTreeSet<String>, ListError> {
        let selector = format!("{} notin ({},{ASIDE})", OWNER.0, OWNER.1);
        let heads = self.heads(storage, &selector).await?;
        Ok(heads.into_iter().map(|it| it.name).collect())
    }

    async fn heads(&self, storage: Storage, selector: &str) -> Result<Vec<Metadata>, ListError> {
        let path = format!("/api/v1/namespaces/{}/{}", self.namespace, storage.as_str());
        let mut parameters = ListParams::default().limit(PAGE).labels(selector);
        let (mut found, mut paging) = (Vec::new(), Paging::default());
        loop {
            let list = asked(async || {
                let request = Request::new(&path).list(&parameters);
                let mut request = request.map_err(kube::Error::BuildRequest)?;
                request.headers_mut().insert(ACCEPT, METADATA_LIST);
                self.cluster.client().request::<List>(request).await
            });
            let list = list.await;
            let failed = |error| ListError::asked(storage, self.namespace, &error);
            let List {
                metadata, items, ..
            } = list.map_err(failed)?;
            found.extend(items.into_iter().flatten().map(|item| item.metadata));
            let taken = paging.take(&path, &metadata.continues);
            taken.map_err(failed)?;
            if metadata.continues.is_empty() {
                return Ok(found);
            }
            parameters.continue_token = Some(metadata.continues);
        }
    }
}

fn examined(record: &Record, decodes: bool) -> (String, StoredRecord, Read) {
    let text = record.text.as_deref().unwrap_or_default();
    let digest = Digest::of(text);
    let kept = kept(&record.labels, record.resource_version.clone(), digest);
    let fault = decodes.then(|| fault(record)).flatten();
    (record.name.clone(), kept, Read { digest, fault })
}

/// The copy has the same bytes, whatever the record would be encoded to.
fn fault(record: &Record) -> Option<Fault> {
    let release = match record.decode() {
        Ok(release) => release,
        Err(error) => return Some(Fault::Damaged(error.to_string())),
    };
    if !record.other_keys.is_empty() {
        return Some(Fault::OtherKeys(record.other_keys.clone()));
    }
    let status = Status::of(release.info.status.code);
    status.is_pending().then_some(Fault::Pending(status))
}

fn kept(labels: &BTreeMap<String, String>, version: String, digest: Digest) -> StoredRecord {
    let is_aside = labels.get(OWNER.0).is_some_and(|owner| owner == ASIDE);
    StoredRecord {
        owner: if is_aside {
            Owner::Aside
        } else {
            Owner::Tiller
        },
        version,
        digest,
    }
}
