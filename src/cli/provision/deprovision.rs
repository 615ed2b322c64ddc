//! `tiller-guard deprovision`: a team's Tiller is taken away, and nothing that it released.

use std::io::{self, Write as _};

use anyhow::bail;
use clap::Args;
use serde_json::Value;

use super::super::Exit;
use super::super::confirm::confirmed;
use super::arguments::{CertificateArguments, DoingArguments, SharedArguments};
use super::issuance::{Course, issue};
use super::prepare::Scope;
use super::session::{About, Failure, OWNER, Session, in_cluster};
use crate::cluster::team::{FoundCertificates, Recorded, people, releases};
use crate::policy::Settings;
use crate::provision::{CheckedTeam, Names, TeamSpec, plan, revoked, team_name, withdrawn};

/// Remove a team's Tiller: its Deployment, service account, rights, certificates and team. Namespaces and release
/// records stay
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Name of the team
    #[arg(value_parser = team_name)]
    team: String,

    /// Remove only the rights in this target namespace (repeatable)
    #[arg(long, value_name = "NAMESPACE", value_delimiter = ',')]
    target_namespace: Vec<String>,

    /// Also delete the team's release records; what was released stays, and Helm no longer knows it
    #[arg(long, conflicts_with = "target_namespace")]
    delete_releases: bool,

    /// Do not ask for confirmation
    #[arg(long, short)]
    yes: bool,

    #[command(flatten)]
    shared: SharedArguments,

    #[command(flatten)]
    doing: DoingArguments,
}

/// Takes away.
pub(in crate::cli) fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments {
        team,
        target_namespace,
        delete_releases,
        yes,
        shared,
        doing,
    } = arguments;
    in_cluster(
        &shared,
        doing.effect(),
        About::One(&team),
        async |session| {
            let spec = session.spec(&team)?;
            let old = session.checked(spec.clone())?;
            if target_namespace.is_empty() {
                leave(session, &old, delete_releases, yes, &doing).await
            } else {
                leave_targets(session, spec, &old, &target_namespace, yes, &doing).await
            }
        },
    )
}

/// Takes all of a team away.
async fn leave(
    session: &Session<'_>,
    team: &CheckedTeam,
    delete_releases: bool,
    yes: bool,
    doing: &DoingArguments,
) -> anyhow::Result<Exit> {
    let name = &team.team;
    let leaving = match Leaving::find(session, team, delete_releases).await {
        Ok(leaving) => leaving,
        Err(error) => return session.end(name, Err(error), Exit::Clean),
    };
    let stays = leaving.what_stays(team);
    if !doing.is_trial() {
        let models = match leaving.existing(session, doing).await {
            Ok(models) => models,
            Err(error) => return session.end(name, Err(error), Exit::Clean),
        };
        let owned: Vec<_> = models.iter().copied().cloned().collect();
        if let Err(error) = session.may_write(&[], &owned).await {
            return session.end(name, Err(Failure::cluster(error)), Exit::Clean);
        }
        if !yes && !agreed(&models, stays.as_deref())? {
            return Ok(Exit::Findings);
        }
    }
    let mut done = leaving.delete(session, name, doing).await;
    if done.is_ok() {
        let told = stays.map(|it| session.line(name, it)).transpose();
        done = told.and_then(|_| tell_what_stays(session, team));
    }
    session.end(name, done, Exit::Clean)
}

fn tell_what_stays(session: &Session<'_>, team: &CheckedTeam) -> Result<(), Failure> {
    let (name, tiller) = (&team.team, &team.tiller_namespace);
    let targets = team.target_namespaces.iter().map(String::as_str);
    let mut stay: Vec<_> = [tiller.as_str()].into_iter().chain(targets).collect();
    let last = stay.pop().unwrap_or_default();
    if !team.with_tiller {
        session.line(
            name,
            format_args!(
                "then: kubectl -n {tiller} delete deployment,service {}",
                Names::TILLER
            ),
        )?;
    }
    session.line(
        name,
        format_args!("the namespaces {} and {last} stay", stay.join(", ")),
    )
}

/// All that is to go.
struct Leaving {
    /// Tiller first, then what it needs, its rights before its account.
    own: Vec<Value>,
    /// The records of releases, where they are to go too.
    releases: Vec<Value>,
    /// How many releases stay recorded, by how many records.
    stay: Option<(usize, usize)>,
    /// What a run that was killed is found again by.
    registration: Vec<Value>,
}

