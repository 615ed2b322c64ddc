//! Records moved from one storage to the other, with Tiller stopped meanwhile.

use std::time::Duration;

use tokio::time::sleep;

use super::contents::{Looker, selector};
use super::list::{check_namespace, number};
use super::lock::alone;
use super::moved::{MoveError, Moved};
use super::tiller::{Found, Tiller};
use super::write::Writer;
use crate::cluster::Cluster;
use crate::releases::aside::Direction;
use crate::releases::movement::{
    Contents, Next, Outlook, Owner, Progress, Step, Steps, StoredRecord, next, outlook,
};
use crate::releases::{OWNER, Storage};

/// Rounds in which somebody else may come between.
const ROUNDS: usize = 30;
/// After a round in which somebody else came between in everything.
const PAUSE: Duration = Duration::from_millis(200);

/// The records to move.
#[derive(Debug, Clone)]
pub struct Move {
    /// Tiller's namespace.
    pub namespace: String,
    /// Where its records go.
    pub to: Storage,
    /// Whether the old ones are kept, set aside.
    pub keep: bool,
    /// Whether releases that are pending go too.
    pub allow_pending: bool,
    /// Whether this move switches the storage in Tiller's Deployment. If not, the caller does it, and then calls
    /// [`Move::finish`]; Tiller is left stopped.
    pub switches: bool,
    /// How long Tiller may take to stop, and to start.
    pub timeout: Duration,
    /// Called with a sentence to print if this run waits for another run on the same releases.
    pub waits: fn(&str),
}

/// A move on its way.
pub(super) struct Mover<'a, F> {
    pub(super) plan: &'a Move,
    pub(super) cluster: &'a Cluster,
    pub(super) looker: Looker<'a>,
    pub(super) progress: Progress,
    pub(super) tell: F,
    /// Whether Tiller is stopped, by this run or an earlier one.
    is_stopped: bool,
    /// Whether this run may have written a record.
    pub(super) wrote: bool,
}

impl Move {
    /// What is there to be moved, and by which steps. With `try_all` the API server checks the copies and Tiller's start, and stores
    /// nothing.
    pub async fn plan(
        &self,
        cluster: &Cluster,
        try_all: bool,
        tell: impl FnMut(Moved),
    ) -> Result<(), MoveError> {
        let mut mover = self.mover(cluster, tell);
        let planned = mover.plan(try_all).await;
        planned.map_err(|error| mover.ended(error))
    }

    /// Moves all. Where nothing is recorded, nothing is written.
    pub async fn run(&self, cluster: &Cluster, tell: impl FnMut(Moved)) -> Result<(), MoveError> {
        let mut mover = self.mover(cluster, tell);
        let work = async {
            let done = mover.run().await;
            done.map_err(|error| mover.ended(error))
        };
        self.alone(cluster, Box::pin(work)).await
    }

    /// Does this while no other run works on these releases.
    async fn alone<T>(
        &self,
        cluster: &Cluster,
        work: impl Future<Output = Result<T, MoveError>>,
    ) -> Result<T, MoveError> {
        let command = if self.switches {
            "releases move"
        } else {
            "provision"
        };
        let place = (cluster, self.namespace.as_str());
        alone(place, (command, self.waits), &selector(), work).await
    }

    /// Deletes the old records that were set aside, once Tiller works with the target.
    pub async fn finish(
        &self,
        cluster: &Cluster,
        tell: impl FnMut(Moved),
    ) -> Result<(), MoveError> {
        let mut mover = self.mover(cluster, tell);
        mover.progress.switched = true;
        if mover.looker.look(mover.from()).await?.is_empty() {
            return Ok(());
        }
        let work = async {
            if let Some(found) = mover.tiller().find().await? {
                mover.tiller().forget(&found).await?;
            }
            mover.go_on(None).await
        };
        self.alone(cluster, Box::pin(work)).await
    }

    /// Whether a move has stopped Tiller, and did not start it again.
    pub async fn has_stopped(&self, cluster: &Cluster) -> Result<bool, MoveError> {
        let mover = self.mover(cluster, |_| {});
        let found = mover.tiller().find().await?;
        Ok(found.as_ref().is_some_and(Found::is_down))
    }

