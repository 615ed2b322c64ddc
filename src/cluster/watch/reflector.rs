//! One watch: a list in pages, then the changes since, for ever.
//!
//! What `kube::runtime::watcher` does, with two differences: a watch that ends as soon as it began (an API server
//! that is shutting down ends them so) is not made anew at once, and only what lasts ends a backoff, not the
//! beginning of the next list.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use hyper::header::{ACCEPT, HeaderValue};
use kube::Client;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::core::Request;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::pause::{Pause, jitter};
use super::resource::{Collection, WatchedResource};
use super::status::Status;
use super::stop::{EXPIRED, Stop};
use crate::cluster::lookup::{ListKind, METADATA_LIST};
use crate::cluster::paging::Paging;

/// Objects of a page: some hundred kilobytes, of Pods a megabyte.
const PAGE: u32 = 100;
/// How long a page may take to come.
const PAGE_LIMIT: Duration = Duration::from_mins(1);
/// When the API server ends a watch, in seconds. A connection that is dead without anybody having said so is found
/// out soon after.
const WATCH_SECONDS: u32 = 120;
/// How long after that.
const OVERDUE: Duration = Duration::from_secs(10);
/// When to look again for a kind that the API server does not serve: one that starts may not serve it yet.
const LOOK_SOON: Duration = Duration::from_secs(3);
/// The same once it was not served twice.
const LOOK_AGAIN: Duration = Duration::from_mins(5);

/// Objects by their metadata, as [`METADATA_LIST`].
const METADATA: HeaderValue = HeaderValue::from_static(
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,\
     application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1beta1,application/json",
);

/// An object's JSON, as it came.
pub(super) type Json = Box<RawValue>;

/// What a watch has to tell.
#[derive(Debug, Clone)]
pub(super) enum StoreUpdate {
    /// All objects there are will be listed.
    Listing,
    /// Some of them.
    Listed(Vec<Json>),
    /// These were all.
    Complete,
    /// One was made or changed.
    Changed(Json),
    /// One is gone, or counts no more; as it was last.
    Gone(Json),
}

/// A watch.
pub(super) struct Reflector {
    pub(super) resource: WatchedResource,
    pub(super) client: Client,
    pub(super) own_namespace: Arc<str>,
    /// Whoever lists holds one of these: pages of everything at once would take too much memory.
    pub(super) turns: Arc<Semaphore>,
    pub(super) updates: mpsc::Sender<(WatchedResource, StoreUpdate)>,
    pub(super) status: Arc<Status>,
}

/// A list as it came.
#[derive(Deserialize)]
struct List {
    #[serde(rename = "kind")]
    _kind: ListKind,
    /// Not there in lists of metadata before Kubernetes 1.15.
    #[serde(default)]
    metadata: ListMetadata,
    /// `null` where there are none.
    items: Option<Vec<Json>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct ListMetadata {
    resource_version: String,
    #[serde(rename = "continue")]
    continues: String,
}

/// An object as far as its version goes.
#[derive(Deserialize)]
struct Versioned {
    metadata: Version,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    resource_version: String,
}

// === impl Reflector ===

impl Reflector {
    /// Watches until nobody listens.
    pub(super) async fn run(self) {
        let mut pause = Pause::new();
        let mut place = None;
        loop {
            let stop = match self.round(&mut place, &mut pause).await {
                Ok(never) => match never {},
                Err(Stop::Over) => return,
                Err(stop) => stop,
            };
            self.tell(&stop, place.as_ref());
            if stop.is_absence() {
                place = None;
            }
            wait(&mut pause, Some(&stop)).await;
        }
    }

