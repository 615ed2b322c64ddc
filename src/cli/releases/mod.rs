//! `tiller-guard releases`: what Tiller has recorded.

mod files;
mod list;
mod show;
mod table;

use std::io::{self, Write as _};

use clap::{Args, Subcommand};

use super::Exit;
use super::reach::ReachArguments;
use crate::cluster::Cluster;

/// What was typed.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    List(list::Arguments),
    Show(show::Arguments),
}

/// Whose records.
#[derive(Debug, Clone, Args)]
struct PlaceArguments {
    /// The Tiller's namespace [default: the context's]
    #[arg(long, short, value_name = "NAMESPACE", conflicts_with = "files")]
    namespace: Option<String>,

    /// Read records from the output of `kubectl get configmaps,secrets -o json` instead; - is the standard input
    /// (repeatable)
    #[arg(long = "filename", short = 'f', value_name = "FILE", id = "files", conflicts_with_all = ["kubeconfig", "context"])]
    files: Vec<String>,

    #[command(flatten)]
    reach: ReachArguments,
}

/// Does what was asked for.
pub(super) fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::List(arguments) => list::run(arguments),
        Command::Show(arguments) => show::run(arguments),
    }
}

/// The namespace that is meant: the one that was given, or else the context's.
fn namespace_in(cluster: &Cluster, given: Option<&str>) -> String {
    let namespace = given.unwrap_or_else(|| cluster.client().default_namespace());
    namespace.to_owned()
}

/// Prints what went wrong.
fn error(text: impl std::fmt::Display) -> anyhow::Result<()> {
    writeln!(io::stderr(), "error: {text}")?;
    Ok(())
}

/// A Kubernetes version: `1.36`, or `36`.
fn kubernetes_minor(text: &str) -> Result<u16, String> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let minor = text.strip_prefix("1.").unwrap_or(text);
    let minor = minor.split('.').next().unwrap_or_default();
    let minor = minor.parse().ok().filter(|minor| *minor > 0);
    minor.ok_or_else(|| "give a version such as 1.36".to_owned())
}
