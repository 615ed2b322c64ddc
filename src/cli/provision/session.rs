//! One run against a cluster: its teams, and how a team gets there.

use std::fmt::Display;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use futures_util::stream::{self, StreamExt as _};
use kube::api::DynamicObject;
use tokio::time::{Instant, sleep};

use super::super::Exit;
use super::super::reach::connect;
use super::arguments::{DoingArguments, DryRun, SharedArguments, examined};
use super::bundles;
use super::difference::difference;
use super::issuance::{Course, issue};
use super::progress::Progress;
use crate::cluster::Cluster;
use crate::cluster::apply::{
    Applied, ApplyError, Change, Desired, Effect, Expects, Foreign, ObjectReference, Writer,
};
use crate::cluster::team::{Registered, Rollout, look, registered, rollout};
use crate::config;
use crate::policy::Settings;
use crate::provision::{
    CheckedTeam, MANAGED_BY_LABEL, Plan, Stage, TEAM_LABEL, TeamSpec, check_beside, plan,
};

/// How long the guard may take to learn of a team that was just registered, and of its roles.
const LEARNING: Duration = Duration::from_secs(15);
/// How often Tiller is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Objects of one team that are on their way at once.
const AT_ONCE: usize = 8;
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

/// What was done.
#[derive(Debug, Default)]
struct Done {
    changed: usize,
    all: usize,
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

// === impl Session ===

impl<'a> Session<'a> {
    /// Reaches the cluster and reads which teams there are.
    pub(super) async fn open(
        shared: &'a SharedArguments,
        settings: &'a Settings,
    ) -> anyhow::Result<Result<Self, Exit>> {
        let cluster = match connect(shared.reach.clone()).await? {
            Ok(cluster) => cluster,
            Err(exit) => return Ok(Err(exit)),
        };
        let progress = Progress::new();
        let namespace = &shared.guard_namespace;
        let told = match namespace_is_there(&cluster, namespace).await {
            Ok(true) => registered(&cluster, namespace).await.map_err(Into::into),
            Ok(false) => Err(anyhow!(
                "there is no namespace {namespace} for the teams' registrations: run `tiller-guard install`, or name \
                 another with --guard-namespace"
            )),
            Err(error) => Err(error),
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
                progress.error(format_args!("{error:#}"))?;
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
            format!("there is no team \"{team}\": `tiller-guard provision list` has them all")
        })?;
        let document = found.spec.as_ref().with_context(|| {
            format!("the team \"{team}\" was registered by hand: provision it first")
        })?;
        let specs = config::read_teams(document.as_bytes()).unwrap_or_default();
        let mut spec = specs.into_iter().next().with_context(|| {
            format!("what was asked for the team \"{team}\" cannot be read: provision it again")
        })?;
        spec.guard_namespace
            .clone_from(&self.shared.guard_namespace);
        Ok(spec)
    }

    /// Examines teams beside those that are there.
    pub(super) fn examine(&self, teams: &[CheckedTeam]) -> anyhow::Result<()> {
        let known: Vec<_> = self.registered.iter().map(|it| it.team.clone()).collect();
        check_beside(teams, &known).map_err(|errors| {
            let lines: Vec<_> = errors.iter().map(ToString::to_string).collect();
            anyhow!(lines.join("\nerror: "))
        })?;
        teams
            .iter()
            .try_for_each(|team| self.takes_nothing_away(team))
    }

    /// Whoever leaves somebody or something out has to say so: it takes more than a new plan.
    fn takes_nothing_away(&self, team: &CheckedTeam) -> anyhow::Result<()> {
        let Some(Registered { team: old, .. }) = self.registered(&team.team) else {
            return Ok(());
        };
        let name = &team.team;
        if *old.tiller_namespace != *team.tiller_namespace
            || *old.service_account != *team.service_account
        {
            return Err(anyhow!(
                "the team \"{name}\" has its Tiller in {} as {}: deprovision it before it moves",
                old.tiller_namespace,
                old.service_account
            ));
        }
        let lost = |old: &[Box<str>], new: &[String]| {
            let lost = old.iter().find(|it| new.iter().all(|new| **new != ***it));
            lost.map(ToString::to_string)
        };
        if let Some(namespace) = lost(&old.target_namespaces, &team.target_namespaces) {
            return Err(anyhow!(
                "the team \"{name}\" has the target namespace {namespace} too: name it, or take it away with \
                 `tiller-guard deprovision {name} --target-namespace {namespace}`"
            ));
        }
        for (kind, old, new) in [
            ("user", &old.users, &team.users),
            ("group", &old.groups, &team.groups),
        ] {
            if let Some(person) = lost(old, new) {
                return Err(anyhow!(
                    "the {kind} \"{person}\" has access to the Tiller of the team \"{name}\": name him, or use \
                     `tiller-guard provision revoke {name} --{kind} '{person}'`"
                ));
            }
        }
        Ok(())
    }

