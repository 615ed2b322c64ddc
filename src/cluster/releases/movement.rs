//! Records moved from one storage to the other, with Tiller stopped meanwhile.

use std::time::Duration;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::contents::{Fault, Looker, selector};
use super::list::{Pages, check_namespace};
use super::moved::{MoveError, Moved};
use super::tiller::{Found, Tiller};
use super::write::{WriteError, Writer, Written, object};
use crate::cluster::Cluster;
use crate::releases::movement::{
    ASIDE, Contents, Digest, MOVED_FROM, Next, Owner, Progress, Step, next,
};
use crate::releases::{OWNER, Record, Storage};

/// Objects that are on their way at once.
const AT_ONCE: usize = 8;
/// Rounds in which somebody else may come between.
const ROUNDS: usize = 30;

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
}

/// A move on its way.
struct Mover<'a, F> {
    plan: &'a Move,
    cluster: &'a Cluster,
    looker: Looker<'a>,
    progress: Progress,
    tell: F,
}

impl Move {
    /// What is there to be moved. Nothing is written but, with `try_all`, copies that the API server does not store.
    pub async fn plan(
        &self,
        cluster: &Cluster,
        try_all: bool,
        tell: impl FnMut(Moved),
    ) -> Result<(), MoveError> {
        let mut mover = self.mover(cluster, tell);
        let (found, source, target) = mover.begin().await?;
        let first = next(&source, &target, &mover.progress)?;
        if !try_all {
            return Ok(());
        }
        if let Next::Steps(steps) = &first {
            mover.copy(steps, true).await?;
        }
        mover.try_switch(found.as_ref()).await
    }

    /// Moves all. Where nothing is recorded, nothing is written.
    pub async fn run(&self, cluster: &Cluster, tell: impl FnMut(Moved)) -> Result<(), MoveError> {
        let mut mover = self.mover(cluster, tell);
        let (found, source, target) = mover.begin().await?;
        let is_stopped = found.as_ref().is_some_and(Found::is_noted);
        if source.is_empty() && target.is_empty() && !is_stopped {
            (mover.tell)(Moved::Nothing);
            return Ok(());
        }
        let first = next(&source, &target, &mover.progress)?;
        mover.try_switch(found.as_ref()).await?;
        // Controllers write its status meanwhile.
        let found = mover.tiller().find().await?;
        let stopped = mover.prepare(found.as_ref(), &first).await?;
        // Until it stopped, Tiller may have written.
        let seen = (!stopped).then_some((source, target));
        mover.go_on(seen).await
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
        if let Some(found) = mover.tiller().find().await? {
            mover.tiller().forget(&found).await?;
        }
        mover.go_on(None).await
    }

    /// Whether a move has stopped Tiller, and did not start it again.
    pub async fn has_stopped(&self, cluster: &Cluster) -> Result<bool, MoveError> {
        let mover = self.mover(cluster, |_| {});
        let found = mover.tiller().find().await?;
        Ok(found.as_ref().is_some_and(Found::is_noted))
    }

    fn mover<'a, F: FnMut(Moved)>(&'a self, cluster: &'a Cluster, tell: F) -> Mover<'a, F> {
        Mover {
            plan: self,
            cluster,
            looker: Looker::new(cluster, &self.namespace, self.to.other()),
            progress: Progress {
                keep: self.keep,
                ..Progress::default()
            },
            tell,
        }
    }
}

