//! Records set aside and given back, object by object.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::value::to_raw_value;

use super::gather::Place;
use super::outcome::Stop;
use super::write::{Writer, Written, object};
use crate::cluster::team::{api, asked};
use crate::releases::aside::{Direction, InTheWay, Shelf, Shelved, Step, key, next, original_name};
use crate::releases::{OWNER, Record, Storage};

/// Objects that are on their way at once.
const AT_ONCE: usize = 8;
/// Rounds in which somebody else may come between.
const ROUNDS: usize = 10;
/// The annotation of a record that is set aside, which says its name before.
const SET_ASIDE: &str = "tiller-guard.io/set-aside-from";

/// What became of the records of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shifted {
    /// So many are where they go, and no longer where they were.
    All(usize),
    /// Tiller has written one meanwhile.
    Overtaken,
    /// Objects hold something else.
    Blocked(InTheWay),
}

type Key = (Storage, String);

/// Records of one release on their way.
pub(super) struct Shift<'a> {
    place: Place<'a>,
    direction: Direction,
    records: BTreeMap<Key, &'a Record>,
    from: Shelf,
    to: Shelf,
    gone: usize,
    is_leaving: bool,
}

impl<'a> Shift<'a> {
    /// Of these records, as they were read where they are.
    pub(super) fn new(
        place: Place<'a>,
        direction: Direction,
        records: &'a [Record],
        from: Shelf,
    ) -> Self {
        Self {
            place,
            direction,
            records: records.iter().map(|it| (key(it), it)).collect(),
            from,
            to: Shelf::new(),
            gone: 0,
            is_leaving: false,
        }
    }

    /// The same, into one storage, whichever they are in.
    #[must_use]
    pub(super) fn into_storage(mut self, to: Storage) -> Self {
        let records = self.records.into_iter();
        self.records = records.map(|((_, name), it)| ((to, name), it)).collect();
        let from = self.from.into_iter();
        self.from = from.map(|((_, name), it)| ((to, name), it)).collect();
        self
    }