    fn mover<'a, F: FnMut(Moved)>(&'a self, cluster: &'a Cluster, tell: F) -> Mover<'a, F> {
        Mover {
            plan: self,
            cluster,
            looker: Looker::new(cluster, &self.namespace, self.to.other()),
            progress: Progress::begun(self.keep),
            tell,
            is_stopped: false,
            wrote: false,
        }
    }
}

impl<F: FnMut(Moved)> Mover<'_, F> {
    pub(super) fn from(&self) -> Storage {
        self.plan.to.other()
    }

    async fn plan(&mut self, try_all: bool) -> Result<(), MoveError> {
        let (found, source, target) = self.begin().await?;
        let first = next(&source, &target, &self.progress)?;
        let steps = first.steps();
        self.check_way(steps).await?;
        if try_all {
            self.check_rights(steps).await?;
            if steps.values().any(Step::is_copy) {
                self.copy(steps, true).await?;
            }
            self.try_switch(found.as_ref()).await?;
        }
        self.foresee(
            found.as_ref(),
            steps,
            &outlook(&source, &target, self.plan.keep),
        );
        Ok(())
    }

    async fn run(&mut self) -> Result<(), MoveError> {
        let (found, source, target) = self.begin().await?;
        if source.is_empty() && target.is_empty() && !self.is_stopped {
            (self.tell)(Moved::Nothing);
            return Ok(());
        }
        let first = next(&source, &target, &self.progress)?;
        self.check_way(first.steps()).await?;
        self.check_rights(first.steps()).await?;
        self.try_switch(found.as_ref()).await?;
        // Controllers write its status meanwhile.
        let found = self.tiller().find().await?;
        let stopped = self.prepare(found.as_ref(), first.steps()).await?;
        // Until it stopped, Tiller may have written.
        let seen = (!stopped).then_some((source, target));
        self.go_on(seen).await
    }

    /// Why it ends, with what that means for Tiller.
    fn ended(&self, error: MoveError) -> MoveError {
        if self.is_stopped {
            MoveError::Stopped(Box::new(error))
        } else {
            error
        }
    }

    fn tiller(&self) -> Tiller<'_> {
        Tiller {
            cluster: self.cluster,
            namespace: &self.plan.namespace,
            timeout: self.plan.timeout,
        }
    }

    pub(super) fn writer(&self, storage: Storage) -> Writer<'_> {
        Writer {
            cluster: self.cluster,
            namespace: &self.plan.namespace,
            storage,
            dry_run: false,
        }
    }

    async fn look(&mut self) -> Result<(Contents, Contents), MoveError> {
        let source = self.looker.look(self.from()).await?;
        let target = self.looker.look(self.plan.to).await?;
        Ok((source, target))
    }

    /// Looks at all that there is, and whether it can be moved.
    async fn begin(&mut self) -> Result<(Option<Found>, Contents, Contents), MoveError> {
        let found = self.tiller().find().await?;
        self.is_stopped = found.as_ref().is_some_and(Found::is_down);
        let (source, target) = self.look().await?;
        if source.is_empty() && target.is_empty() {
            check_namespace(self.cluster, &self.plan.namespace).await?;
        }
        self.planned(&source, &target, found.is_some());
        self.tell_migrated().await?;
        self.check_launch(found.as_ref())?;
        self.check(&source)?;
        self.check_labels().await?;
        if !source.is_empty() {
            self.tiller().no_other_runs(found.as_ref()).await?;
        }
        Ok((found, source, target))
    }

    /// Tells the steps that will be done.
    fn foresee(&mut self, found: Option<&Found>, steps: &Steps, outlook: &Outlook) {
        let is_stopping = found.is_some() && !steps.is_empty();
        let switches = self.plan.switches
            && (is_stopping || found.is_some_and(|it| it.must_start(self.plan.to)));
        let will_run = found.is_none_or(|it| it.wanted() > 0);
        let copies = steps.values().filter(|step| step.is_copy()).count();
        let Outlook { asides, deletions } = *outlook;
        let told = [
            (is_stopping && !self.is_stopped, Moved::Stopped),
            (copies > 0, Moved::Copied(copies)),
            (asides > 0, Moved::SetAside(asides)),
            (switches, Moved::Switched(will_run)),
            (deletions > 0, Moved::Deleted(deletions)),
        ];
        let told = told.into_iter().filter(|(is_due, _)| *is_due);
        told.for_each(|(_, moved)| (self.tell)(moved));
    }

    /// Repeats: look at both storages, then do the next step. `seen` is the first look, if it was a moment ago.
    async fn go_on(&mut self, mut seen: Option<(Contents, Contents)>) -> Result<(), MoveError> {
        for _round in 0..ROUNDS {
            let (source, target) = match seen.take() {
                Some(seen) => seen,
                None => self.look().await?,
            };
            if let Err(error) = self.check(&source) {
                // If nothing has moved, Tiller continues with its old storage.
                let is_untouched = |it: &StoredRecord| it.owner == Owner::Tiller;
                if !self.wrote && source.values().all(is_untouched) {
                    self.restore().await?;
                }
                return Err(error);
            }
            match next(&source, &target, &self.progress)? {
                Next::Steps(steps) => {
                    if !self.execute(&source, &target, &steps).await? {
                        self.check_way(&steps).await?;
                        sleep(PAUSE).await;
                    }
                }
                Next::Switch if self.plan.switches => self.switch().await?,
                Next::Switch | Next::Done => return Ok(()),
            }
        }
        Err(MoveError::Restless(self.plan.namespace.clone()))
    }

    fn planned(&mut self, source: &Contents, target: &Contents, tiller: bool) {
        let count = |owner| source.values().filter(|it| it.owner == owner).count();
        let others = target
            .keys()
            .filter(|name| !source.contains_key(*name))
            .count();
        (self.tell)(Moved::Planned {
            records: count(Owner::Tiller),
            aside: count(Owner::Aside),
            others,
            tiller,
        });
    }

    /// Tells of records that a migration has set aside: a move does not take them along.
    async fn tell_migrated(&mut self) -> Result<(), MoveError> {
        let selector = format!("{}={}", OWNER.0, Direction::Aside.owner());
        let namespace = Some(self.plan.namespace.as_str());
        let migrated = number(self.cluster, self.from(), namespace, &selector).await?;
        if migrated > 0 {
            (self.tell)(Moved::Migrated(migrated));
        }
        Ok(())
    }

    /// Whether Tiller may be started as it will be, before anything is written.
    async fn try_switch(&mut self, found: Option<&Found>) -> Result<(), MoveError> {
        match found {
            Some(found) if self.plan.switches => self.tiller().try_start(found, self.plan.to).await,
            _ => Ok(()),
        }
    }

    /// Stops Tiller if there is something to be moved. True if it did.
    async fn prepare(&mut self, found: Option<&Found>, steps: &Steps) -> Result<bool, MoveError> {
        let Some(found) = found.filter(|_| !steps.is_empty()) else {
            return Ok(false);
        };
        self.tiller().stop(found).await?;
        self.is_stopped = true;
        self.tiller().is_gone(found).await?;
        (self.tell)(Moved::Stopped);
        Ok(true)
    }

    /// Starts Tiller again as it was.
    async fn restore(&mut self) -> Result<(), MoveError> {
        match self.tiller().find().await? {
            Some(found) if !self.progress.switched => {
                self.tiller().start(&found, None).await?;
                self.is_stopped = false;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn switch(&mut self) -> Result<(), MoveError> {
        if let Some(found) = self.tiller().find().await? {
            // Somebody else has stopped it: then it stays so.
            let will_run = found.wanted() > 0;
            if found.must_start(self.plan.to) {
                self.tiller().start(&found, Some(self.plan.to)).await?;
                self.is_stopped = false;
                (self.tell)(Moved::Switched(will_run));
            }
            if will_run {
                self.tiller().answers().await?;
                (self.tell)(Moved::Answers);
            }
        }
        self.progress.switched = true;
        Ok(())
    }
}
