//! Which cluster is meant.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use tokio::runtime::Builder;
use tokio::time::sleep;

use super::Exit;
use crate::cluster::told::chain;
use crate::cluster::{Cluster, ConnectError, Reach};
use crate::provision::quoted;

/// Between one greeting and the next.
const GREETING_PAUSES: [Duration; 3] = [
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
];

/// The options of every command that talks to a cluster.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Cluster")]
pub(super) struct ReachArguments {
    /// Path of the kubeconfig [default: $KUBECONFIG, ~/.kube/config, or the pod's service account]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// Context of the kubeconfig [default: its current context]
    #[arg(long, value_name = "NAME")]
    context: Option<String>,

    /// User to impersonate
    #[arg(long = "as", value_name = "USER")]
    as_user: Option<String>,

    /// Group to impersonate (repeatable)
    #[arg(long, value_name = "GROUP", requires = "as_user")]
    as_group: Vec<String>,
}

impl ReachArguments {
    /// The options that lead to the same cluster, by their names, quoted for a shell.
    pub(super) fn options(&self) -> Vec<(&'static str, String)> {
        let Self {
            kubeconfig,
            context,
            as_user,
            as_group,
        } = self;
        let file = kubeconfig
            .as_ref()
            .map(|it| it.to_string_lossy().into_owned());
        let options = [
            ("kubeconfig", file),
            ("context", context.clone()),
            ("as", as_user.clone()),
        ];
        let groups = as_group.iter().map(|it| ("as-group", quoted(it)));
        let options = options
            .into_iter()
            .filter_map(|(name, value)| Some((name, quoted(&value?))));
        options.chain(groups).collect()
    }
}

impl From<ReachArguments> for Reach {
    fn from(arguments: ReachArguments) -> Self {
        let ReachArguments {
            kubeconfig,
            context,
            as_user: user,
            as_group: groups,
        } = arguments;
        Self {
            kubeconfig,
            context,
            user,
            groups,
        }
    }
}

/// Reaches the cluster; where it cannot be, says so and gives the exit code for that.
pub(super) async fn connect(arguments: ReachArguments) -> anyhow::Result<Result<Cluster, Exit>> {
    let reach = arguments.into();
    connected(greet(async || Cluster::connect(&reach).await).await)
}

/// The same for a command that asks again by itself where the API server is overloaded or fails.
pub(super) async fn connect_patiently(
    arguments: ReachArguments,
) -> anyhow::Result<Result<Cluster, Exit>> {
    let reach = arguments.into();
    connected(greet(async || Cluster::connect_patiently(&reach).await).await)
}

/// Asks again where nobody answers, or nothing of use.
async fn greet(
    ask: impl AsyncFn() -> Result<Cluster, ConnectError>,
) -> Result<Cluster, ConnectError> {
    let mut pauses = GREETING_PAUSES.into_iter();
    loop {
        match (ask().await, pauses.next()) {
            (Err(ConnectError::Unreachable { .. } | ConnectError::Odd { .. }), Some(pause)) => {
                sleep(pause).await;
            }
            (answer, _) => return answer,
        }
    }
}

fn connected(answer: Result<Cluster, ConnectError>) -> anyhow::Result<Result<Cluster, Exit>> {
    match answer {
        Ok(cluster) => Ok(Ok(cluster)),
        Err(error) if !error.may_pass() => Err(error.into()),
        Err(error) => {
            let error = anyhow::Error::new(error);
            writeln!(io::stderr(), "error: {}", chain(error.as_ref()))?;
            Ok(Err(Exit::Unreachable))
        }
    }
}

/// Runs one command that waits for a cluster.
pub(super) fn on_runtime(
    command: impl Future<Output = anyhow::Result<Exit>>,
) -> anyhow::Result<Exit> {
    let runtime = Builder::new_current_thread().enable_all().build();
    // As a trait object: the runtime's loop is in the program once, not once a command.
    let command: Pin<Box<dyn Future<Output = _>>> = Box::pin(command);
    runtime.context("cannot start a runtime")?.block_on(command)
}
