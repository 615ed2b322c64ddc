//! All connections of a listener: how many there may be, and who goes when there are too many.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::progress::{Moment, Progress, Stage};

/// How long a client may keep a request waiting for its next byte before a newcomer is preferred.
const PATIENCE: Duration = Duration::from_secs(1);

/// The open connections.
#[derive(Debug)]
pub(super) struct Connections {
    open: Mutex<Open>,
    count: watch::Sender<usize>,
    gauge: Gauge,
    cap: usize,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    by_number: BTreeMap<u64, Slot>,
}

#[derive(Debug)]
struct Slot {
    progress: Arc<Progress>,
    task: AbortHandle,
}

/// Takes a connection off the list when its task ends, however it does.
struct Listed {
    connections: Arc<Connections>,
    number: u64,
}

/// How readily a connection is given up for a new one; the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    /// Nothing was ever asked on it. Of many strangers that say nothing, the first goes: a client that
    /// means it is through with its handshake in milliseconds.
    Unproven,
    /// It makes us wait in the middle of a request or an answer.
    Slow,
    /// It is idle; its client would have to connect again.
    Idle,
}

// === impl Connections ===

impl Connections {
    /// At most `cap` at once; `gauge` shows how many.
    pub(super) fn new(cap: usize, gauge: Gauge) -> Self {
        Self {
            open: Mutex::default(),
            count: watch::Sender::new(0),
            gauge,
            cap,
        }
    }

    /// Serves a new connection in a task of its own. Where there are too many, another goes; where none
    /// can, the new one is dropped unserved, and `false` returned.
    pub(super) fn admit<F>(self: &Arc<Self>, serve: impl FnOnce(Arc<Progress>) -> F) -> bool
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut open = self.lock();
        if open.by_number.len() >= self.cap && !open.evict(Instant::now()) {
            return false;
        }
        let number = open.next;
        open.next += 1;
        let progress = Arc::new(Progress::new());
        let listed = Listed {
            connections: Arc::clone(self),
            number,
        };
        let served = serve(Arc::clone(&progress));
        let task = tokio::spawn(async move {
            let _listed = listed;
            served.await;
        });
        let slot = Slot {
            progress,
            task: task.abort_handle(),
        };
        open.by_number.insert(number, slot);
        self.tell(&open);
        true
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
    /// Cuts the connection of the least worth, the longest there of its like.
    fn evict(&mut self, now: Instant) -> bool {
        let least = self
            .by_number
            .iter()
            .filter_map(|(number, slot)| {
                let moment = slot.progress.moment();
                Some((Worth::of(moment, now)?, moment.since, *number))
            })
            .min();
        let Some(slot) = least.and_then(|(_, _, number)| self.by_number.remove(&number)) else {
            return false;
        };
        slot.task.abort();
        true
    }
}

// === impl Worth ===

impl Worth {
    /// Nothing where a request is being answered as it should.
    fn of(moment: Moment, now: Instant) -> Option<Self> {
        match moment.stage {
            Stage::Linger => Some(Self::Unproven),
            Stage::Handshake | Stage::Idle | Stage::Head if !moment.proven => Some(Self::Unproven),
            Stage::Idle => Some(Self::Idle),
            Stage::Handshake | Stage::Head | Stage::Review | Stage::Answer => {
                (moment.since + PATIENCE < now).then_some(Self::Slow)
            }
        }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let mut open = self.connections.lock();
        open.by_number.remove(&self.number);
        self.connections.tell(&open);
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Arc;
    use std::time::Duration;

    use prometheus_client::metrics::gauge::Gauge;
    use tokio::time::{Instant, advance};

    use super::{Connections, Worth};
    use crate::server::progress::{Moment, Progress, Stage};

    fn moment(stage: Stage, proven: bool, age: Duration) -> Moment {
        Moment {
            stage,
            proven,
            since: Instant::now().checked_sub(age).unwrap(),
        }
    }

    #[tokio::test]
    async fn strangers_go_first_and_those_being_served_never() {
        let now = Instant::now();
        let worth = |stage, proven, millis| {
            Worth::of(moment(stage, proven, Duration::from_millis(millis)), now)
        };
        assert_eq!(worth(Stage::Handshake, false, 0), Some(Worth::Unproven));
        assert_eq!(worth(Stage::Idle, false, 0), Some(Worth::Unproven));
        assert_eq!(worth(Stage::Head, false, 0), Some(Worth::Unproven));
        assert_eq!(worth(Stage::Idle, true, 0), Some(Worth::Idle));
        assert_eq!(worth(Stage::Head, true, 10), None);
        assert_eq!(worth(Stage::Review, false, 10), None);
        assert_eq!(worth(Stage::Review, true, 1500), Some(Worth::Slow));
        assert_eq!(worth(Stage::Answer, true, 1500), Some(Worth::Slow));
        assert!(Worth::Unproven < Worth::Slow && Worth::Slow < Worth::Idle);
    }

    async fn admit(connections: &Arc<Connections>, stages: &[Stage]) -> Option<Arc<Progress>> {
        let mut kept = None;
        let admitted = connections.admit(|progress| {
            for stage in stages {
                progress.enter(*stage);
            }
            kept = Some(Arc::clone(&progress));
            pending()
        });
        advance(Duration::from_millis(5)).await;
        admitted.then_some(kept).flatten()
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_house_gives_up_the_one_idle_longest() {
        const PROVEN: [Stage; 3] = [Stage::Idle, Stage::Answer, Stage::Idle];
        let connections = Arc::new(Connections::new(2, Gauge::default()));
        let first = admit(&connections, &PROVEN).await.unwrap();
        let second = admit(&connections, &PROVEN).await.unwrap();
        let third = admit(&connections, &[Stage::Review]).await.unwrap();
        assert_eq!(connections.gauge.get(), 2);
        // The one who went let go of its progress.
        tokio::task::yield_now().await;
        assert_eq!(Arc::strong_count(&first), 1);
        second.enter(Stage::Review);
        third.enter(Stage::Review);
        assert!(admit(&connections, &[Stage::Handshake]).await.is_none());

        assert_eq!(connections.cut(), 2);
        connections.empty().await;
    }
}
