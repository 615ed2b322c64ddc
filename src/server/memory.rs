//! The memory that larger bodies take, claimed as their bytes arrive.
//!
//! Whoever stands still gives way to whoever goes on. Where nobody stands still, one body at a time may take what it
//! needs beyond the rest, so that bodies that all wait for more cannot keep one another from it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::sleep;

use super::connections::Connections;
use super::limits::Limits;
use super::peer::Peer;
use super::progress::Stage;

/// A claim grows by this many KiB, or more: bodies that hold a part and wait for another are in one another's way.
const GRAIN: usize = 96;
/// How often one that waits looks for others that stand still.
const LOOK: Duration = Duration::from_millis(50);

/// What the larger bodies of a listener share, in KiB.
#[derive(Debug)]
pub(super) struct Memory {
    all: Semaphore,
    /// One body of clients that proved themselves, and one of others, may take all it needs.
    spare_for_proven: Semaphore,
    spare_for_unproven: Semaphore,
    connections: Arc<Connections>,
}

/// What one body holds until it is judged.
#[derive(Debug)]
pub(super) struct Claim<'a> {
    memory: &'a Memory,
    peer: &'a Peer,
    proven: bool,
    kibibytes: usize,
    parts: Option<(SemaphorePermit<'a>, SemaphorePermit<'a>)>,
    spare: Option<SemaphorePermit<'a>>,
}

// === impl Memory ===

impl Memory {
    pub(super) fn new(limits: &Limits, connections: Arc<Connections>) -> Self {
        Self {
            all: Semaphore::new(limits.large_bodies_bytes / 1024),
            spare_for_proven: Semaphore::new(1),
            spare_for_unproven: Semaphore::new(1),
            connections,
        }
    }
}

// === impl Claim ===

impl<'a> Claim<'a> {
    /// Of nothing yet.
    pub(super) fn new(memory: &'a Memory, peer: &'a Peer) -> Self {
        Self {
            memory,
            peer,
            proven: peer.progress.moment().proven,
            kibibytes: 0,
            parts: None,
            spare: None,
        }
    }

    /// Has this many bytes, of the `most` that the body will take, and waits for them if it has to. Says how many it has:
    /// twice as many as before, or more, so that a body moves in memory only a few times.
    pub(super) async fn grow(&mut self, bytes: usize, most: usize) -> usize {
        let had = self.kibibytes;
        let missing = |bytes: usize| bytes.div_ceil(1024).saturating_sub(had);
        let needed = missing(bytes);
        if needed > 0 {
            let more = needed.max(missing(most).min(GRAIN.max(had)));
            if self.spare.is_none() {
                self.obtain(more).await;
            }
            self.kibibytes += more;
            self.peer.progress.claim(self.kibibytes * 1024);
        }
        self.kibibytes * 1024
    }

    async fn obtain(&mut self, kibibytes: usize) {
        // A body is not as long as this could not tell.
        let permits = u32::try_from(kibibytes).unwrap_or(u32::MAX);
        if !self.grow_at_once(permits) {
            self.wait(permits).await;
        }
    }

    fn share(&self) -> &'a Semaphore {
        if self.proven {
            &self.peer.share.proven
        } else {
            &self.peer.share.unproven
        }
    }

    fn grow_at_once(&mut self, permits: u32) -> bool {
        let Ok(share) = self.share().try_acquire_many(permits) else {
            return false;
        };
        let Ok(all) = self.memory.all.try_acquire_many(permits) else {
            return false;
        };
        self.take(share, all);
        true
    }

    /// Meanwhile nothing is expected of the client, and its bytes wait in the socket.
    async fn wait(&mut self, permits: u32) {
        let Memory {
            all,
            spare_for_proven,
            spare_for_unproven,
            connections,
        } = self.memory;
        let share = self.share();
        let only_one = if self.proven {
            spare_for_proven
        } else {
            spare_for_unproven
        };
        let room = async {
            let share = share.acquire_many(permits).await.ok()?;
            Some((share, all.acquire_many(permits).await.ok()?))
        };
        let others_give_way = async {
            loop {
                let full = share.available_permits() < permits as usize;
                let from = full.then_some(self.peer.share.address);
                connections.turn_away_stalled(permits as usize * 1024, from);
                sleep(LOOK).await;
            }
        };
        self.peer.progress.review();
        let (parts, one) = tokio::select! {
            biased;
            parts = room => (parts, None),
            one = only_one.acquire() => (None, one.ok()),
            () = others_give_way => (None, None),
        };
        self.peer.progress.enter(Stage::Body);
        if let Some((share, all)) = parts {
            self.take(share, all);
        }
        self.spare = one;
    }

    fn take(&mut self, share: SemaphorePermit<'a>, all: SemaphorePermit<'a>) {
        match &mut self.parts {
            None => self.parts = Some((share, all)),
            Some((held_share, held_all)) => {
                held_share.merge(share);
                held_all.merge(all);
            }
        }
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.peer.progress.claim(0);
    }
}
