//! `tiller-guard deprovision`: a team's Tiller is taken away, and nothing that it released.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::Value;

use super::super::Exit;
use super::super::reach::on_runtime;
use super::apply::unapplied;
use super::arguments::{CertificateArguments, DoingArguments, SharedArguments};
use super::issuance::{Course, issue};
use super::session::{Failure, OWNER, Session};
use crate::cluster::apply::{Change, Writer};
use crate::cluster::team::{Found, look, releases};
use crate::policy::Settings;
use crate::provision::{CheckedTeam, TeamSpec, plan, revoked, withdrawn};

/// Takes a team's Tiller away: its Deployment, account, rights, certificates and registration. Namespaces stay, and so
/// do the records of releases.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// The team
    team: String,

    /// Take away the rights in this target namespace alone (repeatable)
    #[arg(long, value_name = "NAMESPACE", value_delimiter = ',')]
    target_namespace: Vec<String>,

    /// Delete the records of the team's releases too; what was released stays, and Helm does not know it any more
    #[arg(long, conflicts_with = "target_namespace")]
    delete_releases: bool,

    /// Do not ask
    #[arg(long, short)]
    yes: bool,

    #[command(flatten)]
    shared: SharedArguments,

    #[command(flatten)]
    doing: DoingArguments,
}

/// Takes away.
pub(in crate::cli) fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let settings = arguments.shared.settings()?;
    on_runtime(deprovision(arguments, &settings))
}

async fn deprovision(arguments: Arguments, settings: &Settings) -> anyhow::Result<Exit> {
    let Arguments {
        team,
        target_namespace,
        delete_releases,
        yes,
        shared,
        doing,
    } = arguments;
    let session = match Session::open(&shared, settings).await? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    let spec = session.spec(&team)?;
    let old = session.checked(spec.clone())?;
    if !target_namespace.is_empty() {
        return leave_targets(&session, spec, &old, &target_namespace, yes, &doing).await;
    }
    let found = match models(&session, &old, delete_releases).await {
        Ok(found) => found,
        Err(error) => return session.end(&team, Err(error), Exit::Clean),
    };
    let (models, releases) = found;
    if !agreed(models.iter().chain(&releases), yes)? {
        return Ok(Exit::Findings);
    }
    let deleted = match delete(&session, &team, &models, OWNER, &doing).await {
        // Tiller labels its records as its own.
        Ok(()) => delete(&session, &team, &releases, &[], &doing).await,
        failed => failed,
    };
    let exit = session.end(&team, deleted, Exit::Clean)?;
    if exit == Exit::Clean {
        session.progress.line(format_args!(
            "{team}: the namespaces {} and {} stay",
            old.tiller_namespace,
            old.target_namespaces.join(", ")
        ))?;
    }
    Ok(exit)
}

/// All that is to go, in the order in which it goes: Tiller first, its registration after its rights; and the records
/// of releases, where they are to go too.
async fn models(
    session: &Session<'_>,
    team: &CheckedTeam,
    delete_releases: bool,
) -> Result<(Vec<Value>, Vec<Value>), Failure> {
    let settings = session.settings;
    let secret = &settings.certificate_secret;
    let (guard, tiller) = (&team.guard_namespace, &team.tiller_namespace);
    let found = look(&session.cluster, &team.team, guard, tiller, secret).await;
    // A CA that cannot be read goes as well as any other.
    let people: Vec<_> = found
        .iter()
        .flat_map(|found| &found.bundles)
        .map(|it| it.person.clone())
        .collect();
    let models = planned(team, settings, &session.shared.certificates).map_err(Failure::input)?;
    let mut models: Vec<_> = models.into_iter().rev().collect();
    let leftovers = people.iter().filter(|it| !team.people().contains(it));
    models.splice(0..0, leftovers.flat_map(|person| revoked(team, person)));
    let releases = if delete_releases {
        releases(&session.cluster, tiller).await
    } else {
        Ok(Vec::new())
    };
    Ok((models, releases.map_err(Failure::cluster)?))
}

/// What a team's plan is made of, but for its namespaces. Only names and labels of it matter.
fn planned(
    team: &CheckedTeam,
    settings: &Settings,
    arguments: &CertificateArguments,
) -> anyhow::Result<Vec<Value>> {
    let issuance = issue(
        team,
        None,
        Found::default(),
        Course::Replace,
        &arguments.in_cluster(),
    )?;
    let plan = plan(team, &issuance.certificates, true, settings)?;
    let all = plan
        .objects()
        .filter(|object| object.get("kind").is_some_and(|kind| kind != "Namespace"));
    Ok(all.cloned().collect())
}

/// Takes away the rights in some of the target namespaces, and then their registration.
async fn leave_targets(
    session: &Session<'_>,
    spec: TeamSpec,
    old: &CheckedTeam,
    gone: &[String],
    yes: bool,
    doing: &DoingArguments,
) -> anyhow::Result<Exit> {
    let name = spec.team.clone();
    for namespace in gone {
        if !old.target_namespaces.contains(namespace) {
            bail!("{namespace} is no target namespace of the team \"{name}\"");
        }
    }
    let kept = spec
        .target_namespaces
        .iter()
        .filter(|it| !gone.contains(it));
    let spec = TeamSpec {
        target_namespaces: kept.cloned().collect(),
        ..spec
    };
    let new = session.checked(spec)?;
    let models: Vec<_> = gone
        .iter()
        .flat_map(|namespace| withdrawn(old, namespace))
        .collect();
    if !agreed(&models, yes)? {
        return Ok(Exit::Findings);
    }
    let done = match delete(session, &name, &models, OWNER, doing).await {
        Ok(()) => session.make(&new, Course::Keep, doing).await,
        failed => failed,
    };
    session.end(&name, done, Exit::Clean)
}

async fn delete(
    session: &Session<'_>,
    team: &str,
    models: &[Value],
    owner: &'static [&'static str],
    doing: &DoingArguments,
) -> Result<(), Failure> {
    let writer = Writer {
        owner,
        ..session.writer(doing, true)
    };
    for model in models {
        let done = writer.delete(model).await.map_err(unapplied)?;
        if done.change == Change::Deleted {
            session.line(
                team,
                format_args!("{} {}{}", done.object, done.change.as_str(), doing.tried()),
            )?;
        }
    }
    Ok(())
}

/// Shows what will go and asks.
fn agreed<'m>(models: impl IntoIterator<Item = &'m Value>, yes: bool) -> anyhow::Result<bool> {
    if yes {
        return Ok(true);
    }
    let mut out = io::stderr().lock();
    writeln!(out, "This deletes:")?;
    for model in models {
        let text = |pointer| {
            model
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let (kind, namespace, name) = (
            text("/kind"),
            text("/metadata/namespace"),
            text("/metadata/name"),
        );
        writeln!(out, "  {kind} {namespace}/{name}")?;
    }
    if !io::stdin().is_terminal() {
        bail!("there is nobody to ask: give --yes");
    }
    write!(out, "Delete them? [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .context("no answer")?;
    Ok(matches!(answer.trim(), "y" | "yes" | "Y"))
}
