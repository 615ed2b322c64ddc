//! `tiller-guard uninstall`: the registrations first, so that nothing is refused for want of an answer.

use std::io::{self, Write as _};

use clap::Args;
use serde_json::{Value, json};

use super::Exit;
use super::planned::writer;
use super::reach::{ReachArguments, connect, on_runtime};
use crate::cluster::apply::Effect;
use crate::cluster::install::registrations;
use crate::installation::{
    self, AUTHORITY_SECRET, IMAGE, Installation, POLICY, Platform, SERVICE_PORT,
};

/// Removes tiller-guard from a cluster, whether it still answers or not. The namespace stays, with the teams that are
/// registered in it.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The guard's own namespace
    #[arg(long, short, value_name = "NAME", default_value = installation::NAMESPACE)]
    namespace: String,

    /// Remove the namespace too, with all that is in it
    #[arg(long)]
    delete_namespace: bool,

    /// Remove objects of these names that others have made, too
    #[arg(long)]
    adopt: bool,

    /// Say what would be removed
    #[arg(long)]
    dry_run: bool,

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
    let effect = if dry_run { Effect::Look } else { Effect::Write };
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
            "left      Namespace {} (--delete-namespace removes it)",
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
