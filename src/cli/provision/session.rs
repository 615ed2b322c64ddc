//! One run against a cluster: its teams, and how a team gets there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use anyhow::{Context as _, anyhow};

use super::super::Exit;
use super::super::reach::{connect_patiently, on_runtime};
use super::adoption::Adoption;
use super::apply::Making;
use super::arguments::{DoingArguments, SharedArguments, examined};
use super::bundles;
use super::issuance::{Course, issue};
use super::progress::Progress;
use crate::cluster::Cluster;
use crate::cluster::apply::{Effect, Expects, Writer};
use crate::cluster::team::{
    Found, Hidden, LookError, Registered, has_namespace, hidden_releases, look, registered,
};
use crate::cluster::told::chain;
use crate::config;
use crate::pki::team::{Certificates, Fingerprint};
use crate::policy::Settings;
use crate::provision::{CheckedTeam, MANAGED_BY_LABEL, Names, Person, TEAM_LABEL, TeamSpec, plan};

/// The labels that make an object a team's.
pub(super) const OWNER: &[&str] = &[MANAGED_BY_LABEL, TEAM_LABEL];

/// A cluster, and what was asked for.
pub(super) struct Session<'a> {
    pub(super) cluster: Cluster,
    pub(super) shared: &'a SharedArguments,
    pub(super) settings: &'a Settings,
    pub(super) registered: Vec<Registered>,
    pub(super) progress: Progress,
}

/// Something went wrong with a team.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    pub(super) error: anyhow::Error,
}

// === impl Failure ===

impl Failure {
    /// What was asked for cannot be.
    pub(super) fn input(error: impl Into<anyhow::Error>) -> Self {
        let error = error.into();
        Self {
            exit: Exit::Failed,
            error,
        }
    }

    /// The cluster did not do it.
    pub(super) fn cluster(error: impl Into<anyhow::Error>) -> Self {
        let error = error.into();
        Self {
            exit: Exit::Unreachable,
            error,
        }
    }
}