// === impl Leaving ===

impl Leaving {
    /// How many releases stay recorded, and where.
    fn what_stays(&self, team: &CheckedTeam) -> Option<String> {
        let (releases, records) = self.stay?;
        let tiller = &team.tiller_namespace;
        let plural = |number: usize| if number == 1 { "" } else { "s" };
        Some(format!(
            "{releases} release{} stay{} recorded, in {records} Secret{} of {tiller}: tiller-guard releases list -n {tiller}",
            plural(releases),
            if releases == 1 { "s" } else { "" },
            plural(records)
        ))
    }

    async fn find(
        session: &Session<'_>,
        team: &CheckedTeam,
        delete_releases: bool,
    ) -> Result<Self, Failure> {
        let mut gone = people(&session.stock, &team.team);
        gone.retain(|person| !team.people().contains(person));
        let planned = planned(team, session.settings, &session.shared.certificates)
            .map_err(Failure::input)?;
        let (registration, mut own): (Vec<_>, Vec<_>) = planned
            .into_iter()
            .rev()
            .partition(|model| model.get("kind").is_some_and(|kind| kind == "ConfigMap"));
        own.extend(revoked(team, &gone));
        let recorded = releases(&session.cluster, &team.tiller_namespace).await;
        let Recorded { names, records } = recorded.map_err(Failure::cluster)?;
        Ok(Self {
            own,
            stay: (!delete_releases && !records.is_empty()).then_some((names.len(), records.len())),
            releases: if delete_releases { records } else { Vec::new() },
            registration,
        })
    }

    async fn existing(
        &self,
        session: &Session<'_>,
        doing: &DoingArguments,
    ) -> Result<Vec<&Value>, Failure> {
        let Self {
            own,
            releases,
            stay: _,
            registration,
        } = self;
        let mut existing = session.existing(own, OWNER, doing).await?;
        existing.extend(releases);
        existing.extend(session.existing(registration, OWNER, doing).await?);
        Ok(existing)
    }

    async fn delete(
        &self,
        session: &Session<'_>,
        team: &str,
        doing: &DoingArguments,
    ) -> Result<(), Failure> {
        let Self {
            own,
            releases,
            stay: _,
            registration,
        } = self;
        let what = "objects are deleted; the team's ConfigMap goes last";
        session.steps.begin(team, what);
        session.delete(team, own, OWNER, doing).await?;
        // Tiller labels its records as its own.
        session.delete(team, releases, &[], doing).await?;
        session.delete(team, registration, OWNER, doing).await?;
        session.steps.end(team);
        Ok(())
    }
}

/// What a team's plan is made of, but for its namespaces. Only names and labels of it matter.
pub(super) fn planned(
    team: &CheckedTeam,
    settings: &Settings,
    arguments: &CertificateArguments,
) -> anyhow::Result<Vec<Value>> {
    let issuance = issue(
        team,
        None,
        FoundCertificates::default(),
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
            bail!("{namespace} is not a target namespace of the team \"{name}\"");
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
    let prepared = session.prepare(&new, (Course::Keep, Scope::Change), doing);
    let prepared = match prepared.await {
        Ok(prepared) => prepared,
        Err(error) => return session.end(&name, Err(error), Exit::Clean),
    };
    if !doing.is_trial() {
        let existing = match session.existing(&models, OWNER, doing).await {
            Ok(existing) => existing,
            Err(error) => return session.end(&name, Err(error), Exit::Clean),
        };
        let owned: Vec<_> = existing.iter().copied().cloned().collect();
        if let Err(error) = session.may_carry_out(&prepared, &owned, doing).await {
            return session.end(&name, Err(error), Exit::Clean);
        }
        if !yes && !agreed(&existing, None)? {
            return Ok(Exit::Findings);
        }
    }
    let what = "rights in target namespaces are deleted; the team's ConfigMap still names them";
    session.steps.begin(&name, what);
    let done = match session.delete(&name, &models, OWNER, doing).await {
        Ok(()) => session.carry_out(&prepared, &[], doing).await,
        failed => failed,
    };
    session.end(&name, done, Exit::Clean)
}

/// Shows what will go and asks.
fn agreed(models: &[&Value], stays: Option<&str>) -> anyhow::Result<bool> {
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
    if let Some(stays) = stays {
        writeln!(out, "{stays}")?;
    }
    drop(out);
    confirmed("Delete them?", "Nothing was deleted.")
}
