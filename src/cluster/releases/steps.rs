//! The steps of a move: copies page by page, all else object by object.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::contents::selector;
use super::list::Pages;
use super::moved::{MoveError, Moved};
use super::movement::Mover;
use super::write::{WriteError, Writer, Written, object};
use crate::releases::movement::{ASIDE, Contents, Digest, Step};
use crate::releases::{OWNER, Record};

/// Objects that are on their way at once.
const AT_ONCE: usize = 8;

impl<F: FnMut(Moved)> Mover<'_, F> {
    /// Does the steps. False if somebody else came between in all of them.
    pub(super) async fn execute(
        &mut self,
        source: &Contents,
        target: &Contents,
        steps: &BTreeMap<String, Step>,
    ) -> Result<bool, MoveError> {
        self.wrote = true;
        let mut count = 0;
        if steps.values().any(Step::is_copy) {
            count += self.copy(steps, false).await?;
        }
        if count > 0 {
            (self.tell)(Moved::Copied(count));
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
        count += self.done(done);
        Ok(count > 0)
    }

    /// How many were done.
    fn done(&mut self, done: Vec<(&String, &Step, Written)>) -> usize {
        let (from, to) = (self.from(), self.plan.to);
        let (mut aside, mut retracted, mut deleted) = (0, 0, 0);
        for (name, step, written) in done {
            let Written::Done(now) = written else {
                continue;
            };
            match step {
                Step::SetAside(before) => {
                    aside += 1;
                    self.progress.note_aside(name);
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
        aside + retracted + deleted
    }

    /// Copies the records that the steps name. Reads them again page by page, so that at most one page is in memory.
    pub(super) async fn copy(
        &mut self,
        steps: &BTreeMap<String, Step>,
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
                .map(|(record, step)| copy_one(writer, record, step))
                .buffer_unordered(AT_ONCE)
                .try_collect()
                .await?;
            copied.extend(written.into_iter().flatten());
        }
        let count = copied.len();
        for (name, digest) in copied {
            self.progress.note_copy(name, digest);
        }
        Ok(count)
    }
}

async fn copy_one(
    writer: Writer<'_>,
    record: &Record,
    step: &Step,
) -> Result<Option<(String, Digest)>, WriteError> {
    let object = object(record, writer.storage);
    let written = match step {
        Step::Create => writer.create(&record.name, &object).await?,
        Step::Replace(version) => writer.replace(&record.name, object, version).await?,
        Step::SetAside(_) | Step::Retract(_) | Step::Delete(_) => return Ok(None),
    };
    let text = record.text.as_deref().unwrap_or_default();
    let copied = (record.name.clone(), Digest::of(text));
    Ok(matches!(written, Written::Done(_)).then_some(copied))
}
