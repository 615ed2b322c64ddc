//! A plan, carried out.

use std::fmt::Display;
use std::time::Duration;

use anyhow::anyhow;
use futures_util::stream::{self, StreamExt as _};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::super::Exit;
use super::arguments::DoingArguments;
use super::difference::difference;
use super::issuance::Course;
use super::prepare::{Prepared, desired};
use super::session::{Failure, Session};
use crate::cluster::apply::{Applied, ApplyError, Change, Desired, Effect, Seen, Writer};
use crate::cluster::team::{Rollout, rollout};
use crate::cluster::told::chain;
use crate::provision::{CheckedTeam, Stage, quoted};

/// How long the guard may take to learn of a team that was just registered, and of its roles.
const LEARNING: Duration = Duration::from_secs(15);
/// How often Tiller is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Objects of one team that are on their way at once.
const AT_ONCE: usize = 8;

/// A team on its way to its plan.
pub(super) struct Making<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) prepared: &'a Prepared<'a>,
    pub(super) doing: &'a DoingArguments,
    pub(super) writer: Writer,
}

/// What was done.
#[derive(Debug, Default)]
struct Done {
    changed: usize,
    all: usize,
}

// === impl Making ===

impl Making<'_> {
    /// Applies the plan, stage by stage.
    pub(super) async fn apply(&self) -> Result<(), Failure> {
        let Self {
            session, prepared, ..
        } = self;
        let mut done = Done::default();
        for (number, stage) in (1..).zip(&prepared.plan.stages) {
            session
                .steps
                .begin(&prepared.team.team, self.step(number, stage));
            session
                .progress
                .passing(format_args!("{}: {}", prepared.team.team, stage.title));
            self.apply_stage(stage, &mut done).await?;
        }
        let Done { changed, all } = done;
        match (self.writer.effect, changed) {
            (_, 0) => self.line(format_args!("nothing to change; {all} objects")),
            (Effect::Write, _) => self.line(format_args!("{changed} of {all} objects changed")),
            _ => self.line(format_args!("{changed} of {all} objects would change")),
        }
    }

    /// What is half done if Ctrl-C ends this stage.
    fn step(&self, number: usize, stage: &Stage) -> String {
        let Prepared { plan, course, .. } = self.prepared;
        let still = match course {
            Course::Replace | Course::ReplaceOnce | Course::Complete => {
                "; until Tiller restarts, it accepts the old bundles"
            }
            Course::Keep | Course::Rotate | Course::Finish => "",
        };
        let (title, all) = (stage.title, plan.stages.len());
        format!("{title} (step {number} of {all}){still}")
    }

    /// Applies what does not need one another; where something fails, the rest is still done, and what comes after it
    /// is not.
    async fn apply_stage(&self, stage: &Stage, done: &mut Done) -> Result<(), Failure> {
        let Prepared { team, looked, .. } = self.prepared;
        let planned = stage.objects.iter();
        let desired = planned.map(|it| (desired(it, self.doing.adopt), looked.seen(&it.object)));
        let desired: Vec<_> = desired.collect();
        let mut failed: Option<ApplyError> = None;
        let mut applied = stream::iter(&desired)
            .map(|(desired, seen)| async move {
                let applied = apply_patiently(&self.writer, desired, seen.clone()).await;
                (applied, desired)
            })
            .buffered(AT_ONCE);
        while let Some((outcome, desired)) = applied.next().await {
            match outcome {
                Ok(applied) => self.tell(&applied, desired, done)?,
                Err(error) => {
                    if let Some(earlier) = failed.replace(error) {
                        let told = format_args!("{}: {}", team.team, chain(&earlier));
                        self.session.progress.error(told).map_err(Failure::input)?;
                    }
                }
            }
        }
        failed.map_or(Ok(()), |error| Err(unapplied(error)))
    }

    fn tell(&self, applied: &Applied, desired: &Desired, done: &mut Done) -> Result<(), Failure> {
        let Applied { object, change } = applied;
        done.all += 1;
        if change.is_change() {
            done.changed += 1;
        }
        if self.doing.diff {
            let diff = difference(&object.to_string(), change, &desired.object);
            let told = diff.map(|diff| self.session.progress.line(diff.trim_end()));
            return told.transpose().map(drop).map_err(Failure::input);
        }
        if change.is_change() || *change == Change::Left {
            let tried = self.doing.tried();
            self.line(format_args!("{object} {}{tried}", change.as_str()))?;
        }
        let news = self.prepared.new_bundles.get(&object.name);
        match news.filter(|_| object.kind == "Secret" && self.writer.effect == Effect::Write) {
            Some(person) => self.line(format_args!(
                "new bundle for the {person}: tiller-guard configure --team {} --{} {}",
                self.prepared.team.team,
                person.kind.as_str(),
                quoted(&person.name)
            )),
            None => Ok(()),
        }
    }

    fn line(&self, text: impl Display) -> Result<(), Failure> {
        self.session.line(&self.prepared.team.team, text)
    }
}

