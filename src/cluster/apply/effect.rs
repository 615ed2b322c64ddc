//! How much of what is asked for is written.

use crate::cluster::{Cluster, KubernetesVersion};

/// The first Kubernetes 1.x that stores nothing when it is asked to try. Those before do not know the parameter `dryRun`,
/// and store the object.
const HAS_DRY_RUN: u16 = 13;

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// All of it.
    Write,
    /// The API server is asked, and stores nothing.
    ServerDryRun,
    /// Nothing; the cluster is only looked at.
    Look,
}

/// The API server would not try it, but do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "Kubernetes {version} ignores --dry-run=server and stores the objects; it needs 1.{HAS_DRY_RUN} or newer. Use \
     --dry-run=client"
)]
pub struct NoDryRun {
    /// The API server's.
    pub version: KubernetesVersion,
}

// === impl Effect ===

impl Effect {
    /// What was done, or would have been: `created`, `created (dry run)`.
    pub fn done(self, word: &str) -> String {
        match self {
            Self::Write => word.to_owned(),
            Self::ServerDryRun | Self::Look => format!("{word} (dry run)"),
        }
    }

    /// Whether this cluster can do that: to one that knows no dry run nothing is sent.
    pub fn check(self, cluster: &Cluster) -> Result<(), NoDryRun> {
        let version = cluster.version();
        if self == Self::ServerDryRun && !version.is_from(HAS_DRY_RUN) {
            return Err(NoDryRun { version });
        }
        Ok(())
    }
}
