//! `tiller-guard configure`: from one's own bundle in the cluster to a folder that Helm uses.

mod check;
mod finding;
mod helm;
mod home;

use std::env;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{ArgGroup, Args};

use super::super::Exit;
use super::super::interrupt::Steps;
use super::super::reach::{ReachArguments, connect_patiently, on_runtime};
use super::bundles::absolute;
use super::folder::Written;
use super::record::Record;
use crate::cluster::apply::Effect;
use crate::cluster::team::{LookError, bundle};
use crate::cluster::told::chain;
use crate::provision::{Bundle, Person, PersonKind, TeamSpec, quoted, team_name};
use helm::{HelmClient, PATIENTLY};
use home::Home;

/// Write your bundle of certificates into a folder for Helm
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("whose").args(["user", "group", "check"]).required(true).multiple(true))]
pub(in crate::cli) struct Arguments {
    /// Name of the team
    #[arg(long, value_name = "TEAM", value_parser = team_name)]
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
    let steps = Steps::of(Effect::Write);
    let reached = reach.clone().into();
    let cluster = match connect_patiently(reach).await? {
        Ok(cluster) => cluster,
        Err(exit) => return Ok(exit),
    };
    let fetched = match bundle(&cluster, &team, &guard_namespace, &person).await {
        Ok(fetched) => fetched,
        Err(error) => return failed(&error, &team, &person),
    };
    let client = HelmClient::find(helm.as_deref(), PATIENTLY);
    let home = Home::new(&folder, &team, &fetched, &reached, &client)?;
    steps.begin(
        &team,
        format!(
            "files in {} are written; each is whole, the old or the new one",
            folder.display()
        ),
    );
    let written = home.write(&person, force)?;
    steps.end(&team);
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
fn environment(folder: &Path) -> String {
    folder.join(Bundle::ENVIRONMENT).display().to_string()
}

fn failed(error: &LookError, team: &str, person: &Person) -> anyhow::Result<Exit> {
    let next = next_step(error, team, person);
    let next = next.map_or_else(String::new, |next| format!("; {next}"));
    writeln!(io::stderr(), "error: {}{next}", chain(error))?;
    Ok(Exit::Unreachable)
}

/// What to do where there is no bundle for somebody, unless the error says it.
fn next_step(error: &LookError, team: &str, person: &Person) -> Option<String> {
    match error {
        LookError::NotYours { .. } => Some(format!(
            "pass the name that Kubernetes has for you (kubectl auth whoami), or ask an administrator to run: tiller-guard \
             provision grant {team} --{} NAME",
            person.kind.as_str()
        )),
        LookError::UnusableBundle { .. } => Some(format!(
            "ask an administrator to run: tiller-guard provision renew {team}"
        )),
        LookError::Asked { .. } | LookError::Ca { .. } | LookError::NoBundle { .. } => None,
    }
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

    /// The command that writes the same folder, for this person.
    fn again(&self, folder: &Path, person: Option<&Person>) -> String {
        let team = &self.team;
        let path = |path: &Path| quoted(&path.to_string_lossy());
        let mut options = Vec::new();
        options.extend(self.home.is_some().then(|| ("home", path(folder))));
        options.extend(self.helm.as_deref().map(|it| ("helm", path(it))));
        if self.guard_namespace != TeamSpec::GUARD_NAMESPACE {
            options.push(("guard-namespace", self.guard_namespace.clone()));
        }
        options.extend(self.reach.options());
        options.push(match person {
            Some(person) => (person.kind.as_str(), quoted(&person.name)),
            None => ("user", "NAME".to_owned()),
        });
        let options = options
            .into_iter()
            .map(|(name, value)| format!(" --{name} {value}"));
        format!(
            "tiller-guard configure --team {team}{}",
            options.collect::<String>()
        )
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
