//! `tiller-guard configure`: from one's own bundle in the cluster to a folder that Helm uses.

mod check;
mod finding;
mod helm;
mod home;

use std::env;
use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{ArgGroup, Args};

use super::super::Exit;
use super::super::reach::{ReachArguments, connect_patiently, on_runtime};
use super::bundles::absolute;
use super::folder::Written;
use super::record::Record;
use crate::cluster::team::{LookError, bundle};
use crate::cluster::told::chain;
use crate::provision::{Bundle, Person, PersonKind, TeamSpec, quoted};
use helm::{HelmClient, PATIENTLY};
use home::Home;

/// Write your bundle of certificates into a folder for Helm
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("whose").args(["user", "group", "check"]).required(true).multiple(true))]
pub(in crate::cli) struct Arguments {
    /// Name of the team
    #[arg(long, value_name = "TEAM")]
    team: String,

    /// Your user name, as Kubernetes knows it
    #[arg(long, value_name = "NAME")]
    user: Option<String>,

    /// A group of yours that has a bundle
    #[arg(long, value_name = "NAME", conflicts_with = "user")]
    group: Option<String>,

    /// Folder to write to; an existing one keeps its other files [default: ~/.helm-TEAM]
    #[arg(long, value_name = "FOLDER")]
    home: Option<PathBuf>,

    /// Helm's client [default: helm in PATH]
    #[arg(long, value_name = "FILE")]
    helm: Option<PathBuf>,

    /// Write nothing: check what Helm needs to reach Tiller, and say what is wrong
    #[arg(long)]
    check: bool,

    /// Replace files in the folder that tiller-guard did not write
    #[arg(long)]
    force: bool,

    /// Namespace of tiller-guard
    #[arg(long, value_name = "NAMESPACE", default_value = TeamSpec::GUARD_NAMESPACE)]
    guard_namespace: String,

    #[command(flatten)]
    reach: ReachArguments,
}

/// Fetches and writes, or checks.
pub(in crate::cli) fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    if arguments.check {
        on_runtime(check::run(arguments))
    } else {
        on_runtime(configure(arguments))
    }
}

async fn configure(arguments: Arguments) -> anyhow::Result<Exit> {
    let folder = arguments.folder()?;
    let Some(person) = arguments.person()? else {
        bail!("pass --user or --group");
    };
    let Arguments {
        team,
        helm,
        force,
        guard_namespace,
        reach,
        ..
    } = arguments;
    let reached = reach.clone().into();
    let cluster = match connect_patiently(reach).await? {
        Ok(cluster) => cluster,
        Err(exit) => return Ok(exit),
    };
    let fetched = match bundle(&cluster, &team, &guard_namespace, &person).await {
        Ok(fetched) => fetched,
        Err(error) => return failed(&error),
    };
    let client = HelmClient::find(helm.as_deref(), PATIENTLY);
    let home = Home::new(&folder, &team, &fetched, &reached, &client)?;
    let written = home.write(&person, force)?;
    let mut out = io::stdout().lock();
    let what = match written {
        Written::New => "wrote",
        Written::Same => "kept",
    };
    writeln!(
        out,
        "{what} {}; now: . {}",
        folder.display(),
        quoted(&environment(&folder))
    )?;
    for note in home.notes(&client) {
        writeln!(out, "note: {note}")?;
    }
    Ok(Exit::Clean)
}

/// The file to source.
fn environment(folder: &std::path::Path) -> String {
    folder.join(Bundle::ENVIRONMENT).display().to_string()
}

fn failed(error: &LookError) -> anyhow::Result<Exit> {
    writeln!(io::stderr(), "error: {}", chain(error))?;
    Ok(Exit::Unreachable)
}

// === impl Arguments ===

impl Arguments {
    /// The bundle's folder, by its whole path.
    fn folder(&self) -> anyhow::Result<PathBuf> {
        match &self.home {
            Some(home) => absolute(home),
            None => Ok(env::home_dir()
                .context("there is no home folder: pass --home")?
                .join(format!(".helm-{}", self.team))),
        }
    }

    /// Whose bundle is meant; where nobody is named, whose the folder's is.
    fn person(&self) -> anyhow::Result<Option<Person>> {
        let person = match (&self.user, &self.group) {
            (Some(name), _) => Person::new(PersonKind::User, name)?,
            (None, Some(name)) => Person::new(PersonKind::Group, name)?,
            (None, None) => {
                let record = Record::read(&self.folder()?);
                return Ok(record.and_then(|it| it.person()));
            }
        };
        Ok(Some(person))
    }
}
