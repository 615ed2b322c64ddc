//! Which cluster is meant.

use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use tokio::runtime::Builder;

use super::Exit;
use crate::cluster::{Cluster, ConnectError, Reach};

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

/// Reaches the cluster; where it cannot be, says so and gives the exit code for that.
pub(super) async fn connect(arguments: ReachArguments) -> anyhow::Result<Result<Cluster, Exit>> {
    match Cluster::connect(&arguments.into()).await {
        Ok(cluster) => Ok(Ok(cluster)),
        Err(error @ ConnectError::Kubeconfig(_)) => Err(error.into()),
        Err(error) => {
            let error = anyhow::Error::new(error);
            writeln!(io::stderr(), "error: {error:#}")?;
            Ok(Err(Exit::Unreachable))
        }
    }
}

/// Runs one command that waits for a cluster.
pub(super) fn on_runtime(
    command: impl Future<Output = anyhow::Result<Exit>>,
) -> anyhow::Result<Exit> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start a runtime")?.block_on(command)
}
