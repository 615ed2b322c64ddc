//! Releases migrated to Helm 3, one after the other: each is read back before its records of Helm 2 are set aside.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use tokio::sync::mpsc;

use super::gather::{Group, Place, Recorded};
use super::halt::Halt;
use super::list::check_namespace;
use super::lock::{self, alone};
use super::moved::MoveError;
use super::outcome::{Effect, MigrateError, Outcome, State, Summary, Tillers, outcome};
use super::restore::{each, released_to};
use super::target::{Targets, lacking, revision_in};
use super::work::Work;
use crate::cluster::Cluster;
use crate::gather::Gather as _;
use crate::releases::aside::{Direction, original_name};
use crate::releases::{Migration, OWNER, Prepared, Record, Storage};

/// Releases that are on their way at once.
const AT_ONCE: usize = 8;

/// The releases to migrate.
#[derive(Debug, Clone)]
pub struct Migrate {
    /// Tiller's namespace.
    pub namespace: String,
    /// These releases; all of them where none is named.
    pub releases: Vec<String>,
    /// How.
    pub migration: Migration,
    /// Whether Tiller goes on seeing the releases.
    pub keep: bool,
    /// Whether Tiller is stopped, where it runs; it is started again if it has releases left.
    pub stops_tiller: bool,
    /// How long Tiller may take to stop.
    pub timeout: Duration,
    /// What is written.
    pub effect: Effect,
    /// Called with a sentence to print if this run waits for another run on the same releases.
    pub waits: fn(&str),
}

impl Migrate {
    /// Migrates, and reports each release when it is done.
    pub async fn run(
        &self,
        cluster: &Cluster,
        tell: impl FnMut(Outcome),
    ) -> Result<Summary, MigrateError> {
        let work = Box::pin(self.work(cluster, tell));
        if self.effect != Effect::Write {
            return work.await;
        }
        let tillers = format!("{}={}", OWNER.0, OWNER.1);
        alone(
            (cluster, &self.namespace),
            ("releases migrate", self.waits),
            &tillers,
            work,
        )
        .await
    }

    async fn work(
        &self,
        cluster: &Cluster,
        mut tell: impl FnMut(Outcome),
    ) -> Result<Summary, MigrateError> {
        let place = Place {
            cluster,
            namespace: &self.namespace,
        };
        let mut recorded = place.recorded(Direction::Back).await?;
        let (aside, taken) = place.set_aside().await?;
        if recorded.is_empty() && aside.is_empty() {
            check_namespace(cluster, &self.namespace).await?;
        }
        let lacking = self.lacking(cluster, &recorded).await;
        if !lacking.is_empty() && self.effect == Effect::Write {
            return Err(MoveError::Lacking(lacking).into());
        }
        let mut tillers = Tillers::None;
        if recorded.keys().any(|it| self.is_wanted(it)) {
            let (quiet, has_waited) = self.quieten(cluster).await?;
            tillers = quiet;
            if has_waited {
                // Until it stopped, Tiller may have written.
                recorded = place.recorded(Direction::Back).await?;
            }
        }
        let work = Work {
            plan: self,
            place,
            targets: Targets::new(cluster),
            aside,
            taken,
            misspelt: place.misspelt().await?,
            lacking,
        };
        work.tell_others(&recorded, &mut tell).await?;
        let mut migrated = Vec::new();
        work.migrate(&recorded, |outcome| {
            if matches!(outcome.state, State::Migrated { .. }) {
                migrated.push(outcome.release.clone());
            }
            tell(outcome);
        })
        .await?;
        if self.effect == Effect::Write {
            recorded = work.look_back(&migrated, &mut tell).await?;
        }
        let tillers = self.settle(cluster, tillers, &recorded).await?;
        let left = recorded.len();
        Ok(Summary { left, tillers })
    }

