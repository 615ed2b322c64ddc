//! A plan, carried out.

use std::time::Duration;

use anyhow::anyhow;
use futures_util::stream::{self, StreamExt as _};
use tokio::time::{Instant, sleep};

use super::super::Exit;
use super::arguments::DoingArguments;
use super::difference::difference;
use super::session::{Failure, Session};
use crate::cluster::apply::{Applied, ApplyError, Change, Desired, Effect, Foreign, Writer};
use crate::cluster::team::{Rollout, rollout};
use crate::provision::{CheckedTeam, Plan, Stage};

/// How long the guard may take to learn of a team that was just registered, and of its roles.
const LEARNING: Duration = Duration::from_secs(15);
/// How often Tiller is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Objects of one team that are on their way at once.
const AT_ONCE: usize = 8;
/// What was done.
#[derive(Debug, Default)]
struct Done {
    changed: usize,
    all: usize,
}

impl Session<'_> {
    /// Applies a plan, stage by stage.
    pub(super) async fn apply(
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
        let foreign = |may_be| {
            if may_be && !doing.adopt {
                Foreign::Leave
            } else {
                Foreign::Refuse
            }
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
            let tried = doing.tried();
            self.line(team, format_args!("{object} {}{tried}", change.as_str()))?;
        }
        Ok(())
    }

    /// Waits until Tiller is up.
    pub(super) async fn wait(&self, team: &CheckedTeam, limit: Duration) -> Result<(), Failure> {
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
