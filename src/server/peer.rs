//! The client of a connection, and how much memory it may use.

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

/// The memory that bodies from one address may use. Clients with a certificate do not share it with clients without,
/// which may come through the same proxy.
#[derive(Debug)]
pub(super) struct Share {
    pub(super) proven: Part,
    pub(super) unproven: Part,
}

/// Memory in KiB.
#[derive(Debug)]
pub(super) struct Part {
    /// For the beginning of bodies; the rest is for bodies in progress.
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
