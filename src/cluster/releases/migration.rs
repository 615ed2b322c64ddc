//! Releases migrated to Helm 3, one after the other: each is read back before its records of Helm 2 are set aside.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::gather::{Group, Place, Recorded};
use super::helm3::{annotated, is_any_of_ours, is_of_ours, namespaces, place, revision};
use super::list::{ListError, check_namespace};
use super::target::Targets;
use super::write::{WriteError, Writer, Written};
use crate::cluster::Cluster;
use crate::releases::helm3::same;
use crate::releases::{MIGRATED, Mapping, Migration, OWNER, Prepared, Record, Storage};

/// Releases that are on their way at once, and objects of each.
const AT_ONCE: usize = 8;
/// How often a release is taken up anew that Tiller writes meanwhile.
const ROUNDS: usize = 5;

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
    /// What is written.
    pub effect: Effect,
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// All of it.
    Write,
    /// The API server is asked, and stores nothing.
    Try,
    /// Nothing.
    Look,
}

/// What became of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its name.
    pub release: String,
    /// What became of it.
    pub state: State,
    /// What is not as it was, in a sentence each.
    pub remarks: Vec<String>,
    /// The manifests that were mapped.
    pub mappings: Vec<Mapping>,
    /// The newest of Helm 3's Secrets, for what it needs rights to.
    pub newest: Option<Value>,
}

/// How far a release has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It cannot be migrated, for these reasons.
    NotReady(Vec<String>),
    /// It can be: so many revisions.
    Ready(usize),
    /// Helm 3 has it.
    Migrated {
        /// Secrets that were written.
        written: usize,
        /// Secrets that were there already.
        unchanged: usize,
        /// Records of Helm 2 that were set aside.
        aside: usize,
    },
    /// An earlier run has migrated it, and Tiller has no record of it since.
    Already,
    /// Something went wrong.
    Failed(String),
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    #[error(transparent)]
    List(#[from] ListError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("{0}")]
    Other(String),
}

/// A migration on its way.
struct Work<'a> {
    plan: &'a Migrate,
    place: Place<'a>,
    targets: Targets<'a>,
}

/// What was written of a release.
#[derive(Default)]
struct Count {
    written: usize,
    unchanged: usize,
}

impl Migrate {
    /// Migrates, and reports each release when it is done. How many releases were
    /// recorded before, whether asked for or not.
    pub async fn run(
        &self,
        cluster: &Cluster,
        mut tell: impl FnMut(Outcome),
    ) -> Result<usize, ListError> {
        let place = Place {
            cluster,
            namespace: &self.namespace,
        };
        let mut recorded = place.recorded().await?;
        if recorded.is_empty() {
            check_namespace(cluster, &self.namespace).await?;
        }
        for release in &self.releases {
            if !recorded.contains_key(release) {
                let state = if place.has_migrated(release).await {
                    State::Already
                } else {
                    State::NotReady(vec![format!("it is not recorded in {}", self.namespace)])
                };
                tell(outcome(release, state, Prepared::default()));
            }
        }
        let all = recorded.len();
        if !self.releases.is_empty() {
            recorded.retain(|name, _| self.releases.contains(name));
        }
        let work = Work {
            plan: self,
            place,
            targets: Targets::new(cluster),
        };
        let (sender, receiver) = mpsc::channel(1);
        let gathered = place.gather(&recorded, sender);
        let migrated = async {
            let groups = stream::unfold(receiver, |mut receiver| async {
                Some((receiver.recv().await?, receiver))
            });
            let mut outcomes = groups
                .map(|group| work.release(group, &recorded))
                .buffered(AT_ONCE)
                .boxed_local();
            while let Some(outcome) = outcomes.next().await {
                tell(outcome);
            }
        };
        let (gathered, ()) = tokio::join!(gathered, migrated);
        gathered.map(|()| all)
    }
}

// === impl Work ===