    /// One team from its specification, examined.
    pub(super) fn checked(&self, spec: TeamSpec) -> anyhow::Result<CheckedTeam> {
        let mut teams = examined(vec![spec], self.settings)?;
        teams.pop().context("no team")
    }

    /// Makes a team what it is to be.
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
        )
        .await;
        let found = match found {
            Ok(found) => found,
            Err(_) if course == Course::Replace => crate::cluster::team::Found::default(),
            Err(error) => return Err(Failure::cluster(error)),
        };
        let known = self.registered(name);
        let issuance = issue(team, known.map(|it| &it.team), found, course, arguments)
            .map_err(Failure::input)?;
        let plan = plan(
            team,
            &issuance.certificates,
            arguments.ca_dir.is_none(),
            self.settings,
        )
        .map_err(Failure::input)?;
        let writer = self.writer(doing, known.is_some());
        if writer.effect == Effect::Write {
            issuance
                .keep(name, arguments, course)
                .map_err(Failure::input)?;
        }
        self.apply(&plan, team, &writer, doing).await?;
        if writer.effect != Effect::Write {
            return Ok(());
        }
        if let Some(folder) = &arguments.bundle_dir {
            let folders = bundles::write_all(folder, team, &issuance.certificates, arguments.force);
            for folder in folders.map_err(Failure::input)? {
                self.line(name, format_args!("wrote {}", folder.display()))?;
            }
        }
        match &plan.init_line {
            Some(line) => self.line(name, format_args!("then: {line}")),
            None if doing.no_wait => Ok(()),
            None => self.wait(team, doing.timeout()).await,
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
            effect: match doing.dry_run {
                Some(DryRun::Server) => Effect::ServerDryRun,
                Some(DryRun::Client) => Effect::Look,
                None if doing.diff => Effect::Look,
                None => Effect::Write,
            },
            expects: if is_known {
                Expects::Present
            } else {
                Expects::Absent
            },
        }
    }

    async fn apply(
        &self,
        plan: &Plan,
        team: &CheckedTeam,
        writer: &Writer,
        doing: &DoingArguments,
    ) -> Result<(), Failure> {
        let mut done = Done::default();
        for stage in &plan.stages {
            self.progress
                .passing(format_args!("{}: {}", team.team, stage.title));
            self.apply_stage(stage, &team.team, writer, doing, &mut done)
                .await?;
        }
        let Done { changed, all } = done;
        match (writer.effect, changed) {
            (_, 0) => self.line(&team.team, format_args!("nothing to change; {all} objects")),
            (Effect::Write, _) => self.line(
                &team.team,
                format_args!("{changed} of {all} objects changed"),
            ),
            _ => self.line(
                &team.team,
                format_args!("{changed} of {all} objects would change"),
            ),
        }
    }

    /// Applies what does not need one another; where something fails, the rest is still done, and what comes after it
    /// is not.
    async fn apply_stage(
        &self,
        stage: &Stage,
        team: &str,
        writer: &Writer,
        doing: &DoingArguments,
        done: &mut Done,
    ) -> Result<(), Failure> {
        let foreign = |may_be| match may_be && !doing.adopt {
            true => Foreign::Leave,
            false => Foreign::Refuse,
        };
        let desired = stage.objects.iter().map(|planned| Desired {
            object: planned.object.clone(),
            foreign: foreign(planned.may_be_foreign),
        });
        let desired: Vec<_> = desired.collect();
        let mut failed: Option<ApplyError> = None;
        let mut applied = stream::iter(&desired)
            .map(|desired| async move { (apply_patiently(writer, desired).await, desired) })
            .buffered(AT_ONCE);
        while let Some((outcome, desired)) = applied.next().await {
            match outcome {
                Ok(applied) => self.tell(&applied, desired, team, doing, done)?,
                Err(error) => match failed.replace(error) {
                    None => {}
                    Some(earlier) => {
                        self.progress
                            .error(format_args!("{team}: {:#}", anyhow!(earlier)))
                            .ok();
                    }
                },
            }
        }
        failed.map_or(Ok(()), |error| Err(unapplied(error)))
    }

    fn tell(
        &self,
        applied: &Applied,
        desired: &Desired,
        team: &str,
        doing: &DoingArguments,
        done: &mut Done,
    ) -> Result<(), Failure> {
        let Applied { object, change } = applied;
        done.all += 1;
        if change.is_change() {
            done.changed += 1;
        }
        if doing.diff {
            let name = object.to_string();
            if let Some(diff) = difference(&name, change, &desired.object) {
                self.progress
                    .line(diff.trim_end())
                    .map_err(Failure::input)?;
            }
            return Ok(());
        }
        if change.is_change() || *change == Change::Left {
            self.line(team, format_args!("{object} {}", change.as_str()))?;
        }
        Ok(())
    }

    /// Waits until Tiller is up.
    async fn wait(&self, team: &CheckedTeam, limit: Duration) -> Result<(), Failure> {
        let begin = Instant::now();
        let mut hindrance = None;
        let mut told = false;
        while begin.elapsed() < limit {
            let state = rollout(&self.cluster, &team.tiller_namespace).await;
            match state.map_err(Failure::cluster)? {
                Rollout::Done => {
                    return if told {
                        self.line(&team.team, "Tiller is ready")
                    } else {
                        Ok(())
                    };
                }
                Rollout::Absent => {}
                Rollout::Under { reason, .. } => hindrance = reason.or(hindrance),
            }
            if !told {
                self.line(&team.team, "waiting until Tiller is ready")?;
                told = true;
            }
            let seconds = begin.elapsed().as_secs();
            self.progress.passing(format_args!(
                "{}: waiting for Tiller, {seconds} s",
                team.team
            ));
            sleep(LOOK).await;
        }
        let reason = hindrance.map_or_else(String::new, |reason| format!(": {reason}"));
        Err(Failure {
            exit: Exit::TimedOut,
            error: anyhow!(
                "Tiller is not ready after {} s{reason}; see kubectl -n {} describe pods",
                limit.as_secs(),
                team.tiller_namespace
            ),
        })
    }
}