    /// Lists, then watches until a list is needed again.
    async fn round(
        &self,
        place: &mut Option<Collection>,
        pause: &mut Pause,
    ) -> Result<std::convert::Infallible, Stop> {
        let place = match place {
            Some(place) => place,
            None => place.insert(self.find().await?),
        };
        let mut version = self.list(place).await?;
        self.runs();
        let mut resumed = false;
        loop {
            let stop = match self.watch(place, &mut version).await {
                Ok(()) => None,
                Err(stop) if stop.ends_version() => {
                    if resumed {
                        // The API server is back: what the waits grew for is over.
                        pause.shorten();
                    }
                    return Err(stop);
                }
                Err(Stop::Over) => return Err(Stop::Over),
                Err(stop) => {
                    self.tell(&stop, Some(place));
                    Some(stop)
                }
            };
            wait(pause, stop.as_ref()).await;
            resumed = true;
        }
    }

    /// Where the collection is. What the API server does not have is known: there is none.
    async fn find(&self) -> Result<Collection, Stop> {
        for looked in 0_u32.. {
            let found = self.resource.find(&self.client, &self.own_namespace);
            let found = timeout(PAGE_LIMIT, found).await;
            let found = found.map_err(|_late| Stop::Slow)?;
            if let Some(place) = found.map_err(Stop::Failed)? {
                return Ok(place);
            }
            if looked == 0 {
                sleep(LOOK_SOON).await;
                continue;
            }
            if looked == 1 {
                let resource = self.resource.as_str();
                info!(resource, "this API server does not serve it");
            }
            self.send(StoreUpdate::Listing).await?;
            self.send(StoreUpdate::Complete).await?;
            self.runs();
            sleep(LOOK_AGAIN).await;
        }
        Err(Stop::Over)
    }

    /// Tells of all that there is; gives the version to watch from.
    async fn list(&self, place: &Collection) -> Result<String, Stop> {
        let _turn = self.turns.acquire().await;
        self.send(StoreUpdate::Listing).await?;
        let mut parameters = ListParams::default().limit(PAGE);
        parameters.label_selector = place.selector.map(ToOwned::to_owned);
        parameters.field_selector = place.fields.clone();
        let mut paging = Paging::default();
        loop {
            let List {
                metadata, items, ..
            } = self.page(place, &parameters).await?;
            if metadata.resource_version.is_empty() {
                if !place.metadata_only {
                    return Err(Stop::NoVersion);
                }
                return self.list_at_once(place, parameters).await;
            }
            let taken = paging.take(&place.path, &metadata.continues);
            taken.map_err(Stop::Failed)?;
            self.send(StoreUpdate::Listed(items.unwrap_or_default()))
                .await?;
            if metadata.continues.is_empty() {
                self.send(StoreUpdate::Complete).await?;
                return Ok(metadata.resource_version);
            }
            parameters.continue_token = Some(metadata.continues);
        }
    }

    /// Before Kubernetes 1.15 a list of metadata tells neither its version nor whether there is more. All of it comes at
    /// once, and is watched from a version that is a little older: what changed between is told twice.
    async fn list_at_once(
        &self,
        place: &Collection,
        mut parameters: ListParams,
    ) -> Result<String, Stop> {
        let whole = Collection {
            metadata_only: false,
            ..place.clone()
        };
        parameters.limit = Some(1);
        let List { metadata, .. } = self.page(&whole, &parameters).await?;
        let version = Some(metadata.resource_version).filter(|version| !version.is_empty());
        let version = version.ok_or(Stop::NoVersion)?;
        parameters.limit = None;
        let List { items, .. } = self.page(place, &parameters).await?;
        self.send(StoreUpdate::Listed(items.unwrap_or_default()))
            .await?;
        self.send(StoreUpdate::Complete).await?;
        Ok(version)
    }

    async fn page(&self, place: &Collection, parameters: &ListParams) -> Result<List, Stop> {
        let request = Request::new(&place.path).list(parameters);
        let request = place.asked(request, METADATA_LIST)?;
        let page = timeout(PAGE_LIMIT, self.client.request::<List>(request)).await;
        page.map_err(|_late| Stop::Slow)?.map_err(Stop::Failed)
    }

