//! One run against a cluster: its teams, and how a team gets there.

use std::collections::BTreeSet;
use std::fmt::Display;

use anyhow::{Context as _, bail};
use serde_json::Value;
use tokio::sync::OnceCell;

use super::super::Exit;
use super::super::interrupt::Steps;
use super::super::reach::{connect_patiently, on_runtime};
use super::arguments::{DoingArguments, SharedArguments, examined};
use super::bundles::is_writable;
use super::progress::Progress;
use crate::cluster::Cluster;
use crate::cluster::apply::{Effect, Expects, Writer};
use crate::cluster::served::{Served, versions};
use crate::cluster::team::{
    LookError, Registered, Stock, is_leaving, namespace as find_namespace, registered,
    registered_in,
};
use crate::cluster::told::chain;
use crate::config;
use crate::policy::Settings;
use crate::provision::{CheckedTeam, MANAGED_BY_LABEL, TEAM_LABEL, TeamSpec};

/// The labels that make an object a team's.
pub(super) const OWNER: &[&str] = &[MANAGED_BY_LABEL, TEAM_LABEL];

/// So many teams are named where another was asked for.
const FEW: usize = 10;

/// A cluster, and what was asked for.
pub(super) struct Session<'a> {
    pub(super) cluster: Cluster,
    pub(super) shared: &'a SharedArguments,
    pub(super) settings: &'a Settings,
    pub(super) registered: Vec<Registered>,
    /// What is known of the teams' objects.
    pub(super) stock: Stock,
    pub(super) progress: Progress,
    /// What Ctrl-C leaves half done of each team.
    pub(super) steps: Steps,
    /// Whether the guard's namespace is being deleted.
    pub(super) guard_leaves: bool,
    /// The versions of groups that are served, if that was asked and answered.
    versions: OnceCell<Option<BTreeSet<String>>>,
}