/// Does something with the teams of a cluster; where it cannot be reached, says so and gives the exit code for that.
pub(super) fn in_cluster(
    shared: &SharedArguments,
    effect: Effect,
    act: impl AsyncFnOnce(&Session<'_>) -> anyhow::Result<Exit>,
) -> anyhow::Result<Exit> {
    in_cluster_by(&shared.settings()?, shared, effect, act)
}

/// The same with settings that are known already.
pub(super) fn in_cluster_by(
    settings: &Settings,
    shared: &SharedArguments,
    effect: Effect,
    act: impl AsyncFnOnce(&Session<'_>) -> anyhow::Result<Exit>,
) -> anyhow::Result<Exit> {
    on_runtime(async {
        match Session::open(shared, settings, effect).await? {
            Ok(session) => act(&session).await,
            Err(exit) => Ok(exit),
        }
    })
}

// === impl Session ===

impl<'a> Session<'a> {
    /// Reaches the cluster, which has to be one where this can be done, and reads which teams there are.
    async fn open(
        shared: &'a SharedArguments,
        settings: &'a Settings,
        effect: Effect,
    ) -> anyhow::Result<Result<Self, Exit>> {
        let cluster = match connect_patiently(shared.place.reach.clone()).await? {
            Ok(cluster) => cluster,
            Err(exit) => return Ok(Err(exit)),
        };
        let progress = Progress::new();
        if let Err(error) = effect.check(&cluster) {
            progress.error(error)?;
            return Ok(Err(Exit::Unreachable));
        }
        let namespace = &shared.place.guard_namespace;
        let told = match has_namespace(&cluster, namespace).await {
            Ok(true) => registered(&cluster, namespace).await.map_err(Into::into),
            Ok(false) => Err(anyhow!(
                "namespace {namespace}, which holds the teams, does not exist: run `tiller-guard install`, or name \
                 another with --guard-namespace"
            )),
            Err(error) => Err(error.into()),
        };
        match told {
            Ok(registered) => Ok(Ok(Self {
                cluster,
                shared,
                settings,
                registered,
                progress,
            })),
            Err(error) => {
                progress.error(format_args!("{}", chain(error.as_ref())))?;
                Ok(Err(Exit::Unreachable))
            }
        }
    }

    /// A registered team.
    pub(super) fn registered(&self, team: &str) -> Option<&Registered> {
        self.registered.iter().find(|it| *it.team.name == *team)
    }

    /// A registered team with all that was asked for it.
    pub(super) fn spec(&self, team: &str) -> anyhow::Result<TeamSpec> {
        let found = self.registered(team).with_context(|| {
            format!("there is no team \"{team}\": `tiller-guard provision list` lists all teams")
        })?;
        let document = found.spec.as_ref().with_context(|| {
            format!("the team \"{team}\" was not made by provision: provision it first")
        })?;
        let specs = config::read_teams(document.as_bytes()).unwrap_or_default();
        let mut spec = specs.into_iter().next().with_context(|| {
            format!("the stored settings of the team \"{team}\" cannot be read: provision it again")
        })?;
        spec.guard_namespace
            .clone_from(&self.shared.place.guard_namespace);
        Ok(spec)
    }

    /// One team from its specification, examined.
    pub(super) fn checked(&self, spec: TeamSpec) -> anyhow::Result<CheckedTeam> {
        let mut teams = examined(vec![spec], self.settings)?;
        teams.pop().context("no team")
    }

    /// Brings a team to its desired state.
    pub(super) async fn make(
        &self,
        team: &CheckedTeam,
        course: Course,
        doing: &DoingArguments,
    ) -> Result<(), Failure> {
        let arguments = &self.shared.certificates;
        let secret = &self.settings.certificate_secret;
        let name = &team.team;
        self.progress.passing(format_args!("{name}: looking"));
        let found = look(
            &self.cluster,
            name,
            &team.guard_namespace,
            &team.tiller_namespace,
            secret,
        );
        let (moves, found) = tokio::join!(self.hidden_records(team, doing.adopt), found);
        let moves = moves?;
        let found = match found {
            Ok(found) => found,
            // Another CA takes the place of one that cannot be read.
            Err(LookError::Authority { .. }) if course == Course::Replace => Found::default(),
            Err(error) => return Err(Failure::cluster(error)),
        };
        let known = self.registered(name);
        let handed_out: BTreeSet<_> = found
            .bundles
            .iter()
            .map(|it| it.issued.certificate.fingerprint())
            .collect();
        let served = found.server.as_ref().map(|it| it.certificate.fingerprint());
        let issuance = issue(team, known.map(|it| &it.team), found, course, arguments)
            .map_err(Failure::input)?;
        let plan = plan(
            team,
            &issuance.certificates,
            arguments.ca_dir.is_none(),
            self.settings,
        )
        .map_err(Failure::input)?
        .for_kubernetes(self.cluster.version().known_minor());
        let writer = self.writer(doing, known.is_some());
        if writer.effect == Effect::Write {
            issuance
                .keep(name, arguments, course)
                .map_err(Failure::input)?;
        }
        let making = Making {
            session: self,
            team,
            doing,
            writer,
            new_bundles: new_bundles(team, &issuance.certificates, &handed_out),
        };
        let adoption = Adoption::new(self, team, doing);
        if moves {
            adoption.begin().await?;
        }
        making.apply(&plan).await?;
        if making.writer.effect != Effect::Write {
            return Ok(());
        }
        if let Some(folder) = &arguments.bundle_dir {
            let folders = bundles::write_all(folder, team, &issuance.certificates, arguments.force);
            for folder in folders.map_err(Failure::input)? {
                self.line(name, format_args!("wrote {}", folder.display()))?;
            }
        }
        let is_served = served == Some(issuance.certificates.server.certificate.fingerprint());
        match &plan.init_line {
            Some(_) if served.is_some() && is_served && course == Course::Keep => Ok(()),
            // Tiller reads its certificates at its start alone.
            Some(_) if served.is_some() => self.line(
                name,
                format_args!(
                    "then: kubectl -n {} rollout restart deployment {}",
                    team.tiller_namespace,
                    Names::TILLER
                ),
            ),
            Some(line) => self.line(name, format_args!("then: {line}")),
            None if doing.no_wait && moves => self.line(
                name,
                format_args!(
                    "then, once Tiller is ready, to delete the old records: tiller-guard releases move --to secrets -n {}",
                    team.tiller_namespace
                ),
            ),
            None if doing.no_wait => Ok(()),
            None => {
                self.wait(team, doing.timeout()).await?;
                if doing.adopt {
                    adoption.finish().await?;
                }
                Ok(())
            }
        }
    }

    /// Whether release records must move before anything else is written. Fails if Tiller would not see existing releases and
    /// `--adopt` is not given.
    async fn hidden_records(&self, team: &CheckedTeam, adopt: bool) -> Result<bool, Failure> {
        let namespace = &team.tiller_namespace;
        let hidden = hidden_releases(&self.cluster, namespace).await;
        match hidden.map_err(Failure::cluster)? {
            None => Ok(false),
            Some(Hidden::ConfigMaps(_)) if adopt && team.with_tiller => Ok(true),
            Some(Hidden::ConfigMaps(records)) => Err(Failure::input(anyhow!(
                "storage-switch: {namespace} has {records} release record{} in ConfigMaps, and this Tiller keeps its \
                 own in Secrets: it would not see them. Run: tiller-guard releases move --to secrets -n {namespace}; then \
                 run this again{}",
                if records == 1 { "" } else { "s" },
                if team.with_tiller {
                    ", or pass --adopt, which moves them too"
                } else {
                    ""
                }
            ))),
            Some(Hidden::Database) => Err(Failure::input(anyhow!(
                "storage-switch: the Tiller in {namespace} keeps its releases in a database, and this one keeps them in \
                 Secrets: it would not see them. Provision the team with another Tiller namespace"
            ))),
        }
    }

    /// Tells what went wrong with a team, if something did; the exit code so far, or that of what went wrong.
    pub(super) fn end(
        &self,
        team: &str,
        made: Result<(), Failure>,
        exit: Exit,
    ) -> anyhow::Result<Exit> {
        match made {
            Ok(()) => Ok(exit),
            Err(Failure { exit, error }) => {
                self.progress
                    .error(format_args!("{team}: {}", chain(error.as_ref())))?;
                Ok(exit)
            }
        }
    }

    pub(super) fn line(&self, team: &str, text: impl Display) -> Result<(), Failure> {
        let line = self.progress.line(format_args!("{team}: {text}"));
        line.map_err(Failure::input)
    }

    pub(super) fn writer(&self, doing: &DoingArguments, is_known: bool) -> Writer {
        Writer {
            cluster: self.cluster.clone(),
            owner: OWNER,
            adopt: doing.adopt,
            effect: doing.effect(),
            expects: if is_known {
                Expects::Present
            } else {
                Expects::Absent
            },
        }
    }
}

/// Those whose certificate is another than was handed out, by the names of their bundles.
fn new_bundles(
    team: &CheckedTeam,
    certificates: &Certificates,
    handed_out: &BTreeSet<Fingerprint>,
) -> BTreeMap<String, Person> {
    let names = Names { team: &team.team };
    let new = team.people().iter().filter(|person| {
        let issued = certificates.clients.get(&person.holder());
        issued.is_some_and(|it| !handed_out.contains(&it.certificate.fingerprint()))
    });
    new.map(|person| (names.bundle(person), person.clone()))
        .collect()
}