    /// Starts Tiller again if it has releases left, and this run or an earlier one has stopped it.
    async fn settle(
        &self,
        cluster: &Cluster,
        tillers: Tillers,
        recorded: &Recorded,
    ) -> Result<Tillers, MoveError> {
        let halt = self.halt(cluster);
        Ok(match tillers {
            Tillers::None if self.effect == Effect::Write => halt.start_again(recorded).await?,
            Tillers::None => halt.at_zero().await,
            Tillers::Stopped if !recorded.is_empty() => halt.resume().await?,
            tillers => tillers,
        })
    }

    /// Whether a run has stopped Tiller, and nobody has started it since.
    pub async fn has_stopped(&self, cluster: &Cluster) -> Result<bool, MoveError> {
        self.halt(cluster).is_held().await
    }

    fn is_wanted(&self, release: &str) -> bool {
        self.releases.is_empty() || self.releases.iter().any(|it| it == release)
    }

    /// The rights that the current user lacks to set Helm 2's records aside.
    async fn lacking(&self, cluster: &Cluster, recorded: &Recorded) -> Vec<String> {
        let is_wanted = |it: &&String| self.is_wanted(it) && !self.keep;
        let names = recorded.iter().filter(|(release, _)| is_wanted(release));
        let storages: BTreeSet<_> = names.flat_map(|it| it.1).map(|it| it.0).gather();
        let verbs = &["create", "delete", "get"][..];
        let mut rights: Vec<_> = storages.into_iter().map(|it| (it, verbs)).collect();
        rights.push((Storage::ConfigMaps, &lock::VERBS));
        lacking(cluster, &self.namespace, &rights).await
    }

    fn halt<'a>(&'a self, cluster: &'a Cluster) -> Halt<'a> {
        Halt::new(cluster, &self.namespace, self.timeout)
    }

    /// Sees to it that no Tiller writes to what is taken from it. True if one had to end first.
    async fn quieten(&self, cluster: &Cluster) -> Result<(Tillers, bool), MigrateError> {
        let halt = self.halt(cluster);
        let is_taken = self.effect == Effect::Write && !self.keep;
        let running = match halt.running().await {
            Ok(running) => running,
            Err(error) if is_taken => return Err(error.into()),
            Err(error) => return Ok((Tillers::Unknown(error.to_string()), false)),
        };
        if running.is_empty() {
            return Ok((Tillers::None, false));
        }
        if !is_taken {
            return Ok((Tillers::Running(running), false));
        }
        if !self.stops_tiller {
            return Err(MigrateError::Running(running));
        }
        let others = halt.others().await?;
        if !others.is_empty() {
            return Err(MigrateError::Running(others));
        }
        let was_held = halt.is_held().await?;
        let left = halt.stop().await?;
        if left.is_empty() {
            // Pods end too of a Tiller that others or an earlier run have stopped.
            let is_ours = !was_held && halt.is_held().await?;
            let tillers = if is_ours {
                Tillers::Stopped
            } else {
                Tillers::None
            };
            return Ok((tillers, true));
        }
        // One has come since.
        if !was_held {
            halt.start().await?;
        }
        Err(MigrateError::Running(left))
    }
}

// === impl Work ===

