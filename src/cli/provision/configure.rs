//! `tiller-guard configure`: from one's own bundle in the cluster to a folder that Helm uses.

use std::env;
use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;

use super::super::Exit;
use super::super::reach::{ReachArguments, connect_patiently, on_runtime};
use super::bundles::write_bundle;
use crate::cluster::team::{LookError, bundle};
use crate::provision::{Bundle, Person, PersonKind, TeamSpec, quoted};

/// Write your bundle of certificates into a folder for Helm
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Name of the team
    #[arg(long, value_name = "TEAM")]
    team: String,

    /// Your user name, as Kubernetes knows it
    #[arg(long, value_name = "NAME", required_unless_present = "group")]
    user: Option<String>,

    /// A group of yours that has a bundle
    #[arg(long, value_name = "NAME", conflicts_with = "user")]
    group: Option<String>,

    /// Folder to write to; an existing one keeps its other files [default: ~/.helm-TEAM]
    #[arg(long, value_name = "FOLDER")]
    home: Option<PathBuf>,

    /// Replace other certificates in the folder
    #[arg(long)]
    force: bool,

    /// Namespace of tiller-guard
    #[arg(long, value_name = "NAMESPACE", default_value = TeamSpec::GUARD_NAMESPACE)]
    guard_namespace: String,

    #[command(flatten)]
    reach: ReachArguments,
}

/// Fetches and writes.
pub(in crate::cli) fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    on_runtime(configure(arguments))
}

async fn configure(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments {
        team,
        user,
        group,
        home,
        force,
        guard_namespace,
        reach,
    } = arguments;
    let person = match (user, group) {
        (Some(name), _) => Person::new(PersonKind::User, &name)?,
        (None, Some(name)) => Person::new(PersonKind::Group, &name)?,
        (None, None) => bail!("pass --user or --group"),
    };
    let home = match home {
        Some(home) => home,
        None => env::home_dir()
            .context("there is no home folder: pass --home")?
            .join(format!(".helm-{team}")),
    };
    let cluster = match connect_patiently(reach).await? {
        Ok(cluster) => cluster,
        Err(exit) => return Ok(exit),
    };
    let (bundle, tiller_namespace) = match bundle(&cluster, &team, &guard_namespace, &person).await
    {
        Ok(found) => found,
        Err(error) => return failed(error),
    };
    let written = write_bundle(&home, &bundle, &tiller_namespace, force)?;
    let environment = home.join(Bundle::ENVIRONMENT).display().to_string();
    let what = if written.is_some() { "wrote" } else { "kept" };
    writeln!(
        io::stdout(),
        "{what} {}; now: . {}",
        home.display(),
        quoted(&environment)
    )?;
    Ok(Exit::Clean)
}

fn failed(error: LookError) -> anyhow::Result<Exit> {
    writeln!(io::stderr(), "error: {:#}", anyhow::Error::new(error))?;
    Ok(Exit::Unreachable)
}
