//! Prints objects for other tools to apply, and what to know before they are applied.

use std::io::{self, Write as _};

use anyhow::Context as _;
use clap::ValueEnum;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::cluster::install::registered;
use crate::k8s::webhook_configuration::HAS_CONDITIONS;
use crate::manifest::to_yaml;

/// How objects are printed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Format {
    /// YAML documents, for `kubectl apply -f -`
    Yaml,
    /// A JSON List
    Json,
}

/// Prints objects.
pub(super) fn print(format: Format, objects: &[Value]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match format {
        Format::Json => {
            let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects });
            writeln!(out, "{}", serde_json::to_string_pretty(&list)?)?;
        }
        Format::Yaml => {
            for (index, object) in objects.iter().enumerate() {
                if index > 0 {
                    writeln!(out, "---")?;
                }
                write!(out, "{}", to_yaml(object))?;
            }
        }
    }
    Ok(())
}

/// Warns of what a first installation means that does not wait for its pods: before Kubernetes 1.28 webhooks have no conditions.
pub(super) async fn warn_of_pods(cluster: &Cluster) -> anyhow::Result<()> {
    let version = cluster.version();
    if !version.is_from(HAS_CONDITIONS) && registered(cluster).await?.is_empty() {
        writeln!(
            io::stderr(),
            "warning: Kubernetes {version} asks tiller-guard about every pod: no pod can be created until a pod of tiller-guard \
             is ready. Without --timeout 0, the webhook configurations are written once it is"
        )?;
    }
    Ok(())
}

/// A version of Kubernetes, from a word.
pub(super) fn minor(text: &str) -> Result<u16, String> {
    let minor = text.trim_start_matches('v').strip_prefix("1.");
    let minor = minor.and_then(|rest| rest.split('.').next()?.parse().ok());
    minor
        .filter(|minor| *minor >= 10)
        .context("expected Kubernetes 1.10 or newer, such as 1.30")
        .map_err(|error| error.to_string())
}