impl Session<'_> {
    /// Those of objects to be removed that are there.
    pub(super) async fn existing<'m>(
        &self,
        models: &'m [Value],
        owner: &'static [&'static str],
        doing: &DoingArguments,
    ) -> Result<Vec<&'m Value>, Failure> {
        let writer = Writer {
            owner,
            effect: Effect::Look,
            ..self.writer(doing, true)
        };
        let writer = &writer;
        let looked: Vec<_> = stream::iter(models)
            .map(|model| async move { (writer.delete(model).await, model) })
            .buffered(AT_ONCE)
            .collect()
            .await;
        let mut existing = Vec::new();
        for (looked, model) in looked {
            if looked.map_err(unapplied)?.change == Change::Deleted {
                existing.push(model);
            }
        }
        Ok(existing)
    }

    /// Removes objects, one after another; those that lack the owner's labels are not ours to remove.
    pub(super) async fn delete(
        &self,
        team: &str,
        models: &[Value],
        owner: &'static [&'static str],
        doing: &DoingArguments,
    ) -> Result<(), Failure> {
        let writer = Writer {
            owner,
            ..self.writer(doing, true)
        };
        for model in models {
            let Applied { object, change } = writer.delete(model).await.map_err(unapplied)?;
            if change == Change::Deleted {
                let (done, tried) = (change.as_str(), doing.tried());
                self.line(team, format_args!("{object} {done}{tried}"))?;
            }
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

/// Whether one of these rules refuses what it lets in once the guard has learned of the team and its roles, and of the records
/// that were just moved. Before Kubernetes
/// 1.14 a mutating webhook's refusal comes without its rules, and may be of any.
fn may_be_learning(rules: &[String]) -> bool {
    const OF_LEARNING: [&str; 8] = [
        "rights-unknown",
        "binding-scope",
        "account-rights",
        "service-account",
        "team-required",
        "certificate-authority",
        "trusted-authority",
        "storage-switch",
    ];
    rules.is_empty()
        || rules
            .iter()
            .any(|rule| OF_LEARNING.contains(&rule.as_str()))
}

/// The guard learns of a team and its roles a moment after they are made, and until then refuses what needs them.
async fn apply_patiently(
    writer: &Writer,
    desired: &Desired,
    seen: Seen,
) -> Result<Applied, ApplyError> {
    let begin = Instant::now();
    let mut seen = Some(seen);
    loop {
        let seen = seen.take().unwrap_or(Seen::Unknown);
        match writer.apply_over(desired, seen).await {
            Err(ApplyError::Forbidden {
                message, causes, ..
            }) if begin.elapsed() < LEARNING
                && message.contains("tiller-guard.io")
                && may_be_learning(&causes) =>
            {
                // A dry run registers no team and moves no record, so that the guard learns of none.
                if writer.effect == Effect::ServerDryRun {
                    return looking(writer).apply(desired).await;
                }
                sleep(LOOK / 4).await;
            }
            done => return done,
        }
    }
}

fn looking(writer: &Writer) -> Writer {
    Writer {
        effect: Effect::Look,
        ..writer.clone()
    }
}

/// What went wrong, and what to do.
fn unapplied(error: ApplyError) -> Failure {
    let next = match &error {
        ApplyError::Forbidden { causes, .. }
            if causes.iter().any(|it| it == "certificate-secret") =>
        {
            "; ask an administrator to do it, or to add you to `administrators` in the policy file and to install it with \
             --policy FILE"
        }
        ApplyError::Forbidden { .. } => {
            "; ask an administrator to do it, or to give you that right"
        }
        ApplyError::Unanswered { .. } if error.is_silent_guard() => {
            "; tiller-guard does not answer: run tiller-guard doctor, which says why; then run this again: it does the rest"
        }
        ApplyError::Unanswered { .. } => "; run it again: it does the rest",
        ApplyError::NoDryRun(_)
        | ApplyError::Nameless
        | ApplyError::Foreign { .. }
        | ApplyError::NotOurs { .. }
        | ApplyError::Fixed { .. }
        | ApplyError::Rejected { .. } => "",
    };
    let error = anyhow!(error);
    Failure::cluster(anyhow!("{}{next}", chain(error.as_ref())))
}
