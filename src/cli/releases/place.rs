//! Whose records are asked for, and what the commands about them share.

use std::io::{self, Write as _};

use clap::Args;

use super::super::reach::ReachArguments;
use crate::cluster::Cluster;

/// Whose records.
#[derive(Debug, Clone, Args)]
pub(super) struct PlaceArguments {
    /// The Tiller's namespace [default: the context's]
    #[arg(long, short, value_name = "NAMESPACE", conflicts_with = "files")]
    pub(super) namespace: Option<String>,

    /// Read records from the output of `kubectl get configmaps,secrets -o json` instead; - is the standard input
    /// (repeatable)
    #[arg(long = "filename", short = 'f', value_name = "FILE", id = "files", conflicts_with_all = ["kubeconfig", "context"])]
    pub(super) files: Vec<String>,

    #[command(flatten)]
    pub(super) reach: ReachArguments,
}

/// The namespace that is meant: the one that was given, or else the context's.
pub(super) fn namespace_in(cluster: &Cluster, given: Option<&str>) -> String {
    let namespace = given.unwrap_or_else(|| cluster.client().default_namespace());
    namespace.to_owned()
}

/// Prints what went wrong.
pub(super) fn error(text: impl std::fmt::Display) -> anyhow::Result<()> {
    writeln!(io::stderr(), "error: {text}")?;
    Ok(())
}

/// A Kubernetes version: `1.36`, or `36`.
pub(super) fn kubernetes_minor(text: &str) -> Result<u16, String> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let minor = text.strip_prefix("1.").unwrap_or(text);
    let minor = minor.split('.').next().unwrap_or_default();
    let minor = minor.parse().ok().filter(|minor| *minor > 0);
    minor.ok_or_else(|| "give a version such as 1.36".to_owned())
}