/// The guard learns of a team and its roles a moment after they are made, and until then refuses what needs them.
async fn apply_patiently(writer: &Writer, desired: &Desired) -> Result<Applied, ApplyError> {
    const OF_LEARNING: [&str; 5] = [
        "rights-unknown",
        "binding-scope",
        "account-rights",
        "service-account",
        "team-required",
    ];
    let begin = Instant::now();
    loop {
        match writer.apply(desired).await {
            Err(ApplyError::Forbidden { message, .. })
                if begin.elapsed() < LEARNING
                    && message.contains("tiller-guard.io")
                    && OF_LEARNING.iter().any(|rule| message.contains(rule)) =>
            {
                sleep(LOOK / 4).await;
            }
            done => return done,
        }
    }
}

/// What went wrong, and what to do.
pub(super) fn unapplied(error: ApplyError) -> Failure {
    let next = match &error {
        ApplyError::Forbidden { .. } => "; have an administrator do it, or give you that right",
        ApplyError::Unanswered { .. } => "; run it again, it takes up where it ended",
        ApplyError::Nameless | ApplyError::Foreign { .. } | ApplyError::Rejected { .. } => "",
    };
    let error = anyhow!(error);
    Failure::cluster(anyhow!("{error:#}{next}"))
}

async fn namespace_is_there(cluster: &Cluster, name: &str) -> anyhow::Result<bool> {
    let reference = ObjectReference {
        api_version: "v1".to_owned(),
        kind: "Namespace".to_owned(),
        namespace: None,
        name: name.to_owned(),
    };
    let found: Option<DynamicObject> = reference
        .api(cluster.client())
        .get_opt(name)
        .await
        .with_context(|| format!("cannot get the namespace {name}"))?;
    Ok(found.is_some())
}
