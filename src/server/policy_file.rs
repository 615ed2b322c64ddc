//! The policy file, read again when it changes.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use super::guard::{Guard, Taken};
use super::metrics::Metrics;
use super::reload::{on_change, read_file};

/// A policy file that was read at start.
#[derive(Clone)]
pub struct PolicyFile {
    /// Where it is.
    pub path: PathBuf,
    /// How often it is checked for changes.
    pub every: Duration,
    /// What it held at start.
    pub contents: Vec<u8>,
}

impl fmt::Debug for PolicyFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PolicyFile")
            .field("path", &self.path)
            .field("every", &self.every)
            .finish_non_exhaustive()
    }
}

/// Reads the file again at intervals. A new valid policy counts from then on; an invalid one is logged once and
/// ignored.
pub(super) async fn keep_fresh(file: PolicyFile, guard: Arc<dyn Guard>, metrics: Arc<Metrics>) {
    let PolicyFile {
        path,
        every,
        contents,
    } = file;
    let reader = path.clone();
    let read = move || read_file(&reader);
    let file = path.display();
    on_change(every, Some(contents), read, |read| match read {
        Ok(contents) => match guard.take_policy(contents) {
            Taken::Whole => {
                metrics.policy_reloaded("loaded");
                info!(%file, "loaded the changed policy");
            }
            Taken::WithoutExpired(expired) => {
                metrics.policy_reloaded("expired");
                warn!(%file, %expired, "loaded the changed policy without its expired exceptions");
            }
            Taken::Not(problems) => {
                metrics.policy_reloaded("malformed");
                warn!(%file, %problems, "policy not reloaded; keeping the last good one");
            }
        },
        Err(error) => {
            metrics.policy_reloaded(error.reason());
            let cause = std::error::Error::source(error).map(ToString::to_string);
            warn!(
                %error,
                cause = cause.as_deref().unwrap_or_default(),
                "policy not reloaded; keeping the last good one"
            );
        }
    })
    .await;
}
