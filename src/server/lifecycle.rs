//! The phases of a drain, from serving to closed.

use std::time::Duration;

use tokio::sync::watch;

/// What a server is doing, in the order it does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Requests are served.
    Serving,
    /// No longer ready, but Endpoints may still name this pod: requests are served as before.
    Leaving,
    /// Each answer also ends its connection, so that the API server moves on.
    Parting,
    /// No connection is accepted, idle ones end.
    Closed,
    /// Clients that still send a body are rejected.
    LastCall,
}

/// How long a drain takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drain {
    /// How long connections are still accepted. Endpoints and the rules made of them take seconds to
    /// forget a pod that ends.
    pub delay: Duration,
    /// The whole of it, delay included; less than the pod's `terminationGracePeriodSeconds`.
    pub timeout: Duration,
}

/// Where a server stands in its life.
#[derive(Debug)]
pub(super) struct Lifecycle {
    phase: watch::Sender<Phase>,
}

impl Default for Drain {
    fn default() -> Self {
        Self {
            delay: Duration::from_secs(10),
            timeout: Duration::from_secs(25),
        }
    }
}

impl Lifecycle {
    pub(super) fn new() -> Self {
        Self {
            phase: watch::Sender::new(Phase::Serving),
        }
    }

    /// Moves on; never back.
    pub(super) fn enter(&self, phase: Phase) {
        self.phase.send_if_modified(|current| {
            let later = phase > *current;
            *current = phase.max(*current);
            later
        });
    }

    /// The phase now.
    pub(super) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Until `phase`, or a later one, is entered.
    pub(super) async fn reached(&self, phase: Phase) {
        let mut current = self.phase.subscribe();
        // The sender lives as long as we do, and so the wait cannot fail.
        let _reached = current.wait_for(|current| *current >= phase).await;
    }
}

#[cfg(test)]
mod tests {
    use super::{Lifecycle, Phase};

    #[tokio::test]
    async fn a_life_goes_one_way() {
        let life = Lifecycle::new();
        assert_eq!(life.phase(), Phase::Serving);
        life.enter(Phase::Closed);
        life.enter(Phase::Leaving);
        assert_eq!(life.phase(), Phase::Closed);
        life.reached(Phase::Parting).await;
    }
}
