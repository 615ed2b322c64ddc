//! Changes of the webhook configurations, as they come: whoever replaces one may leave it without its bundle, and until it
//! has one again the API server refuses what it should ask about.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::TryStreamExt as _;
use kube::Client;
use kube::api::{ApiResource, GroupVersionKind, ListParams, WatchEvent, WatchParams};
use kube::core::Request;
use serde::Deserialize;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tracing::debug;

use super::webhook_configurations::KINDS;
use crate::cluster::Cluster;
use crate::cluster::told::words;
use crate::cluster::watch::Pause;
use crate::k8s::webhook_configuration::{GROUP, NAME};

/// When the API server ends a watch, in seconds.
const WATCH_SECONDS: u32 = 240;
/// How long after that a watch counts as dead.
const OVERDUE: Duration = Duration::from_secs(10);
/// How long the API server may take to begin one.
const ANSWER: Duration = Duration::from_secs(30);

/// How much may be spent at once after a calm time. It comes back as time passes.
const CREDIT: Duration = Duration::from_mins(1);
/// What a look costs. Each write of our own, and of another replica, is a change too.
const LOOK: Duration = Duration::from_millis(500);
/// What a write of the bundle costs. Many of these mean that another program changes it back.
const HEAL: Duration = Duration::from_secs(5);
/// How soon after one change the next is followed, at the soonest: two configurations are often changed together.
const SHORTEST_GAP: Duration = Duration::from_millis(100);

/// Watches of both configurations. They end when this is dropped.
#[derive(Debug)]
pub(super) struct Changes {
    _watches: JoinSet<()>,
    changed: Arc<Notify>,
    /// Whether one of them was refused last.
    forbidden: Arc<AtomicBool>,
    pace: Pace,
}

/// How soon a change is followed: at once but for a burst, as where somebody else writes against us.
#[derive(Debug)]
struct Pace {
    /// When all is paid for: each look and each heal puts it off by what it costs.
    calm: Instant,
    /// When a change was followed last.
    last: Option<Instant>,
}

/// One watch.
struct Reflector {
    client: Client,
    path: String,
    changed: Arc<Notify>,
    forbidden: Arc<AtomicBool>,
}

/// What is there now.
#[derive(Deserialize)]
struct Listed {
    metadata: Metadata,
    #[serde(default)]
    items: Vec<Configuration>,
}

/// A configuration, of which only its version matters.
#[derive(Debug, Clone, Deserialize)]
struct Configuration {
    metadata: Metadata,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    resource_version: String,
}

/// Why a watch does not go on.
#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error("{}", words(.0))]
    Failed(kube::Error),
    #[error("{0}")]
    Told(String),
    #[error("the API server does not answer in time")]
    Slow,
    #[error("the API server ended it")]
    Ended,
}

impl From<kube::Error> for Stop {
    fn from(error: kube::Error) -> Self {
        Self::Failed(error)
    }
}

// === impl Changes ===

impl Changes {
    /// Begins to watch.
    pub(super) async fn watch(cluster: &Cluster) -> Result<Self, kube::Error> {
        let version = cluster.webhook_configuration_version().await?;
        let changed = Arc::new(Notify::new());
        let forbidden = Arc::new(AtomicBool::new(false));
        let mut watches = JoinSet::new();
        for kind in KINDS {
            let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(GROUP, version, kind));
            let feed = Reflector {
                client: cluster.client().clone(),
                path: format!("/apis/{GROUP}/{version}/{}", resource.plural),
                changed: Arc::clone(&changed),
                forbidden: Arc::clone(&forbidden),
            };
            watches.spawn(feed.run());
        }
        Ok(Self {
            _watches: watches,
            changed,
            forbidden,
            pace: Pace::new(),
        })
    }

    /// Whether the API server refuses to let one be watched.
    pub(super) fn are_forbidden(&self) -> bool {
        self.forbidden.load(Ordering::Relaxed)
    }

    /// A bundle had to be written: after many of these, the next change is followed later.
    pub(super) fn heal(&mut self) {
        self.pace.heal(Instant::now());
    }

    /// Waits for the next change that needs a look now.
    pub(super) async fn next(&mut self) {
        self.changed.notified().await;
        sleep(self.pace.gap(Instant::now())).await;
    }
}

// === impl Reflector ===

impl Reflector {
    async fn run(self) {
        let mut pause = Pause::new();
        let mut seen = String::new();
        loop {
            let stop = match self.follow(&mut seen).await {
                Ok(never) => match never {},
                Err(stop) => stop,
            };
            if stop.is_refusal() && !self.forbidden.swap(true, Ordering::Relaxed) {
                // Whoever waits for long is to wait for less.
                self.changed.notify_one();
            }
            debug!(path = self.path, cause = %stop, "webhook configuration not watched");
            pause.wait().await;
        }
    }

