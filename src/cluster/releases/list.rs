//! Listing records: page by page, each decoded on other threads while the next comes. No record is kept.

use std::collections::VecDeque;
use std::sync::Arc;

use hyper::header::ACCEPT;
use kube::api::ListParams;
use kube::core::Request;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::value::RawValue;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::cluster::Cluster;
use crate::cluster::lookup::{ListKind, METADATA_LIST};
use crate::cluster::paging::Paging;
use crate::cluster::team::{asked, has_namespace};
use crate::cluster::told::{is_denial, lacks_right, words};
use crate::releases::{NotRecord, Record, Storage};

/// The labels of records, and of those that somebody labelled in another spelling: Tiller does not find these.
const RECORDS: &str = "OWNER";
pub(super) const MISSPELT: &str = "owner in (TILLER,Tiller,tiller)";
/// What a page is to have, in bytes.
const PAGE_BYTES: usize = 4 << 20;
/// Records of the first page, and of any other one at least and at most.
const PAGE: (usize, usize, usize) = (32, 8, 500);
/// Pages that are decoded at once.
const AT_ONCE: usize = 2;

/// Records cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The API server refuses, or does not answer.
    #[error("cannot list the {} in {place}: {reason}", .storage.as_str())]
    Asked {
        /// What was to be listed.
        storage: Storage,
        /// A namespace, or all of them.
        place: String,
        /// In the API server's words.
        reason: String,
        /// Whether the right to do it is missing.
        is_forbidden: bool,
    },
    /// The namespace does not exist.
    #[error("there is no namespace {0}")]
    NoNamespace(String),
    /// Its answer is not a list.
    #[error("the list of {} is not as the API has it", .storage.as_str())]
    Odd {
        /// What was to be listed.
        storage: Storage,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "kind")]
    _kind: ListKind,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct FoundItems<T> {
    items: Option<Vec<T>>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(rename = "continue", default)]
    continues: String,
}

#[derive(Deserialize)]
struct Items<'a> {
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
}

type Examine<T> = Arc<dyn Fn(Record) -> Option<T> + Send + Sync>;

/// The records of one storage, in a namespace or in all, page by page.
pub struct Pages<'a, T> {
    cluster: &'a Cluster,
    storage: Storage,
    namespace: Option<&'a str>,
    selectors: VecDeque<&'a str>,
    token: String,
    paging: Paging,
    limit: usize,
    examine: Examine<T>,
    coming: VecDeque<JoinHandle<Result<Vec<T>, NotRecord>>>,
}

/// Goes through the records of one storage, in a namespace or in all; what `examine` makes of them is given to `take`,
/// in their order.
pub async fn list<T: Send + 'static>(
    cluster: &Cluster,
    storage: Storage,
    namespace: Option<&str>,
    examine: impl Fn(Record) -> T + Send + Sync + 'static,
    mut take: impl FnMut(T),
) -> Result<(), ListError> {
    let is_record = |record: &Record| record.is_labelled() || record.is_aside();
    let examine = move |record: Record| is_record(&record).then(|| examine(record));
    let has_misspelt = has_misspelt(cluster, storage, namespace).await?;
    let selectors = if has_misspelt {
        &[RECORDS, MISSPELT][..]
    } else {
        &[RECORDS]
    };
    let mut pages = Pages::new(cluster, storage, namespace, selectors, examine);
    while let Some(page) = pages.next().await? {
        page.into_iter().for_each(&mut take);
    }
    Ok(())
}

/// Whether any are labelled in another spelling.
async fn has_misspelt(
    cluster: &Cluster,
    storage: Storage,
    namespace: Option<&str>,
) -> Result<bool, ListError> {
    Ok(number(cluster, storage, namespace, MISSPELT).await? > 0)
}

/// How many have these labels, by the API server's cache: a list of what is hardly ever there would have it read all objects once
/// more.
pub(super) async fn number(
    cluster: &Cluster,
    storage: Storage,
    namespace: Option<&str>,
    selector: &str,
) -> Result<usize, ListError> {
    let found: Vec<IgnoredAny> = cached(cluster, storage, namespace, selector).await?;
    Ok(found.len())
}