/// Which teams a run is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About<'a> {
    /// One.
    One(&'a str),
    /// Many, with all that they need.
    Many,
    /// The certificates of many.
    Certificates,
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
    about: About<'_>,
    act: impl AsyncFnOnce(&Session<'_>) -> anyhow::Result<Exit>,
) -> anyhow::Result<Exit> {
    in_cluster_by(&shared.settings()?, shared, effect, about, act)
}

/// The same with settings that are known already.
pub(super) fn in_cluster_by(
    settings: &Settings,
    shared: &SharedArguments,
    effect: Effect,
    about: About<'_>,
    act: impl AsyncFnOnce(&Session<'_>) -> anyhow::Result<Exit>,
) -> anyhow::Result<Exit> {
    if let Some(folder) = &shared.certificates.bundle_dir
        && effect == Effect::Write
    {
        is_writable(folder)?;
    }
    on_runtime(async {
        match Session::open(shared, settings, effect, about).await? {
            Ok(session) => act(&session).await,
            Err(exit) => Ok(exit),
        }
    })
}

/// The registered teams, and what is known of their objects.
async fn known(
    cluster: &Cluster,
    namespace: &str,
    about: About<'_>,
) -> Result<(Vec<Registered>, Stock), LookError> {
    let team = match about {
        About::One(team) => Some(team),
        About::Certificates | About::Many => None,
    };
    let stock = Stock::of_secrets(cluster, namespace, team);
    tokio::try_join!(registered(cluster, namespace), stock)
}

/// The same for many teams, in the lists that they need anyway. None if the current user may not list them, or there is no such
/// namespace.
async fn known_of_many(cluster: &Cluster, namespace: &str) -> Option<KnownTeams> {
    let stock = Stock::of_many(cluster, namespace).await.ok()?;
    let leaves = is_leaving(stock.namespace(namespace)??);
    Some(KnownTeams {
        registered: registered_in(&stock),
        stock,
        guard_leaves: leaves,
    })
}

/// The registered teams, and what is known of their objects.
struct KnownTeams {
    registered: Vec<Registered>,
    stock: Stock,
    guard_leaves: bool,
}

// === impl Session ===

impl<'a> Session<'a> {
    /// Reaches the cluster, which has to be one where this can be done, and reads which teams there are.
    async fn open(
        shared: &'a SharedArguments,
        settings: &'a Settings,
        effect: Effect,
        about: About<'_>,
    ) -> anyhow::Result<Result<Self, Exit>> {
        let cluster = match connect_patiently(shared.place.reach.clone()).await? {
            Ok(cluster) => cluster,
            Err(exit) => return Ok(Err(exit)),
        };
        let progress = Progress::new();
        if let Err(error) = effect.check(&cluster) {
            progress.error(error)?;
            return Ok(Err(Exit::Failed));
        }
        let steps = Steps::of(effect);
        let namespace = &shared.place.guard_namespace;
        let of_many = match about {
            About::Many => known_of_many(&cluster, namespace).await,
            About::One(_) | About::Certificates => None,
        };
        let told = match of_many {
            Some(known) => Ok(known),
            None => Self::known(&cluster, namespace, about).await,
        };
        match told {
            Ok(KnownTeams {
                registered,
                stock,
                guard_leaves,
            }) => Ok(Ok(Self {
                cluster,
                shared,
                settings,
                registered,
                stock,
                progress,
                steps,
                guard_leaves,
                versions: OnceCell::new(),
            })),
            Err(error) => {
                progress.error(format_args!("{}", chain(error.as_ref())))?;
                Ok(Err(Exit::Unreachable))
            }
        }
    }

    /// The registered teams and what is known of them, if the namespace that holds them is there.
    async fn known(
        cluster: &Cluster,
        namespace: &str,
        about: About<'_>,
    ) -> anyhow::Result<KnownTeams> {
        let found = find_namespace(cluster, namespace).await?;
        let Some(found) = found else {
            bail!(
                "namespace {namespace}, which holds the teams, does not exist: run `tiller-guard install`, or name another with \
                 --guard-namespace"
            )
        };
        let (registered, stock) = known(cluster, namespace, about).await?;
        Ok(KnownTeams {
            registered,
            stock,
            guard_leaves: is_leaving(&found),
        })
    }

    /// What the API server serves of the kinds of these objects: one request for all teams, and none where there are no objects.
    pub(super) async fn served(&self, objects: &[&Value]) -> Served {
        if objects.is_empty() {
            return Served::default();
        }
        let versions = self.versions.get_or_init(|| versions(&self.cluster)).await;
        let known = versions.as_ref();
        known.map_or_else(Served::default, |it| {
            Served::among(it, objects.iter().copied())
        })
    }

    /// A registered team.
    pub(super) fn registered(&self, team: &str) -> Option<&Registered> {
        self.registered.iter().find(|it| *it.team.name == *team)
    }

    /// That there is no such team, and which there are.
    pub(super) fn no_team(&self, team: &str) -> String {
        let names: Vec<_> = self.registered.iter().map(|it| &*it.team.name).collect();
        let which = match names[..] {
            [] => "there are no teams yet".to_owned(),
            _ if names.len() <= FEW => format!("the teams are {}", names.join(", ")),
            _ => "`tiller-guard provision list` lists all teams".to_owned(),
        };
        format!("there is no team \"{}\": {which}", team.escape_debug())
    }

    /// The teams that `provision` has made.
    pub(super) fn provisioned(&self) -> Vec<String> {
        let ours = self
            .registered
            .iter()
            .filter(|it| it.is_ours && it.spec.is_some());
        ours.map(|it| it.team.name.to_string()).collect()
    }

    /// A registered team with all that was asked for it.
    pub(super) fn spec(&self, team: &str) -> anyhow::Result<TeamSpec> {
        let found = self.registered(team).with_context(|| self.no_team(team))?;
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
