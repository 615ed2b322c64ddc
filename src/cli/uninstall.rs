//! `tiller-guard uninstall`: the registrations first, so that nothing is refused for want of an answer.

use std::io::{self, Write as _};

use clap::Args;
use serde_json::{Value, json};

use super::Exit;
use super::install::DryRun;
use super::planned::writer;
use super::reach::{ReachArguments, connect, on_runtime};
use crate::cluster::install::registrations;
use crate::installation::{
    self, AUTHORITY_SECRET, IMAGE, Installation, POLICY, Platform, SERVICE_PORT,
};

/// Remove tiller-guard from a cluster, whether it still answers or not. The namespace stays, with the teams in it
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Namespace of tiller-guard
    #[arg(long, short, value_name = "NAME", default_value = installation::NAMESPACE)]
    namespace: String,

    /// Delete the namespace too, with everything in it
    #[arg(long)]
    delete_namespace: bool,

    /// Also delete objects of these names that install did not make, such as those of the chart
    #[arg(long)]
    adopt: bool,

    /// Show what would be deleted, and delete nothing; `server` has the API server check it (Kubernetes 1.13 or newer)
    #[arg(long, value_name = "WHERE", num_args = 0..=1, require_equals = true, default_missing_value = "client")]
    dry_run: Option<DryRun>,

    #[command(flatten)]
    reach: ReachArguments,
}

/// Removes everything.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    on_runtime(uninstall(arguments))
}

async fn uninstall(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments {
        namespace,
        delete_namespace,
        adopt,
        dry_run,
        reach,
    } = arguments;
    let cluster = match connect(reach).await? {
        Ok(cluster) => cluster,
        Err(exit) => return Ok(exit),
    };
    let installed = Installation {
        minor: cluster.version().minor,
        namespace,
        image: IMAGE.to_owned(),
        replicas: 1,
        service_port: SERVICE_PORT,
        policy: POLICY.to_owned(),
        account_patterns: Vec::new(),
        ca_bundle: None,
        place: Platform::default(),
    };
    let effect = DryRun::effect(dry_run);
    if let Err(error) = effect.check(&cluster) {
        writeln!(io::stderr(), "error: {error}")?;
        return Ok(Exit::Unreachable);
    }
    let writer = writer(&cluster, adopt, effect);
    let mut objects = registrations(&cluster, &installed).await?.to_vec();
    let mut foundation = installed.foundation();
    foundation.reverse();
    let (own_namespace, others): (Vec<_>, Vec<_>) = foundation
        .into_iter()
        .partition(|object| object.get("kind").and_then(Value::as_str) == Some("Namespace"));
    objects.extend(others);
    objects.push(authority(&installed));
    if delete_namespace {
        objects.extend(own_namespace);
    }
    let mut failed = false;
    for object in objects {
        match writer.delete(&object).await {
            Ok(applied) => {
                let word = applied.change.as_str();
                writeln!(io::stdout(), "{word:<9} {}", applied.object)?;
            }
            // The rest can go all the same.
            Err(error) => {
                failed = true;
                let error = anyhow::Error::new(error);
                writeln!(io::stderr(), "error: {error:#}")?;
            }
        }
    }
    if !delete_namespace {
        writeln!(
            io::stdout(),
            "kept      Namespace {} (--delete-namespace deletes it)",
            installed.namespace
        )?;
    }
    Ok(if failed { Exit::Findings } else { Exit::Clean })
}

/// The Secret that the guard has made for itself.
fn authority(installed: &Installation) -> Value {
    let mut labels = serde_json::Map::new();
    for label in installation::OWNER_LABELS {
        labels.insert(label.to_owned(), json!("tiller-guard"));
    }
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": AUTHORITY_SECRET,
            "namespace": installed.namespace,
            "labels": labels,
        },
    })
}