/// The metadata of those that have these labels, by the same cache.
pub(super) async fn cached<T: DeserializeOwned>(
    cluster: &Cluster,
    storage: Storage,
    namespace: Option<&str>,
    selector: &str,
) -> Result<Vec<T>, ListError> {
    let parameters = ListParams {
        resource_version: Some("0".to_owned()),
        ..ListParams::default().labels(selector)
    };
    let path = path(storage, namespace);
    let answer = asked(async || {
        let request = Request::new(&path).list(&parameters);
        let mut request = request.map_err(kube::Error::BuildRequest)?;
        request.headers_mut().insert(ACCEPT, METADATA_LIST);
        cluster.client().request::<FoundItems<T>>(request).await
    });
    let place = namespace.unwrap_or("all namespaces");
    let found = answer.await;
    let found = found.map_err(|error| ListError::asked(storage, place, &error))?;
    Ok(found.items.unwrap_or_default())
}

fn path(storage: Storage, namespace: Option<&str>) -> String {
    let resource = storage.as_str();
    match namespace {
        Some(namespace) => format!("/api/v1/namespaces/{namespace}/{resource}"),
        None => format!("/api/v1/{resource}"),
    }
}

/// Fails if the namespace does not exist. Passes if the user may not read namespaces.
pub async fn check_namespace(cluster: &Cluster, namespace: &str) -> Result<(), ListError> {
    match has_namespace(cluster, namespace).await {
        Ok(false) => Err(ListError::NoNamespace(namespace.to_owned())),
        Ok(true) | Err(_) => Ok(()),
    }
}

// === impl ListError ===

impl ListError {
    /// What the API server answered to a list in a place.
    pub(super) fn asked(storage: Storage, place: &str, error: &kube::Error) -> Self {
        Self::Asked {
            storage,
            place: place.to_owned(),
            is_forbidden: is_forbidden(error),
            reason: reason(error),
        }
    }
}

// === impl Pages ===

impl<'a, T: Send + 'static> Pages<'a, T> {
    /// Records that these selectors of labels find, one after the other; what `examine` makes nothing of is passed over.
    pub fn new(
        cluster: &'a Cluster,
        storage: Storage,
        namespace: Option<&'a str>,
        selectors: &[&'a str],
        examine: impl Fn(Record) -> Option<T> + Send + Sync + 'static,
    ) -> Self {
        Self {
            cluster,
            storage,
            namespace,
            selectors: selectors.iter().copied().collect(),
            token: String::new(),
            paging: Paging::default(),
            limit: PAGE.0,
            examine: Arc::new(examine),
            coming: VecDeque::new(),
        }
    }

    /// The next page.
    pub async fn next(&mut self) -> Result<Option<Vec<T>>, ListError> {
        while self.coming.len() < AT_ONCE && self.fetch().await? {}
        let Some(page) = self.coming.pop_front() else {
            return Ok(None);
        };
        let page = page.await.map_err(|error| odd(self.storage, error))?;
        page.map(Some).map_err(|error| odd(self.storage, error))
    }

    /// Asks for a page, and has it decoded. False where there is none left.
    async fn fetch(&mut self) -> Result<bool, ListError> {
        let Some(selector) = self.selectors.front().copied() else {
            return Ok(false);
        };
        let storage = self.storage;
        let page = self.ask(selector).await?;
        self.limit = next_limit(page.len(), count(&page), self.limit);
        self.token = token(&page).map_err(|error| odd(storage, error))?;
        let taken = self
            .paging
            .take(&path(storage, self.namespace), &self.token);
        taken.map_err(|error| self.failed(&error))?;
        if self.token.is_empty() {
            self.selectors.pop_front();
            self.paging = Paging::default();
        }
        let examine = Arc::clone(&self.examine);
        let read = spawn_blocking(move || read(&page, storage, &*examine));
        self.coming.push_back(read);
        Ok(true)
    }

    async fn ask(&self, selector: &str) -> Result<String, ListError> {
        let path = path(self.storage, self.namespace);
        let limit = u32::try_from(self.limit).unwrap_or(u32::MAX);
        let mut parameters = ListParams::default().labels(selector).limit(limit);
        if !self.token.is_empty() {
            parameters = parameters.continue_token(&self.token);
        }
        let answer = asked(async || {
            let request = Request::new(&path).list(&parameters);
            let request = request.map_err(kube::Error::BuildRequest)?;
            self.cluster.client().request_text(request).await
        });
        answer.await.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &kube::Error) -> ListError {
        let place = self.namespace.unwrap_or("all namespaces");
        ListError::asked(self.storage, place, error)
    }
}