impl Work<'_> {
    /// Reports the releases that Tiller has no record of: those that were migrated before, and those that never were there.
    async fn tell_others(
        &self,
        recorded: &Recorded,
        tell: &mut impl FnMut(Outcome),
    ) -> Result<(), MigrateError> {
        for release in &self.plan.releases {
            let is_known = self.aside.contains_key(release) || self.misspelt.contains_key(release);
            if !recorded.contains_key(release) && !is_known {
                let why = format!("it is not recorded in {}", self.plan.namespace);
                let state = State::NotReady(vec![why]);
                tell(outcome(release, state, Prepared::default()));
            }
        }
        for release in self.misspelt.keys() {
            if self.plan.is_wanted(release) && !recorded.contains_key(release) {
                let state = State::NotReady(self.unfound(release).into_iter().collect());
                tell(outcome(release, state, Prepared::default()));
            }
        }
        let mut before = self.aside.clone();
        before.retain(|it, _| self.plan.is_wanted(it) && !recorded.contains_key(it));
        each(
            self.place,
            &before,
            Direction::Aside,
            async |Group { release, records }| {
                let (state, remarks) = self.before(&release, &records).await;
                let prepared = Prepared {
                    remarks,
                    ..Prepared::default()
                };
                tell(outcome(&release, state, prepared));
            },
        )
        .await?;
        Ok(())
    }

    /// Whether Helm 3 has a release whose records are set aside, and what it lacks.
    async fn before(&self, release: &str, records: &[Record]) -> (State, Vec<String>) {
        let mut missing = Vec::new();
        for namespace in released_to(records) {
            match self.targets.newest(&namespace, release).await {
                Ok(Some(newest)) => return (State::Already, self.lost(release, records, newest)),
                Ok(None) => missing.push(namespace),
                Err(stop) => return (stop.into(), Vec::new()),
            }
        }
        if self.plan.releases.is_empty() {
            return (State::Gone(missing), Vec::new());
        }
        let state = State::NotReady(vec![format!(
            "it was migrated, and Helm 3 has no record of it in {} any more; to migrate it anew, first give it back: \
             tiller-guard releases restore {release} -n {}",
            missing.join(" and "),
            self.plan.namespace
        )]);
        (state, Vec::new())
    }

    /// That Helm 3 has lost the newest revision. Older ones it deletes itself.
    fn lost(&self, release: &str, records: &[Record], newest: u32) -> Vec<String> {
        let names = records.iter().map(|it| original_name(&it.name));
        let migrated = names.filter_map(revision_in).max();
        let lost = migrated.filter(|it| *it > newest).map(|migrated| {
            format!(
                "revision {migrated} was migrated, but the newest that Helm 3 has is {newest}; to migrate it anew, first give \
                 it back: tiller-guard releases restore {release} -n {}",
                self.plan.namespace
            )
        });
        lost.into_iter().collect()
    }

    async fn migrate(
        &self,
        recorded: &Recorded,
        mut tell: impl FnMut(Outcome),
    ) -> Result<(), MigrateError> {
        let mut wanted = recorded.clone();
        wanted.retain(|name, _| self.plan.is_wanted(name));
        let (sender, receiver) = mpsc::channel(1);
        let gathered = self.place.gather(&wanted, Direction::Back, sender);
        let migrated = async {
            let groups = stream::unfold(receiver, |mut receiver| async {
                Some((receiver.recv().await?, receiver))
            });
            let mut outcomes = groups
                .map(|group| self.release(group, &wanted))
                .buffered(AT_ONCE)
                .boxed_local();
            while let Some(outcome) = outcomes.next().await {
                tell(outcome);
            }
        };
        let (gathered, ()) = tokio::join!(gathered, migrated);
        Ok(gathered?)
    }

    /// Looks for records that Tiller has begun meanwhile, which no version of another tells: their releases go back to it. What it
    /// has recorded now.
    async fn look_back(
        &self,
        migrated: &[String],
        tell: &mut impl FnMut(Outcome),
    ) -> Result<Recorded, MigrateError> {
        let recorded = self.place.recorded(Direction::Back).await?;
        if self.plan.keep {
            return Ok(recorded);
        }
        for release in migrated.iter().filter(|it| recorded.contains_key(*it)) {
            let back = match self.take_back(release).await {
                Ok(()) => format!("it was given back: stop Tiller in {}", self.plan.namespace),
                Err(why) => format!("it was not given back: {why}"),
            };
            let reason = format!("Tiller has begun another revision meanwhile; {back}");
            let is_passing = true;
            let state = State::Failed { reason, is_passing };
            tell(outcome(release, state, Prepared::default()));
        }
        Ok(recorded)
    }
}
