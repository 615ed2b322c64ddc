//! The memory that larger bodies take, claimed as their bytes arrive.
//!
//! While memory is short, the bodies without progress for longest are turned away. If all make progress, one body at a time may take
//! what it needs beyond the rest, so that bodies that all wait for more cannot keep one another from it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep};

use super::connections::Connections;
use super::limits::Limits;
use super::peer::{Part, Peer};
use super::progress::Stage;

/// A claim grows by this many KiB, or more: bodies that hold a part and wait for another are in one another's way.
const GRAIN: usize = 96;
/// How often bodies are checked for progress while there are any.
const LOOK: Duration = Duration::from_millis(10);
/// For how many checks a body may make no progress. Checks and not time: if the whole machine stalls, no client is to blame.
const LOOKS: usize = 4;

/// What the larger bodies of a listener share, in KiB.
#[derive(Debug)]
pub(super) struct Memory {
    all: Semaphore,
    /// One body of clients that proved themselves, and one of others, may take all it needs when it has begun.
    spare_for_proven: Semaphore,
    spare_for_unproven: Semaphore,
    claimed: Notify,
    connections: Arc<Connections>,
}

/// What one body holds until it is judged.
#[derive(Debug)]
pub(super) struct Claim<'a> {
    memory: &'a Memory,
    peer: &'a Peer,
    proven: bool,
    kibibytes: usize,
    beginning: Option<SemaphorePermit<'a>>,
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
            claimed: Notify::new(),
            connections,
        }
    }

    /// Keeps a part of it free of bodies that make no progress.
    pub(super) async fn keep_some_free(self: Arc<Self>) {
        loop {
            self.claimed.notified().await;
            let mut looks = VecDeque::from([Instant::now()]);
            while self.connections.hold_memory() {
                sleep(LOOK).await;
                looks.push_back(Instant::now());
                if looks.len() > LOOKS
                    && let Some(earliest) = looks.pop_front()
                {
                    self.connections.turn_away_standing(earliest);
                }
            }
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
            beginning: None,
            parts: None,
            spare: None,
        }
    }

    /// Has this many bytes, of the `most` that the body will take, and waits for them if it has to.
    pub(super) async fn grow(&mut self, bytes: usize, most: usize) {
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
            if had == 0 {
                self.memory.claimed.notify_one();
            }
        }
    }

    async fn obtain(&mut self, kibibytes: usize) {
        // A body is not as long as this could not tell.
        let permits = u32::try_from(kibibytes).unwrap_or(u32::MAX);
        if !self.obtain_at_once(permits) {
            self.wait(permits).await;
        }
    }

    fn share(&self) -> &'a Part {
        if self.proven {
            &self.peer.share.proven
        } else {
            &self.peer.share.unproven
        }
    }

    fn obtain_at_once(&mut self, permits: u32) -> bool {
        let Part { beginnings, all } = self.share();
        let beginning = match self.kibibytes {
            0 => beginnings.try_acquire_many(permits).map(Some),
            _ => Ok(None),
        };
        let (Ok(beginning), Ok(share), Ok(all)) = (
            beginning,
            all.try_acquire_many(permits),
            self.memory.all.try_acquire_many(permits),
        ) else {
            return false;
        };
        self.take(beginning, share, all);
        true
    }

    /// Meanwhile nothing is expected of the client, and its bytes wait in the socket.
    async fn wait(&mut self, permits: u32) {
        let Part { beginnings, all } = self.share();
        let only_one = if self.proven {
            &self.memory.spare_for_proven
        } else {
            &self.memory.spare_for_unproven
        };
        let begins = self.kibibytes == 0;
        let memory = self.memory;
        let room = async {
            let beginning = if begins {
                Some(beginnings.acquire_many(permits).await.ok()?)
            } else {
                None
            };
            let share = all.acquire_many(permits).await.ok()?;
            Some((
                beginning,
                share,
                memory.all.acquire_many(permits).await.ok()?,
            ))
        };
        self.peer.progress.review();
        let (parts, one) = tokio::select! {
            biased;
            parts = room => (parts, None),
            one = only_one.acquire(), if !begins => (None, one.ok()),
        };
        self.peer.progress.enter(Stage::Body);
        if let Some((beginning, share, all)) = parts {
            self.take(beginning, share, all);
        }
        self.spare = one;
    }

    fn take(
        &mut self,
        beginning: Option<SemaphorePermit<'a>>,
        share: SemaphorePermit<'a>,
        all: SemaphorePermit<'a>,
    ) {
        match &mut self.parts {
            None => {
                self.beginning = beginning;
                self.parts = Some((share, all));
            }
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
