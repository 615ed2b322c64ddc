//! The policy file: what the judge goes by, read again when it changes.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use super::metrics::Metrics;
use super::reload::{on_change, read_file};

/// Takes a file's new content for the policy, from then on.
pub type TakePolicy = Arc<dyn Fn(&[u8]) -> Taken + Send + Sync>;

/// What became of a policy file's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It counts.
    Whole,
    /// It counts without exceptions that have expired: these, each on a line.
    WithoutExpired(String),
    /// It cannot count, and what counted before still does: why, each reason on a line.
    Not(String),
}

/// A policy file that was read at start.
#[derive(Clone)]
pub struct PolicyFile {
    /// Where it is.
    pub path: PathBuf,
    /// How often it is looked at.
    pub every: Duration,
    /// What it held at start.
    pub contents: Vec<u8>,
    /// What takes its new content.
    pub take: TakePolicy,
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

/// Reads the file again and again; what is new and good counts from then on, what is bad is told once and
/// left.
pub(super) async fn keep_fresh(file: PolicyFile, metrics: Arc<Metrics>) {
    let PolicyFile {
        path,
        every,
        contents,
        take,
    } = file;
    let reader = path.clone();
    let read = move || read_file(&reader);
    let file = path.display();
    on_change(every, Some(contents), read, |read| match read {
        Ok(contents) => match take(contents) {
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