impl<T> std::fmt::Debug for Pages<'_, T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Pages")
            .field("storage", &self.storage)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

/// Whether the right to do it is missing. A quota, or a namespace that is being deleted, forbids too, whatever rights there are.
pub(super) fn is_forbidden(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 403 && lacks_right(&status.message))
}

/// Whether a webhook or an admission policy refuses it, whatever rights there are.
pub(super) fn is_denied(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else {
        return false;
    };
    is_denial(&status.message) || status.message.contains(" denied request: ")
}

/// The API server's message, or why there is none.
pub(super) fn reason(error: &kube::Error) -> String {
    words(error)
}

/// How many records the next page is to have, by what those of the last took.
fn next_limit(bytes: usize, records: usize, before: usize) -> usize {
    let (_, least, most) = PAGE;
    match bytes.checked_div(records) {
        Some(each) => (PAGE_BYTES / each.max(1)).clamp(least, most),
        None => before,
    }
}

/// Roughly how many objects a page has: each has a version, and so has the list.
fn count(page: &str) -> usize {
    let versions = memchr::memmem::find_iter(page.as_bytes(), br#""resourceVersion":""#);
    versions.count().saturating_sub(1)
}

/// The token of the next page. It is before the objects in the answers of all API servers, so that these need not be read
/// before the next page is asked for.
fn token(page: &str) -> Result<String, serde_json::Error> {
    let before_items = page.find(r#""items":"#).and_then(|at| page.get(..at));
    let head = before_items.and_then(|before| {
        let head: Head = serde_json::from_str(&format!("{before}\"items\":null}}")).ok()?;
        head.metadata
    });
    let metadata = match head {
        Some(metadata) => Some(metadata),
        None => serde_json::from_str::<Head>(page)?.metadata,
    };
    Ok(metadata.unwrap_or_default().continues)
}

fn odd(storage: Storage, error: impl std::error::Error + Send + Sync + 'static) -> ListError {
    ListError::Odd {
        storage,
        source: Box::new(error),
    }
}

fn read<T>(
    page: &str,
    storage: Storage,
    examine: &dyn Fn(Record) -> Option<T>,
) -> Result<Vec<T>, NotRecord> {
    let Items { items } = serde_json::from_str(page)?;
    let mut examined = Vec::new();
    for item in items.into_iter().flatten() {
        examined.extend(examine(Record::read(item, Some(storage))?));
    }
    Ok(examined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_known_before_its_objects_are_read() {
        let page = r#"{"kind":"SecretList","metadata":{"resourceVersion":"5","continue":"abc"},"items":[{"metadata":
            {"name":"a","resourceVersion":"4"}},{"metadata":{"name":"\"items\":","resourceVersion":"3"}}]}"#;
        assert_eq!((token(page).unwrap().as_str(), count(page)), ("abc", 2));
        let later = r#"{"items":[],"metadata":{"continue":"abc"},"kind":"SecretList"}"#;
        assert_eq!(token(later).unwrap(), "abc");
        let last = r#"{"kind":"List","metadata":{"resourceVersion":"5"},"items":null}"#;
        assert_eq!((token(last).unwrap().as_str(), count(last)), ("", 0));
        for other in ["<html>", "{}", r#"{"kind":"Status","items":[]}"#] {
            assert!(token(other).is_err(), "{other}");
        }
    }
}
