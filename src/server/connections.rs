//! All connections of a listener: how many may be open, and which one is closed if there are too many.

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

/// Which connections share memory: those of an address with a client certificate, or those without.
type Whose = (IpAddr, bool);

/// Bytes in use.
#[derive(Debug, Default)]
struct Held {
    all: usize,
    by_whom: BTreeMap<Whose, usize>,
}

/// Removes a connection from the list when its task ends, for whatever reason.
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

    /// Serves a new connection in its own task. If there are too many, another one is closed; if none
    /// can be, the new one is dropped, and `false` returned.
    pub(super) fn admit<F>(self: &Arc<Self>, address: IpAddr, serve: impl FnOnce(Peer) -> F) -> bool
    where
        F: Future<Output = ()> + Send + 'static,
    {
        // On a dual-stack socket, an IPv4 address also appears as an IPv6 address.
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

    /// Whether this is the first call, for a log line that is needed once.
    pub(super) fn is_news(&self) -> bool {
        !self.told.swap(true, Ordering::Relaxed)
    }

    /// Closes one connection, if one can be closed.
    pub(super) fn evict(&self) -> bool {
        let mut open = self.lock();
        let made = self.make_room(&mut open, None);
        self.tell(&open);
        made
    }

    /// Whether any body holds memory.
    pub(super) fn hold_memory(&self) -> bool {
        let open = self.lock();
        open.by_number
            .values()
            .any(|slot| slot.progress.claimed() > 0)
    }

    /// Turns away bodies that hold memory and stand since before `earliest`, those first that stand longest, until half of
    /// each share is free, and a third of all that there is. Says how many go.
    pub(super) fn turn_away_standing(&self, earliest: Instant) -> usize {
        let open = self.lock();
        let mut held = Held::default();
        let mut standing = Vec::new();
        for Slot {
            progress, address, ..
        } in open.by_number.values()
        {
            let bytes = progress.claimed();
            if bytes == 0 || progress.is_turned_away() {
                continue;
            }
            let moment = progress.moment();
            let whose = (*address, moment.proven);
            held.add(whose, bytes);
            if moment.stage == Stage::Body && moment.since < earliest {
                standing.push((moment.since, whose, bytes, progress));
            }
        }
        standing.sort_by_key(|(since, ..)| *since);
        let mut count = 0;
        for (_, whose, bytes, progress) in standing {
            if held.is_too_much(whose, &self.limits) {
                held.give_back(whose, bytes);
                progress.turn_away();
                count += 1;
            }
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

    /// Cuts all open connections, and returns how many.
    pub(super) fn cut(&self) -> usize {
        let open = self.lock();
        open.by_number.values().for_each(|slot| slot.task.abort());
        open.by_number.len()
    }

    /// Ends the connection with the lowest value. If one address has more than half of all, it loses one of its own.
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
            // The part of the review that has arrived may be enough to answer it.
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
            .or_insert_with(|| (0, Arc::new(Share::new(limits))));
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

// === impl Held ===

impl Held {
    fn add(&mut self, whose: Whose, bytes: usize) {
        self.all += bytes;
        *self.by_whom.entry(whose).or_default() += bytes;
    }

    fn give_back(&mut self, whose: Whose, bytes: usize) {
        self.all = self.all.saturating_sub(bytes);
        if let Some(held) = self.by_whom.get_mut(&whose) {
            *held = held.saturating_sub(bytes);
        }
    }

    /// Whether less is free than is reserved for new and for running requests.
    fn is_too_much(&self, whose: Whose, limits: &Limits) -> bool {
        let share = self.by_whom.get(&whose).copied().unwrap_or(0);
        self.all > limits.large_bodies_bytes / 3 * 2 || share > limits.share_bytes() / 2
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
