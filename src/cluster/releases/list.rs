//! Listing records: page by page, each decoded on other threads while the next comes. No record is kept.

use std::collections::VecDeque;
use std::sync::Arc;

use kube::api::ListParams;
use kube::core::Request;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::cluster::Cluster;
use crate::cluster::team::asked;
use crate::releases::{NotRecord, Record, Storage};

/// The labels of records, and of those that somebody labelled in another spelling: Tiller does not find these.
const SELECTORS: [&str; 2] = ["OWNER", "owner in (TILLER,Tiller,tiller)"];
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
    },
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
    #[serde(default)]
    metadata: Metadata,
    items: Option<Vec<IgnoredAny>>,
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

/// Goes through the records of one storage, in a namespace or in all; what `examine` makes of them is given to `take`,
/// in their order.
pub async fn list<T: Send + 'static>(
    cluster: &Cluster,
    storage: Storage,
    namespace: Option<&str>,
    examine: impl Fn(Record) -> T + Send + Sync + 'static,
    mut take: impl FnMut(T),
) -> Result<(), ListError> {
    let examine = Arc::new(examine);
    let mut pages: VecDeque<JoinHandle<Result<Vec<T>, NotRecord>>> = VecDeque::new();
    for selector in SELECTORS {
        let mut next = Some(String::new());
        let mut limit = PAGE.0;
        while let Some(token) = next.take() {
            let page = page(cluster, storage, namespace, (selector, limit, &token)).await?;
            let head: Head = serde_json::from_str(&page).map_err(|error| odd(storage, error))?;
            let records = head.items.map_or(0, |items| items.len());
            limit = next_limit(page.len(), records, limit);
            next = Some(head.metadata.continues).filter(|token| !token.is_empty());
            if pages.len() >= AT_ONCE {
                finish(&mut pages, storage, &mut take).await?;
            }
            let examine = Arc::clone(&examine);
            pages.push_back(spawn_blocking(move || read(&page, storage, &*examine)));
        }
    }
    while !pages.is_empty() {
        finish(&mut pages, storage, &mut take).await?;
    }
    Ok(())
}

/// How many records the next page is to have, by what those of the last took.
fn next_limit(bytes: usize, records: usize, before: usize) -> usize {
    let (_, least, most) = PAGE;
    match bytes.checked_div(records) {
        Some(each) => (PAGE_BYTES / each.max(1)).clamp(least, most),
        None => before,
    }
}

async fn page(
    cluster: &Cluster,
    storage: Storage,
    namespace: Option<&str>,
    (selector, limit, token): (&str, usize, &str),
) -> Result<String, ListError> {
    let path = match namespace {
        Some(namespace) => format!("/api/v1/namespaces/{namespace}/{}", storage.as_str()),
        None => format!("/api/v1/{}", storage.as_str()),
    };
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let mut parameters = ListParams::default().labels(selector).limit(limit);
    if !token.is_empty() {
        parameters = parameters.continue_token(token);
    }
    let answer = asked(async || {
        let request = Request::new(&path).list(&parameters);
        let request = request.map_err(kube::Error::BuildRequest)?;
        cluster.client().request_text(request).await
    });
    answer.await.map_err(|error| ListError::Asked {
        storage,
        place: namespace.map_or_else(|| "all namespaces".to_owned(), ToOwned::to_owned),
        reason: match error {
            kube::Error::Api(status) if !status.message.is_empty() => status.message,
            other => other.to_string(),
        },
    })
}

async fn finish<T>(
    pages: &mut VecDeque<JoinHandle<Result<Vec<T>, NotRecord>>>,
    storage: Storage,
    take: &mut impl FnMut(T),
) -> Result<(), ListError> {
    let Some(page) = pages.pop_front() else {
        return Ok(());
    };
    let records = page.await.map_err(|error| odd(storage, error))?;
    records
        .map_err(|error| odd(storage, error))?
        .into_iter()
        .for_each(take);
    Ok(())
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
    examine: &impl Fn(Record) -> T,
) -> Result<Vec<T>, NotRecord> {
    let Items { items } = serde_json::from_str(page)?;
    let mut examined = Vec::new();
    for item in items.into_iter().flatten() {
        let record = Record::read(item, Some(storage))?;
        if record.is_tillers() || record.is_misspelt() {
            examined.push(examine(record));
        }
    }
    Ok(examined)
}