    /// Objects that are in the way, before anything is written; where there is none, what is there is known.
    pub(super) async fn look(&mut self) -> Result<Option<InTheWay>, Stop> {
        let looked: Vec<(Key, Option<Shelved>)> = stream::iter(self.records.keys().cloned())
            .map(|key| async {
                let there = self.there(&key).await?;
                Ok::<_, Stop>((key, there))
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let there = looked.into_iter().filter_map(|(key, it)| Some((key, it?)));
        self.to.extend(there);
        Ok(next(&self.from, &self.to, self.direction).err())
    }

    /// Whether some are where they go, as it was looked at.
    pub(super) fn is_begun(&self) -> bool {
        !self.to.is_empty()
    }

    /// The storage in which a move has set aside what is where they go.
    pub(super) fn moved_from(&self) -> Option<Storage> {
        let mut there = self.to.iter();
        let ((storage, _), _) = there.find(|(_, it)| it.is_moved)?;
        Some(*storage)
    }

    /// Whether the deletions have begun.
    pub(super) fn is_leaving(&self) -> bool {
        self.is_leaving
    }

    /// How many original records somebody else deleted first.
    pub(super) fn gone(&self) -> usize {
        self.gone
    }

    /// Writes all of them where they go.
    pub(super) async fn copy(&mut self) -> Result<Shifted, Stop> {
        self.go_on(false).await
    }

    /// The same, and then deletes them where they were.
    pub(super) async fn run(&mut self) -> Result<Shifted, Stop> {
        self.go_on(true).await
    }

    async fn go_on(&mut self, deletes: bool) -> Result<Shifted, Stop> {
        for _round in 0..ROUNDS {
            let steps = match next(&self.from, &self.to, self.direction) {
                Ok(steps) => steps,
                Err(blocked) => return Ok(Shifted::Blocked(blocked)),
            };
            let is_deletion = |step: &Step| matches!(step, Step::Delete(_));
            self.is_leaving = steps.values().any(is_deletion);
            if steps.is_empty() || !deletes && steps.values().all(is_deletion) {
                return Ok(Shifted::All(self.records.len()));
            }
            let this = &*self;
            // If one fails, the others still end: what was sent is done, whether somebody waits for the answer or not.
            let done: Vec<(Key, Result<Done, Stop>)> = stream::iter(steps)
                .map(|(key, step)| async move {
                    let done = this.step(&key, &step).await;
                    (key, done)
                })
                .buffer_unordered(AT_ONCE)
                .collect()
                .await;
            for (key, done) in done {
                match done? {
                    Done::There(there) => {
                        self.to.insert(key, there);
                    }
                    Done::Left => {
                        self.from.remove(&key);
                    }
                    Done::Gone => {
                        self.from.remove(&key);
                        self.gone += 1;
                    }
                    Done::Again => {}
                    Done::Overtaken => return Ok(Shifted::Overtaken),
                }
            }
        }
        Ok(Shifted::Overtaken)
    }

    async fn step(&self, key: &Key, step: &Step) -> Result<Done, Stop> {
        let (storage, original) = key;
        let Some(record) = self.records.get(key) else {
            return Ok(Done::Left);
        };
        let writer = |storage| Writer {
            cluster: self.place.cluster,
            namespace: self.place.namespace,
            storage,
            dry_run: false,
        };
        let (there, here) = (writer(*storage), writer(record.storage));
        let step = match step {
            // It has the name, but in the other storage.
            Step::Relabel(_) if record.storage != *storage => &Step::Create,
            step => step,
        };
        let name = self.direction.name(original);
        let object = || self.object(record, *storage);
        let written = match step {
            Step::Create => there.create(&name, &object()).await?,
            Step::Replace(version) => there.replace(&name, object(), version).await?,
            Step::Relabel(version) => {
                let label = (OWNER.0, self.direction.owner());
                here.label(&record.name, label, version).await?
            }
            Step::Delete(version) => here.delete(&record.name, version).await?,
        };
        match (step, written) {
            (Step::Create | Step::Replace(_), Written::Done(version)) => {
                let from = self.from.get(key).cloned();
                Ok(from.map_or(Done::Left, |from| {
                    Done::There(Shelved {
                        object: name,
                        version,
                        ..from
                    })
                }))
            }
            (Step::Create | Step::Replace(_), Written::Overtaken) => {
                Ok(self.there(key).await?.map_or(Done::Again, Done::There))
            }
            (Step::Delete(_) | Step::Relabel(_), Written::Done(_)) => Ok(Done::Left),
            (Step::Delete(_), Written::Overtaken) => {
                let left = self.read(record.storage, &record.name).await?;
                Ok(left.map_or(Done::Gone, |_| Done::Overtaken))
            }
            (Step::Relabel(_), Written::Overtaken) => {
                let left = self.read(*storage, &record.name).await?;
                let is_done = left.is_some_and(|it| it.is_tillers());
                Ok(if is_done { Done::Left } else { Done::Overtaken })
            }
        }
    }

    /// The record as an object where it goes.
    fn object(&self, record: &Record, storage: Storage) -> serde_json::Value {
        let mut moved = record.clone();
        moved.name = self.direction.name(original_name(&record.name));
        let owner = self.direction.owner().to_owned();
        moved.labels.insert(OWNER.0.to_owned(), owner);
        match self.direction {
            Direction::Aside => {
                let was = (SET_ASIDE.to_owned(), record.name.clone());
                moved.annotations.extend([was]);
            }
            Direction::Back => {
                moved.annotations.remove(SET_ASIDE);
            }
        }
        object(&moved, storage)
    }

    /// What is there under the name that a record is to have.
    async fn there(&self, key: &Key) -> Result<Option<Shelved>, Stop> {
        let name = self.direction.name(&key.1);
        // One that was set aside by its label alone has that name already.
        let is_there = |it: &&Record| it.name == name && it.storage == key.0;
        if self.records.get(key).is_some_and(is_there) {
            return Ok(None);
        }
        let there = self.read(key.0, &name).await?;
        Ok(there.map(|it| Shelved::of(&it, self.direction)))
    }

    async fn read(&self, storage: Storage, name: &str) -> Result<Option<Record>, Stop> {
        let Place { cluster, namespace } = self.place;
        let api = api(cluster, "v1", storage.kind(), namespace);
        let found = asked(async || api.get_opt(name).await).await;
        let what = format!("cannot get {} {namespace}/{name}", storage.kind());
        let failed = |why: serde_json::Error| Stop::Other(format!("{what}: {why}"));
        let Some(found) = found.map_err(|error| Stop::asked(&what, &error))? else {
            return Ok(None);
        };
        let raw = to_raw_value(&found).map_err(failed)?;
        let record = Record::read(&raw, Some(storage));
        let record = record.map_err(|error| Stop::Other(format!("{what}: {error}")))?;
        Ok(Some(record))
    }
}

/// What became of a step.
enum Done {
    /// The record is there now.
    There(Shelved),
    /// It is no longer where it was.
    Left,
    /// The same, but somebody else has deleted it.
    Gone,
    /// Nothing yet: somebody has deleted what was in the way.
    Again,
    /// Tiller has written it meanwhile.
    Overtaken,
}