impl<F: FnMut(Moved)> Mover<'_, F> {
    fn from(&self) -> Storage {
        self.plan.to.other()
    }

    fn tiller(&self) -> Tiller<'_> {
        Tiller {
            cluster: self.cluster,
            namespace: &self.plan.namespace,
            timeout: self.plan.timeout,
        }
    }

    fn writer(&self, storage: Storage) -> Writer<'_> {
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
        let (source, target) = self.look().await?;
        if source.is_empty() && target.is_empty() {
            check_namespace(self.cluster, &self.plan.namespace).await?;
        }
        self.planned(&source, &target, found.is_some());
        self.check(&source)?;
        if found.is_none() && !source.is_empty() {
            self.tiller().none_runs().await?;
        }
        let can_switch = |it: &Found| !self.plan.switches || it.can_switch(self.plan.to);
        if !found.as_ref().is_none_or(can_switch) {
            let (namespace, to) = (self.plan.namespace.clone(), self.plan.to);
            return Err(MoveError::Unswitchable(namespace, to));
        }
        Ok((found, source, target))
    }

    /// Repeats: look at both storages, then do the next step. `seen` is the first look, if it was a moment ago.
    async fn go_on(&mut self, mut seen: Option<(Contents, Contents)>) -> Result<(), MoveError> {
        for _round in 0..ROUNDS {
            let (source, target) = match seen.take() {
                Some(seen) => seen,
                None => self.look().await?,
            };
            if let Err(error) = self.check(&source) {
                // Tiller continues with its old storage.
                self.restore().await?;
                return Err(error);
            }
            match next(&source, &target, &self.progress)? {
                Next::Steps(steps) => self.execute(&source, &target, &steps).await?,
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

    /// Whether all records can be moved.
    fn check(&self, source: &Contents) -> Result<(), MoveError> {
        let (mut damaged, mut pending) = (Vec::new(), Vec::new());
        for (name, fault) in self.looker.faults(source) {
            match fault {
                Fault::Damaged(reason) => damaged.push(format!("{name}: {reason}")),
                Fault::Pending(status) => pending.push(format!("{name} is {}", status.as_str())),
            }
        }
        if !damaged.is_empty() {
            return Err(MoveError::Damaged(damaged));
        }
        if !pending.is_empty() && !self.plan.allow_pending {
            return Err(MoveError::Pending(pending));
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
    async fn prepare(&mut self, found: Option<&Found>, first: &Next) -> Result<bool, MoveError> {
        let (Some(found), Next::Steps(_)) = (found, first) else {
            return Ok(false);
        };
        self.tiller().stop(found).await?;
        (self.tell)(Moved::Stopped);
        Ok(true)
    }

    /// Starts Tiller again as it was.
    async fn restore(&mut self) -> Result<(), MoveError> {
        match self.tiller().find().await? {
            Some(found) if !self.progress.switched => self.tiller().start(&found, None).await,
            _ => Ok(()),
        }
    }

    async fn switch(&mut self) -> Result<(), MoveError> {
        if let Some(found) = self.tiller().find().await? {
            if found.is_noted() || found.storage() != Some(self.plan.to) {
                self.tiller().start(&found, Some(self.plan.to)).await?;
                (self.tell)(Moved::Switched);
            }
            self.tiller().answers().await?;
            (self.tell)(Moved::Answers);
        }
        self.progress.switched = true;
        Ok(())
    }

    async fn execute(
        &mut self,
        source: &Contents,
        target: &Contents,
        steps: &std::collections::BTreeMap<String, Step>,
    ) -> Result<(), MoveError> {
        let is_copy = |step: &Step| matches!(step, Step::Create | Step::Replace(_));
        if steps.values().any(is_copy) {
            let copied = self.copy(steps, false).await?;
            (self.tell)(Moved::Copied(copied));
        }
        if steps.values().any(|step| matches!(step, Step::SetAside(_))) {
            // What is set aside was read back a moment ago.
            let same = source.iter().filter(|(name, record)| {
                target
                    .get(*name)
                    .is_some_and(|there| there.digest == record.digest)
            });
            (self.tell)(Moved::Compared(same.count()));
        }
        let (from, to) = (self.writer(self.from()), self.writer(self.plan.to));
        let aside = (OWNER.0, ASIDE);
        let done: Vec<(&String, &Step, Written)> = stream::iter(steps)
            .map(|(name, step)| async move {
                let written = match step {
                    Step::Create | Step::Replace(_) => return Ok(None),
                    Step::SetAside(version) => from.label(name, aside, version).await?,
                    Step::Retract(version) => to.label(name, aside, version).await?,
                    Step::Delete(version) => from.delete(name, version).await?,
                };
                Ok::<_, WriteError>(Some((name, step, written)))
            })
            .buffer_unordered(AT_ONCE)
            .try_filter_map(|done| async { Ok(done) })
            .try_collect()
            .await?;
        self.done(done);
        Ok(())
    }

    fn done(&mut self, done: Vec<(&String, &Step, Written)>) {
        let (from, to) = (self.from(), self.plan.to);
        let (mut aside, mut retracted, mut deleted) = (0, 0, 0);
        for (name, step, written) in done {
            let Written::Done(now) = written else {
                continue;
            };
            match step {
                Step::SetAside(before) => {
                    aside += 1;
                    self.looker.rename(from, name, before, now);
                }
                Step::Retract(before) => {
                    retracted += 1;
                    self.looker.rename(to, name, before, now);
                }
                Step::Delete(_) => deleted += 1,
                Step::Create | Step::Replace(_) => {}
            }
        }
        let told = [
            (aside, Moved::SetAside(aside)),
            (retracted, Moved::Retracted(retracted)),
            (deleted, Moved::Deleted(deleted)),
        ];
        told.into_iter()
            .filter(|(count, _)| *count > 0)
            .for_each(|(_, moved)| (self.tell)(moved));
    }

    /// Copies what the steps say, as it is now: page by page, so that no more than a page is in memory.
    async fn copy(
        &mut self,
        steps: &std::collections::BTreeMap<String, Step>,
        dry_run: bool,
    ) -> Result<usize, MoveError> {
        let selector = selector();
        let (from, to) = (self.from(), self.plan.to);
        let namespace = Some(self.plan.namespace.as_str());
        let mut pages = Pages::new(self.cluster, from, namespace, &[&selector], Some);
        let writer = Writer {
            dry_run,
            ..self.writer(to)
        };
        let mut copied = Vec::new();
        while let Some(page) = pages.next().await? {
            let wanted = page.iter().filter(|record| record.is_tillers());
            let wanted = wanted.filter_map(|record| Some((record, steps.get(&record.name)?)));
            let written: Vec<Option<(String, Digest)>> = stream::iter(wanted)
                .map(|(record, step)| copy_one(writer, from, record, step))
                .buffer_unordered(AT_ONCE)
                .try_collect()
                .await?;
            copied.extend(written.into_iter().flatten());
        }
        let count = copied.len();
        self.progress.copied.extend(copied);
        Ok(count)
    }
}

async fn copy_one(
    writer: Writer<'_>,
    from: Storage,
    record: &Record,
    step: &Step,
) -> Result<Option<(String, Digest)>, WriteError> {
    let object = object(record, writer.storage, (MOVED_FROM, from.as_str()));
    let written = match step {
        Step::Create => writer.create(&record.name, &object).await?,
        Step::Replace(version) => writer.replace(&record.name, object, version).await?,
        Step::SetAside(_) | Step::Retract(_) | Step::Delete(_) => return Ok(None),
    };
    let text = record.text.as_deref().unwrap_or_default();
    let copied = (record.name.clone(), Digest::of(text));
    Ok(matches!(written, Written::Done(_)).then_some(copied))
}
