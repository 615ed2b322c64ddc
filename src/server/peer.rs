//! Who is at the other end of a connection, and what it may take.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::limits::Limits;
use super::progress::Progress;

/// The other end of one connection.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) progress: Arc<Progress>,
    pub(super) share: Arc<Share>,
}

/// What the bodies from one address may take. What proved to be a client of ours does not share with strangers, who may
/// have come through the same proxy.
#[derive(Debug)]
pub(super) struct Share {
    pub(super) proven: Part,
    pub(super) unproven: Part,
}

/// Memory in KiB.
#[derive(Debug)]
pub(super) struct Part {
    /// For what bodies take first: the rest is for those that go on.
    pub(super) beginnings: Semaphore,
    pub(super) all: Semaphore,
}

// === impl Share ===

impl Share {
    pub(super) fn new(limits: &Limits) -> Self {
        let kibibytes = limits.share_bytes() / 1024;
        let part = || Part {
            beginnings: Semaphore::new(kibibytes / 4 * 3),
            all: Semaphore::new(kibibytes),
        };
        Self {
            proven: part(),
            unproven: part(),
        }
    }
}
