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

/// Says that this run waits for another one.
pub(in crate::cli) fn waits(what: &str) {
    writeln!(io::stderr(), "{what}").ok();
}

/// What to do if another run works on the same releases.
pub(super) const BUSY: &str = "; wait until it has ended, and run this again";

/// What to do after a failure if another run may go on, unless the API server's answer has said so already.
pub(super) fn again(reason: &str, is_passing: bool) -> &'static str {
    if is_passing && !reason.contains("run this again") {
        "; run this again to go on"
    } else {
        ""
    }
}

/// A Kubernetes version: `1.36`, or `36`.
pub(super) fn kubernetes_minor(text: &str) -> Result<u16, String> {
    let version = text.strip_prefix('v').unwrap_or(text);
    let minor = match version.split_once('.') {
        None => Some(version),
        Some(("1", rest)) => rest.split('.').next(),
        Some(_) => None,
    };
    // Some distributions report `1.36+`.
    let minor = minor.map(|it| it.strip_suffix('+').unwrap_or(it));
    let minor = minor.and_then(|it| it.parse().ok());
    let minor = minor.filter(|minor| *minor > 0);
    minor.ok_or_else(|| "give a version such as 1.36".to_owned())
}

#[cfg(test)]
mod tests {
    use super::kubernetes_minor;

    #[test]
    fn a_version_of_kubernetes_is_1_and_a_minor() {
        for text in ["1.36", "v1.36.2", "36", "1.36+", "1.36.1-gke.5"] {
            assert_eq!(kubernetes_minor(text), Ok(36), "{text}");
        }
        for text in ["2.0", "1", "0", "1.", "1.x", "", "1.0", "36.1"] {
            let is_whole = text == "1";
            assert_eq!(kubernetes_minor(text).is_ok(), is_whole, "{text}");
        }
    }
}