    /// Tells of changes until the API server ends the watch.
    async fn watch(&self, place: &Collection, version: &mut String) -> Result<(), Stop> {
        let seconds = Duration::from_secs(u64::from(WATCH_SECONDS)) + jitter(OVERDUE * 3);
        let parameters = WatchParams {
            label_selector: place.selector.map(ToOwned::to_owned),
            field_selector: place.fields.clone(),
            timeout: u32::try_from(seconds.as_secs()).ok(),
            // From Kubernetes 1.16 on; before, a version may be too old after a quiet time, and all is listed again.
            bookmarks: true,
            ..WatchParams::default()
        };
        let request = Request::new(&place.path).watch(&parameters, version);
        let request = place.asked(request, METADATA)?;
        let events = timeout(PAGE_LIMIT, self.client.request_events::<Json>(request)).await;
        let events = events.map_err(|_late| Stop::Slow)?;
        let mut events = pin!(events.map_err(Stop::Failed)?);
        self.runs();
        loop {
            let event = match timeout(seconds + OVERDUE, events.try_next()).await {
                Ok(event) => event.map_err(Stop::Failed)?,
                Err(_late) => return Err(Stop::Slow),
            };
            let update = match event {
                None => return Ok(()),
                Some(WatchEvent::Error(status)) => return Err(Stop::Told(status)),
                Some(WatchEvent::Bookmark(bookmark)) => {
                    *version = bookmark.metadata.resource_version;
                    continue;
                }
                Some(WatchEvent::Added(object) | WatchEvent::Modified(object)) => {
                    StoreUpdate::Changed(object)
                }
                Some(WatchEvent::Deleted(object)) => StoreUpdate::Gone(object),
            };
            if let StoreUpdate::Changed(object) | StoreUpdate::Gone(object) = &update {
                *version = version_of(object).ok_or(Stop::NoVersion)?;
            }
            self.send(update).await?;
        }
    }

    async fn send(&self, update: StoreUpdate) -> Result<(), Stop> {
        let sent = self.updates.send((self.resource, update)).await;
        sent.map_err(|_closed| Stop::Over)
    }

    /// Counts a failure; it is told once, and again when its reason changes.
    /// That a version is too old is nothing to tell: where there are no bookmarks it happens after each quiet time.
    fn tell(&self, stop: &Stop, place: Option<&Collection>) {
        let (resource, reason) = (self.resource.as_str(), stop.reason());
        if reason == EXPIRED {
            self.status.lags(self.resource, reason);
            return;
        }
        if self.status.failed(self.resource, reason) {
            let path = place.map_or("discovery", |place| place.path.as_str());
            warn!(resource, reason, path, cause = %stop, "watch interrupted, trying again; what is known stays");
        }
    }

    fn runs(&self) {
        if self.status.runs(self.resource) {
            info!(resource = self.resource.as_str(), "watch runs again");
        }
    }
}

// === impl Collection ===

impl Collection {
    /// The request, for metadata only where these suffice.
    fn asked(
        &self,
        request: Result<hyper::Request<Vec<u8>>, kube::core::request::Error>,
        metadata: HeaderValue,
    ) -> Result<hyper::Request<Vec<u8>>, Stop> {
        let request = request.map_err(|error| Stop::Failed(kube::Error::BuildRequest(error)));
        request.map(|mut request| {
            if self.metadata_only {
                request.headers_mut().insert(ACCEPT, metadata);
            }
            request
        })
    }
}

/// Waits before the API server is asked again.
async fn wait(pause: &mut Pause, stop: Option<&Stop>) {
    if stop.is_some_and(Stop::is_refusal) {
        pause.wait_refused().await;
    } else {
        pause.wait().await;
    }
}

fn version_of(object: &RawValue) -> Option<String> {
    let Versioned { metadata } = serde_json::from_str(object.get()).ok()?;
    Some(metadata.resource_version).filter(|version| !version.is_empty())
}

#[cfg(test)]
mod tests;