    /// Tells of each change, also of one between two watches. A watch begins at the version of a list: 1.36 refuses one without
    /// a version where the etcd is older than 3.4.25.
    async fn follow(&self, seen: &mut String) -> Result<Infallible, Stop> {
        let by_name = format!("metadata.name={NAME}");
        let parameters = ListParams::default().fields(&by_name);
        let request = Request::new(&self.path).list(&parameters);
        let request = request.map_err(kube::Error::BuildRequest)?;
        let listed = timeout(ANSWER, self.client.request::<Listed>(request)).await;
        let Listed { metadata, items } = listed.map_err(|_late| Stop::Slow)??;
        let there = items.into_iter().next();
        self.saw(
            there.map_or_else(String::new, |it| it.metadata.resource_version),
            seen,
        );

        let parameters = WatchParams::default()
            .fields(&by_name)
            .timeout(WATCH_SECONDS);
        let request = Request::new(&self.path).watch(&parameters, &metadata.resource_version);
        let request = request.map_err(kube::Error::BuildRequest)?;
        let events = self.client.request_events::<Configuration>(request);
        let events = timeout(ANSWER, events)
            .await
            .map_err(|_late| Stop::Slow)??;
        let mut events = pin!(events);
        let end = Duration::from_secs(u64::from(WATCH_SECONDS)) + OVERDUE;
        loop {
            let event = timeout(end, events.try_next()).await;
            let configuration = match event.map_err(|_late| Stop::Slow)?? {
                None => return Err(Stop::Ended),
                Some(WatchEvent::Error(status)) => return Err(Stop::Told(status.message.clone())),
                Some(WatchEvent::Bookmark(_)) => continue,
                Some(
                    WatchEvent::Added(it) | WatchEvent::Modified(it) | WatchEvent::Deleted(it),
                ) => it,
            };
            self.saw(configuration.metadata.resource_version, seen);
        }
    }

    /// Reports a version that was not seen before; an empty one means none.
    fn saw(&self, version: String, seen: &mut String) {
        self.forbidden.store(false, Ordering::Relaxed);
        if version != *seen {
            *seen = version;
            self.changed.notify_one();
        }
    }
}

// === impl Stop ===

impl Stop {
    fn is_refusal(&self) -> bool {
        matches!(self, Self::Failed(kube::Error::Api(_)) | Self::Told(_))
    }
}

// === impl Pace ===

impl Pace {
    fn new() -> Self {
        Self {
            calm: Instant::now(),
            last: None,
        }
    }

    /// How long to wait before a change that comes now is followed.
    fn gap(&mut self, now: Instant) -> Duration {
        let soonest = self.last.map_or(now, |last| last + SHORTEST_GAP);
        let free = self.calm.checked_sub(CREDIT).unwrap_or(now);
        let followed = now.max(soonest).max(free);
        self.last = Some(followed);
        self.calm = self.calm.max(followed) + LOOK;
        followed - now
    }

    /// A bundle had to be written now.
    fn heal(&mut self, now: Instant) {
        self.calm = self.calm.max(now) + HEAL;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As by somebody who tries something out: each edit is answered by a write of our own.
    #[test]
    fn ten_edits_in_half_a_minute_are_each_followed_within_a_second() {
        let mut pace = Pace::new();
        let begin = Instant::now();
        for edit in 0..10 {
            let now = begin + Duration::from_secs(3) * edit;
            assert!(pace.gap(now) < Duration::from_secs(1), "edit {edit}");
            pace.heal(now);
            assert!(pace.gap(now) < Duration::from_secs(1), "edit {edit}");
        }
    }

    #[test]
    fn two_changes_together_are_followed_soon() {
        let mut pace = Pace::new();
        let now = Instant::now();
        assert_eq!(pace.gap(now), Duration::ZERO);
        assert_eq!(pace.gap(now), SHORTEST_GAP);
    }

    /// Whoever writes against us as soon as we have written.
    #[test]
    fn in_a_fight_changes_are_followed_less_often() {
        for (heals, expected) in [(true, 20..=24), (false, 220..=260)] {
            let mut pace = Pace::new();
            let (begin, mut now, mut followed) = (Instant::now(), Instant::now(), 0);
            while now < begin + Duration::from_mins(1) {
                now += pace.gap(now) + Duration::from_millis(1);
                if heals {
                    pace.heal(now);
                }
                followed += 1;
            }
            assert!(expected.contains(&followed), "{followed} times in a minute");
        }
    }
}
