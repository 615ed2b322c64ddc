//! Which cluster is meant.

use std::path::PathBuf;

use clap::Args;

use crate::cluster::Reach;

/// The options of every command that talks to a cluster.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Cluster")]
pub(super) struct ReachArguments {
    /// The kubeconfig [default: $KUBECONFIG, ~/.kube/config, or the pod's service account]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// The context in it [default: its current one]
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

impl From<ReachArguments> for Reach {
    fn from(arguments: ReachArguments) -> Self {
        let ReachArguments {
            kubeconfig,
            context,
        } = arguments;
        Self {
            kubeconfig,
            context,
        }
    }
}
