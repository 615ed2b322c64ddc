//! What a connection is worth if there are too many.

use std::time::Duration;

use tokio::time::Instant;

use crate::server::progress::{Moment, Stage};

/// How long a client may take to read an answer before a newcomer is preferred.
const PATIENCE: Duration = Duration::from_secs(1);

/// How readily a connection is given up for a new one; the least first. Of those that are worth the same, the one that
/// stands longest goes: an honest client is through with each of its steps in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Worth {
    /// It shook hands and never asked anything, or is about to end.
    Silent,
    /// It makes us wait. That a handshake takes long may be our own fault, if there are many.
    Stalled,
    /// Nothing was ever answered on it.
    Unproven,
    /// It is idle, and served its client well; the client would have to connect again.
    Idle,
}

impl Worth {
    /// What it is worth now, if a client may take `step` for each step. Nothing if a request is being answered
    /// as it should.
    pub(super) fn of(moment: Moment, now: Instant, step: Duration) -> Option<Self> {
        let stands_for = |limit| moment.since + limit < now;
        match moment.stage {
            Stage::Linger => Some(Self::Silent),
            Stage::Answer => stands_for(PATIENCE).then_some(Self::Stalled),
            Stage::Review => None,
            Stage::Idle if moment.proven => Some(Self::Idle),
            Stage::Idle if stands_for(step) => Some(Self::Silent),
            Stage::Handshake | Stage::Head | Stage::Body if stands_for(step) => Some(Self::Stalled),
            Stage::Handshake | Stage::Idle | Stage::Head | Stage::Body => {
                (!moment.proven).then_some(Self::Unproven)
            }
        }
    }
}