impl Work<'_> {
    async fn release(&self, group: Group, recorded: &Recorded) -> Outcome {
        let Group { release, records } = group;
        let mut given = Some(records);
        for _round in 0..ROUNDS {
            match self.attempt(&release, given.take(), recorded).await {
                Ok(Some(outcome)) => return outcome,
                Ok(None) => {}
                Err(stop) => {
                    let why = State::Failed(stop.to_string());
                    return outcome(&release, why, Prepared::default());
                }
            }
        }
        let why = format!(
            "a Tiller writes it all the time: stop Tiller in {}",
            self.plan.namespace
        );
        outcome(&release, State::Failed(why), Prepared::default())
    }

    /// Migrates a release. `None` if Tiller wrote to it meanwhile.
    async fn attempt(
        &self,
        release: &str,
        given: Option<Vec<Record>>,
        recorded: &Recorded,
    ) -> Result<Option<Outcome>, Stop> {
        let is_fresh = given.is_none();
        let records = match given {
            Some(records) => records,
            None => self.place.records(release, recorded).await?,
        };
        let (mut prepared, records) = self.prepare(records).await?;
        let existing = self.existing(release, is_fresh, &mut prepared).await?;
        if !prepared.obstacles.is_empty() {
            let why = State::NotReady(std::mem::take(&mut prepared.obstacles));
            return Ok(Some(outcome(release, why, prepared)));
        }
        if self.plan.effect == Effect::Look {
            let state = State::Ready(prepared.secrets.len());
            return Ok(Some(outcome(release, state, prepared)));
        }
        let Some(Count { written, unchanged }) = self.write(&prepared, &existing).await? else {
            return Ok(None);
        };
        if self.plan.effect == Effect::Try {
            let state = State::Ready(prepared.secrets.len());
            return Ok(Some(outcome(release, state, prepared)));
        }
        self.targets.compare(&prepared.secrets).await?;
        let Some(aside) = self.set_aside(&records).await? else {
            return Ok(None);
        };
        let state = State::Migrated {
            written,
            unchanged,
            aside,
        };
        Ok(Some(outcome(release, state, prepared)))
    }

    /// Converts records on a blocking thread.
    async fn prepare(&self, records: Vec<Record>) -> Result<(Prepared, Vec<Record>), Stop> {
        let migration = self.plan.migration;
        let prepared = spawn_blocking(move || (migration.prepare(&records), records));
        prepared
            .await
            .map_err(|error| Stop::Other(error.to_string()))
    }

    /// What Helm 3 has of the release already, by namespace and name. What is not ours is in the way.
    async fn existing(
        &self,
        release: &str,
        is_fresh: bool,
        prepared: &mut Prepared,
    ) -> Result<BTreeMap<(String, String), Value>, Stop> {
        let mut existing = BTreeMap::new();
        for namespace in namespaces(&prepared.secrets) {
            let found = if is_fresh {
                self.targets.listed(&namespace, release).await
            } else {
                self.targets.known(&namespace, release).await
            };
            match found.map_err(Stop::Other)? {
                Some(found) => existing.extend(found.into_iter().map(|it| (place(&it), it))),
                None => prepared
                    .obstacles
                    .push(format!("there is no namespace {namespace}")),
            }
        }
        for (place, there) in &existing {
            let ours = prepared
                .secrets
                .iter()
                .find(|it| super::helm3::place(it) == *place);
            let is_ours = annotated(there) || ours.is_some_and(|ours| is_of_ours(ours, there));
            // What Helm 3 has made since is newer than all of ours.
            let is_newer = revision(there) > prepared.secrets.iter().filter_map(revision).max();
            let has_gone_on = is_newer
                && existing
                    .values()
                    .any(|it| is_any_of_ours(&prepared.secrets, it));
            if !is_ours && !has_gone_on {
                prepared.obstacles.push(format!(
                    "Helm 3 has a release of this name in {}, which is another: Secret {}; if Tiller's is the one to keep, \
                     delete Helm 3's records, and no object, with: kubectl -n {} delete secrets -l owner=helm,name={release}",
                    place.0, place.1, place.0
                ));
            }
        }
        Ok(existing)
    }

    /// Writes what is not there; nothing where somebody came between.
    async fn write(
        &self,
        prepared: &Prepared,
        existing: &BTreeMap<(String, String), Value>,
    ) -> Result<Option<Count>, Stop> {
        let mut count = Count::default();
        // The newest goes first and alone, so that Helm 3 never takes an old one for what runs.
        for secret in &prepared.secrets {
            let (namespace, name) = place(secret);
            let writer = Writer {
                cluster: self.place.cluster,
                namespace: &namespace,
                storage: Storage::Secrets,
                dry_run: self.plan.effect == Effect::Try,
            };
            let written = match existing.get(&(namespace.clone(), name.clone())) {
                None => writer.create(&name, secret).await?,
                Some(there) if same(there, secret) || !annotated(there) => {
                    count.unchanged += 1;
                    continue;
                }
                Some(there) => {
                    let version = there
                        .pointer("/metadata/resourceVersion")
                        .and_then(Value::as_str);
                    writer
                        .replace(&name, secret.clone(), version.unwrap_or_default())
                        .await?
                }
            };
            match written {
                Written::Done(_) => count.written += 1,
                Written::Overtaken => return Ok(None),
            }
        }
        Ok(Some(count))
    }

    /// Hides Helm 2's records from Tiller; nothing where Tiller has written one meanwhile.
    async fn set_aside(&self, records: &[Record]) -> Result<Option<usize>, Stop> {
        if self.plan.keep {
            return Ok(Some(0));
        }
        let written: Vec<Written> = stream::iter(records)
            .map(|record| async move {
                let writer = Writer {
                    cluster: self.place.cluster,
                    namespace: &self.plan.namespace,
                    storage: record.storage,
                    dry_run: false,
                };
                let label = (OWNER.0, MIGRATED);
                writer
                    .label(&record.name, label, &record.resource_version)
                    .await
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        Ok((!written.contains(&Written::Overtaken)).then_some(written.len()))
    }
}

fn outcome(release: &str, state: State, prepared: Prepared) -> Outcome {
    let Prepared {
        secrets,
        obstacles: _,
        remarks,
        mappings,
    } = prepared;
    Outcome {
        release: release.to_owned(),
        state,
        remarks,
        mappings,
        newest: secrets.into_iter().next(),
    }
}
