//! `tiller-guard version`: of this program, and of the guard in the cluster.

use std::io::{self, Write as _};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::Exit;
use super::reach::{ReachArguments, on_runtime};
use crate::cluster::install::{self, Guard};
use crate::cluster::told::{chain, remedy, said};
use crate::cluster::{Cluster, ConnectError};
use crate::installation;
use crate::k8s::webhook_configuration::NAME;

/// Print the version of this program, and of tiller-guard in the cluster
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Print only the version of this program, without a cluster
    #[arg(long)]
    client: bool,

    /// Output format
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    output: Format,

    /// Namespace of tiller-guard
    #[arg(long, short, value_name = "NAMESPACE", default_value = installation::NAMESPACE)]
    namespace: String,

    #[command(flatten)]
    reach: ReachArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Text for people
    Text,
    /// JSON for programs
    Json,
}

/// What is known of the guard in the cluster.
enum Known {
    /// Nobody was asked, or there is no cluster to ask.
    NotAsked,
    /// There is none in the namespace.
    Absent,
    There(Guard),
    Unreachable(String),
}

/// Prints the versions.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    on_runtime(async {
        let Arguments {
            client,
            output,
            namespace,
            reach,
        } = arguments;
        let known = if client {
            Known::NotAsked
        } else {
            ask(reach, &namespace).await?
        };
        match output {
            Format::Text => print_text(&known, &namespace)?,
            Format::Json => print_json(&known)?,
        }
        if let Known::Unreachable(why) = &known {
            writeln!(io::stderr(), "error: {why}")?;
            return Ok(Exit::Unreachable);
        }
        Ok(Exit::Clean)
    })
}

async fn ask(reach: ReachArguments, namespace: &str) -> anyhow::Result<Known> {
    let cluster = match Cluster::connect(&reach.into()).await {
        Ok(cluster) => cluster,
        Err(ConnectError::Nowhere) => return Ok(Known::NotAsked),
        Err(error @ ConnectError::Kubeconfig(_)) => return Err(error.into()),
        Err(error) => return Ok(Known::Unreachable(chain(&error))),
    };
    Ok(match install::guard(&cluster, namespace).await {
        Ok(Some(guard)) => Known::There(guard),
        Ok(None) => Known::Absent,
        Err(error) => {
            let request = format!("get Deployment {namespace}/{NAME}");
            let next = remedy(&error, &request);
            Known::Unreachable(format!("cannot {request}: {}; {next}", said(&error)))
        }
    })
}

fn print_text(known: &Known, namespace: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "client  v{}", env!("CARGO_PKG_VERSION"))?;
    match known {
        Known::NotAsked | Known::Unreachable(_) => Ok(()),
        Known::Absent => writeln!(
            out,
            "cluster there is no tiller-guard in namespace {namespace}"
        ),
        Known::There(Guard {
            image,
            ready,
            wanted,
        }) => writeln!(out, "cluster {image}, {ready} of {wanted} pods are ready"),
    }
}

fn print_json(known: &Known) -> anyhow::Result<()> {
    let cluster = match known {
        Known::There(Guard {
            image,
            ready,
            wanted,
        }) => json!({ "image": image, "ready": ready, "wanted": wanted }),
        Known::NotAsked | Known::Absent | Known::Unreachable(_) => json!(null),
    };
    let versions = json!({ "client": env!("CARGO_PKG_VERSION"), "cluster": cluster });
    writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&versions)?)?;
    Ok(())
}
