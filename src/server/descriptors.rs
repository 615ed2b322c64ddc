//! How many files this process may have open, and what that leaves for connections.

use rustix::process::{Resource, getrlimit};
use tracing::warn;

use super::limits::Limits;

/// The limits as far as there are descriptors for them.
pub(super) fn fit(limits: Limits) -> Limits {
    // Nothing means no limit.
    let Some(descriptors) = getrlimit(Resource::Nofile).current else {
        return limits;
    };
    let fitted = limits.within(descriptors);
    if fitted != limits {
        warn!(
            open_files = descriptors,
            connections = fitted.connections,
            "the limit of open files allows fewer connections than usual"
        );
    }
    fitted
}
