//! Releases migrated to Helm 3, one after the other: each is read back before its records of Helm 2 are set aside.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::Value;

use super::helm3::{annotated, is_any_of_ours, is_of_ours, listed, namespaces, place, revision};
use super::list::{ListError, Pages};
use super::write::{WriteError, Writer, Written};
use crate::cluster::Cluster;
use crate::cluster::team::has_namespace;
use crate::releases::helm3::same;
use crate::releases::{MIGRATED, Mapping, Migration, OWNER, Prepared, Record, Storage, named};

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
    /// Something went wrong.
    Failed(String),
}

#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error(transparent)]
    List(#[from] ListError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("{0}")]
    Other(String),
}

/// What was written of a release.
#[derive(Default)]
struct Count {
    written: usize,
    unchanged: usize,
}

impl Migrate {
    /// Migrates, and reports each release when it is done, in order.
    pub async fn run(
        &self,
        cluster: &Cluster,
        mut tell: impl FnMut(Outcome),
    ) -> Result<(), ListError> {
        let mut recorded = self.recorded(cluster).await?;
        let mut missing = Vec::new();
        if !self.releases.is_empty() {
            let there: BTreeSet<_> = recorded.keys().cloned().collect();
            missing = self
                .releases
                .iter()
                .filter(|it| !there.contains(*it))
                .cloned()
                .collect();
            recorded.retain(|name, _| self.releases.contains(name));
        }
        for release in missing {
            let why = vec![format!("it is not recorded in {}", self.namespace)];
            tell(outcome(&release, State::NotReady(why), Prepared::default()));
        }
        let mut outcomes = stream::iter(recorded)
            .map(
                |(release, storages)| async move { self.release(cluster, release, storages).await },
            )
            .buffered(AT_ONCE);
        while let Some(outcome) = outcomes.next().await {
            tell(outcome);
        }
        Ok(())
    }

    /// The releases, and where they are recorded, by the names of their records.
    async fn recorded(
        &self,
        cluster: &Cluster,
    ) -> Result<BTreeMap<String, BTreeMap<Storage, BTreeSet<String>>>, ListError> {
        let mut recorded: BTreeMap<String, BTreeMap<Storage, BTreeSet<String>>> = BTreeMap::new();
        let tillers = format!("{}={}", OWNER.0, OWNER.1);
        for storage in Storage::ALL {
            let names =
                |record: Record| Some((record.label("NAME").map(ToOwned::to_owned), record.name));
            let mut pages = Pages::new(cluster, storage, Some(&self.namespace), &[&tillers], names);
            while let Some(page) = pages.next().await? {
                for (label, name) in page {
                    let release = named(&name).map(|(release, _)| release.to_owned());
                    let release = release.or(label).unwrap_or_else(|| name.clone());
                    let of_release = recorded.entry(release).or_default();
                    of_release.entry(storage).or_default().insert(name);
                }
            }
        }
        Ok(recorded)
    }

