//! Who is at the other end of a connection, and what it may take.

use std::net::IpAddr;
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

/// The memory, in KiB, that the bodies from one address may take. What proved to be a client of ours does not share
/// with strangers, who may have come through the same proxy.
#[derive(Debug)]
pub(super) struct Share {
    pub(super) address: IpAddr,
    pub(super) proven: Semaphore,
    pub(super) unproven: Semaphore,
}

// === impl Share ===

impl Share {
    pub(super) fn new(address: IpAddr, limits: &Limits) -> Self {
        let kibibytes = limits.large_bodies_bytes / 3 / 1024;
        Self {
            address,
            proven: Semaphore::new(kibibytes),
            unproven: Semaphore::new(kibibytes),
        }
    }
}
