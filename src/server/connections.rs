//! All connections of a listener: how many there may be, and who goes if there are too many.

mod worth;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::limits::Limits;
use super::peer::{Peer, Share};
use super::progress::{Moment, Progress, Stage};
use worth::Worth;

/// The open connections.
#[derive(Debug)]
pub(super) struct Connections {
    open: Mutex<Open>,
    count: watch::Sender<usize>,
    gauge: Gauge,
    limits: Limits,
    told: AtomicBool,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    by_number: BTreeMap<u64, Slot>,
    /// The connections of each address, and what they share.
    by_address: BTreeMap<IpAddr, (usize, Arc<Share>)>,
}

#[derive(Debug)]
struct Slot {
    progress: Arc<Progress>,
    address: IpAddr,
    task: AbortHandle,
}

/// Takes a connection off the list when its task ends, however it does.
struct Listed {
    connections: Arc<Connections>,
    number: u64,
}

// === impl Connections ===

impl Connections {
    /// None yet; `gauge` shows how many.
    pub(super) fn new(limits: Limits, gauge: Gauge) -> Self {
        Self {
            open: Mutex::default(),
            count: watch::Sender::new(0),
            gauge,
            limits,
            told: AtomicBool::new(false),
        }
    }

    /// Serves a new connection in a task of its own. If there are too many, another goes; if none
    /// can, the new one is dropped unserved, and `false` returned.
    pub(super) fn admit<F>(self: &Arc<Self>, address: IpAddr, serve: impl FnOnce(Peer) -> F) -> bool
    where
        F: Future<Output = ()> + Send + 'static,
    {
        // An address has two faces on a socket of both families.
        let address = address.to_canonical();
        let mut open = self.lock();
        if open.by_number.len() >= self.limits.connections
            && !self.make_room(&mut open, Some(address))
        {
            return false;
        }
        let number = open.next;
        open.next += 1;
        let progress = Arc::new(Progress::new());
        let peer = Peer {
            progress: Arc::clone(&progress),
            share: open.join(address, &self.limits),
        };
        let listed = Listed {
            connections: Arc::clone(self),
            number,
        };
        let served = serve(peer);
        let task = tokio::spawn(async move {
            let _listed = listed;
            served.await;
        });
        let slot = Slot {
            progress,
            address,
            task: task.abort_handle(),
        };
        open.by_number.insert(number, slot);
        self.tell(&open);
        true
    }

    /// Whether this is asked for the first time, for a line of the log that is needed once.
    pub(super) fn is_news(&self) -> bool {
        !self.told.swap(true, Ordering::Relaxed)
    }

    /// Gives up one connection, if there is one to give up.
    pub(super) fn evict(&self) -> bool {
        let mut open = self.lock();
        let made = self.make_room(&mut open, None);
        self.tell(&open);
        made
    }

    /// Turns away bodies that stand still until they free so many bytes of the memory that all share; only those from an
    /// address, if one is given. Says how many go.
    pub(super) fn turn_away_stalled(&self, bytes: usize, from: Option<IpAddr>) -> usize {
        let now = Instant::now();
        let open = self.lock();
        let mut stalled: Vec<(Moment, &Progress)> = open
            .by_number
            .values()
            .filter(|slot| from.is_none_or(|from| slot.address == from))
            .map(|slot| (slot.progress.moment(), &*slot.progress))
            .filter(|(moment, progress)| {
                moment.stage == Stage::Body
                    && progress.claimed() > 0
                    && progress.patience(*moment, &self.limits) < now
                    && !progress.is_turned_away()
            })
            .collect();
        stalled.sort_by_key(|(moment, _)| (moment.proven, moment.since));
        let (mut freed, mut count) = (0, 0);
        for (_, progress) in stalled {
            if freed >= bytes {
                break;
            }
            freed += progress.claimed();
            count += 1;
            progress.turn_away();
        }
        count
    }

    /// Until none is open.
    pub(super) async fn empty(&self) {
        let mut count = self.count.subscribe();
        // The sender lives as long as we do, and so the wait cannot fail.
        let _empty = count.wait_for(|count| *count == 0).await;
    }

    /// Asks those to end, as soon as they are idle, that `which` says yes to.
    pub(super) fn end(&self, which: impl Fn(Moment) -> bool) {
        for slot in self.lock().by_number.values() {
            if which(slot.progress.moment()) {
                slot.progress.end();
            }
        }
    }

    /// Cuts all that are left, and says how many.
    pub(super) fn cut(&self) -> usize {
        let open = self.lock();
        open.by_number.values().for_each(|slot| slot.task.abort());
        open.by_number.len()
    }

    /// Ends the connection of the least worth. An address that has more than half of all makes room among its own.
    fn make_room(&self, open: &mut Open, newcomer: Option<IpAddr>) -> bool {
        let now = Instant::now();
        let share = self.limits.connections / 2;
        let has_too_many = |address| open.count(address) > share;
        let own = newcomer.filter(|address| has_too_many(*address));
        let least = open
            .by_number
            .iter()
            .filter(|(_, slot)| own.is_none_or(|own| slot.address == own))
            .filter_map(|(number, slot)| {
                let moment = slot.progress.moment();
                let worth = Worth::of(moment, now, self.limits.step_if_crowded)?;
                let within_share = worth >= Worth::Unproven && !has_too_many(slot.address);
                Some((worth, within_share, moment.since, *number))
            })
            .min();
        let Some(slot) = least.and_then(|(.., number)| open.remove(number)) else {
            return false;
        };
        match slot.progress.stage() {
            // Enough of the review may be there to answer it.
            Stage::Body => slot.progress.turn_away(),
            _ => slot.task.abort(),
        }
        true
    }

    fn tell(&self, open: &Open) {
        let count = open.by_number.len();
        self.count.send_replace(count);
        self.gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Open ===

impl Open {
    fn count(&self, address: IpAddr) -> usize {
        self.by_address.get(&address).map_or(0, |(count, _)| *count)
    }

    /// Counts one more connection from an address, and gives what they share.
    fn join(&mut self, address: IpAddr, limits: &Limits) -> Arc<Share> {
        let (count, share) = self
            .by_address
            .entry(address)
            .or_insert_with(|| (0, Arc::new(Share::new(address, limits))));
        *count += 1;
        Arc::clone(share)
    }

    fn remove(&mut self, number: u64) -> Option<Slot> {
        let slot = self.by_number.remove(&number)?;
        if let Some((count, _)) = self.by_address.get_mut(&slot.address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&slot.address);
            }
        }
        Some(slot)
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let mut open = self.connections.lock();
        open.remove(self.number);
        self.connections.tell(&open);
    }
}

#[cfg(test)]
mod tests;