    async fn release(
        &self,
        cluster: &Cluster,
        release: String,
        storages: BTreeMap<Storage, BTreeSet<String>>,
    ) -> Outcome {
        for _round in 0..ROUNDS {
            match self.attempt(cluster, &release, &storages).await {
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
            self.namespace
        );
        outcome(&release, State::Failed(why), Prepared::default())
    }

    /// Migrates a release; nothing where Tiller has written it meanwhile.
    async fn attempt(
        &self,
        cluster: &Cluster,
        release: &str,
        storages: &BTreeMap<Storage, BTreeSet<String>>,
    ) -> Result<Option<Outcome>, Stop> {
        let mut records = Vec::new();
        for (storage, names) in storages {
            records.extend(self.records(cluster, *storage, release, names).await?);
        }
        let mut prepared = self.migration.prepare(&records);
        let existing = self.existing(cluster, release, &mut prepared).await?;
        if !prepared.obstacles.is_empty() {
            let why = State::NotReady(std::mem::take(&mut prepared.obstacles));
            return Ok(Some(outcome(release, why, prepared)));
        }
        if self.effect == Effect::Look {
            let state = State::Ready(prepared.secrets.len());
            return Ok(Some(outcome(release, state, prepared)));
        }
        let Some(Count { written, unchanged }) = self.write(cluster, &prepared, &existing).await?
        else {
            return Ok(None);
        };
        if self.effect == Effect::Try {
            let state = State::Ready(prepared.secrets.len());
            return Ok(Some(outcome(release, state, prepared)));
        }
        self.compare(cluster, release, &prepared).await?;
        let Some(aside) = self.set_aside(cluster, &records).await? else {
            return Ok(None);
        };
        let state = State::Migrated {
            written,
            unchanged,
            aside,
        };
        Ok(Some(outcome(release, state, prepared)))
    }

    /// The records of a release, by its label; one whose label differs is asked for by its name.
    async fn records(
        &self,
        cluster: &Cluster,
        storage: Storage,
        release: &str,
        names: &BTreeSet<String>,
    ) -> Result<Vec<Record>, ListError> {
        let everything = format!("{}={}", OWNER.0, OWNER.1);
        let selector = format!("{everything},NAME={release}");
        let mut found = Vec::new();
        for selector in [&selector, &everything] {
            let mut pages = Pages::new(cluster, storage, Some(&self.namespace), &[selector], Some);
            found.clear();
            while let Some(page) = pages.next().await? {
                let of_it = |record: &Record| {
                    names.contains(&record.name)
                        || named(&record.name).is_some_and(|it| it.0 == release)
                };
                found.extend(page.into_iter().filter(of_it));
            }
            let there: BTreeSet<_> = found.iter().map(|record| record.name.clone()).collect();
            if names.is_subset(&there) {
                break;
            }
        }
        Ok(found)
    }

    /// What Helm 3 has of the release already, by namespace and name. What is not ours is in the way.
    async fn existing(
        &self,
        cluster: &Cluster,
        release: &str,
        prepared: &mut Prepared,
    ) -> Result<BTreeMap<(String, String), Value>, Stop> {
        let mut existing = BTreeMap::new();
        for namespace in namespaces(&prepared.secrets) {
            if let Ok(false) = has_namespace(cluster, &namespace).await {
                prepared
                    .obstacles
                    .push(format!("there is no namespace {namespace}"));
                continue;
            }
            let listed = listed(cluster, &namespace, release)
                .await
                .map_err(Stop::Other)?;
            existing.extend(listed.into_iter().map(|it| (place(&it), it)));
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
                    "Helm 3 has a release of this name in {}, which is another: Secret {}",
                    place.0, place.1
                ));
            }
        }
        Ok(existing)
    }

    /// Writes what is not there; nothing where somebody came between.
    async fn write(
        &self,
        cluster: &Cluster,
        prepared: &Prepared,
        existing: &BTreeMap<(String, String), Value>,
    ) -> Result<Option<Count>, Stop> {
        let mut count = Count::default();
        // The newest goes first and alone, so that Helm 3 never takes an old one for what runs.
        for secret in &prepared.secrets {
            let (namespace, name) = place(secret);
            let writer = Writer {
                cluster,
                namespace: &namespace,
                storage: Storage::Secrets,
                dry_run: self.effect == Effect::Try,
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

    /// Reads back what was written.
    async fn compare(
        &self,
        cluster: &Cluster,
        release: &str,
        prepared: &Prepared,
    ) -> Result<(), Stop> {
        let mut found = BTreeMap::new();
        for namespace in namespaces(&prepared.secrets) {
            let listed = listed(cluster, &namespace, release)
                .await
                .map_err(Stop::Other)?;
            found.extend(listed.into_iter().map(|it| (place(&it), it)));
        }
        for secret in &prepared.secrets {
            let there = found.get(&place(secret));
            if !there.is_some_and(|there| same(there, secret) || is_of_ours(secret, there)) {
                let (namespace, name) = place(secret);
                return Err(Stop::Other(format!(
                    "Secret {namespace}/{name} is not what was written: somebody else changed it"
                )));
            }
        }
        Ok(())
    }

    /// Hides Helm 2's records from Tiller; nothing where Tiller has written one meanwhile.
    async fn set_aside(
        &self,
        cluster: &Cluster,
        records: &[Record],
    ) -> Result<Option<usize>, Stop> {
        if self.keep {
            return Ok(Some(0));
        }
        let written: Vec<Written> = stream::iter(records)
            .map(|record| async move {
                let writer = Writer {
                    cluster,
                    namespace: &self.namespace,
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
