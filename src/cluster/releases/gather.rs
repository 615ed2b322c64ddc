//! The records of a Tiller, release by release, in one pass: the API server reads the whole namespace for each list, so that one
//! list for each release would take the square of their number.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc::Sender;

use super::list::{ListError, MISSPELT, Pages, number};
use crate::cluster::Cluster;
use crate::cluster::lookup::each_labelled;
use crate::cluster::team::asked;
use crate::gather::Gather as _;
use crate::releases::aside::{Direction, is_aside_name, original_name};
use crate::releases::{OWNER, Record, Storage, named};

/// The labels of records that Tiller does not find, though they are labelled for it.
const UNFOUND: [&str; 2] = ["OWNER,OWNER notin (TILLER,MOVED,MIGRATED)", MISSPELT];

/// Where a Tiller records its releases.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) namespace: &'a str,
}

/// The names of the records of each release, by storage.
pub(super) type Recorded = BTreeMap<String, BTreeSet<(Storage, String)>>;

/// Objects that have names of records that are set aside, whatever they hold.
pub(super) type Taken = BTreeSet<(Storage, String)>;

/// The records of a release.
pub(super) struct Group {
    pub(super) release: String,
    pub(super) records: Vec<Record>,
}

#[derive(Deserialize)]
struct Object {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    labels: Option<BTreeMap<String, String>>,
}

// === impl Place ===

impl Place<'_> {
    /// The releases, and the names of their records: of Tiller's, or of those that are set aside.
    pub(super) async fn recorded(self, whose: Direction) -> Result<Recorded, ListError> {
        let mut recorded = Recorded::new();
        for storage in Storage::ALL {
            for Metadata { name, labels } in self.names(storage, &selector(whose)).await? {
                let label = labels.and_then(|mut it| it.remove("NAME"));
                let release = release_of(&name, label);
                recorded.entry(release).or_default().insert((storage, name));
            }
        }
        Ok(recorded)
    }

    /// What is set aside, and the names that such records have or would have. One list of each storage shows both.
    pub(super) async fn set_aside(self) -> Result<(Recorded, Taken), ListError> {
        let (mut recorded, mut taken) = (Recorded::new(), Taken::new());
        for storage in Storage::ALL {
            for Metadata { name, labels } in self.names(storage, "").await? {
                let mut labels = labels.unwrap_or_default();
                if is_aside_name(&name) {
                    taken.insert((storage, name.clone()));
                }
                if labels.get(OWNER.0).map(String::as_str) == Some(Direction::Aside.owner()) {
                    let release = release_of(&name, labels.remove("NAME"));
                    recorded.entry(release).or_default().insert((storage, name));
                }
            }
        }
        Ok((recorded, taken))
    }

    /// Records that are labelled for Tiller in another spelling, so that it does not find them, by release. Each by its kind and place.
    pub(super) async fn misspelt(self) -> Result<BTreeMap<String, Vec<String>>, ListError> {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let namespace = Some(self.namespace);
        for storage in Storage::ALL {
            for selector in UNFOUND {
                if number(self.cluster, storage, namespace, selector).await? == 0 {
                    continue;
                }
                let is_misspelt = |it: &Record| !it.is_tillers() && it.is_labelled();
                let examine = move |record: Record| is_misspelt(&record).then_some(record);
                let mut pages = Pages::new(self.cluster, storage, namespace, &[selector], examine);
                while let Some(page) = pages.next().await? {
                    for record in page {
                        let release =
                            release_of(&record.name, record.label("NAME").map(Into::into));
                        found.entry(release).or_default().push(record.to_string());
                    }
                }
            }
        }
        Ok(found)
    }

    /// The metadata of objects that a selector of labels finds.
    async fn names(self, storage: Storage, selector: &str) -> Result<Vec<Metadata>, ListError> {
        let listed = asked(async || {
            let (mut names, mut unread) = (Vec::new(), None);
            let take = |object: Box<RawValue>| match serde_json::from_str(object.get()) {
                Ok(Object { metadata }) => names.push(metadata),
                Err(error) => unread = Some(error),
            };
            let client = self.cluster.client();
            let listed = (storage.as_str(), selector);
            each_labelled(client, Some(self.namespace), listed, take).await?;
            unread.map_or(Ok(names), |error| Err(kube::Error::SerdeError(error)))
        });
        let listed = listed.await;
        listed.map_err(|error| ListError::asked(storage, self.namespace, &error))
    }

    /// Reads all records page by page, and sends the records of a release when all of them are read. Each release is sent once.
    /// Records that are not in `recorded`, because Tiller wrote them later, are left out. Only the releases of the current page
    /// are kept in memory, because records come in the order of their names.
    pub(super) async fn gather(
        self,
        recorded: &Recorded,
        whose: Direction,
        groups: Sender<Group>,
    ) -> Result<(), ListError> {
        let mut begun: BTreeMap<String, Vec<Record>> = BTreeMap::new();
        let selector = selector(whose);
        for storage in Storage::ALL {
            let is_there = |it: &BTreeSet<(Storage, String)>| it.iter().any(|it| it.0 == storage);
            if !recorded.values().any(is_there) {
                continue;
            }
            let namespace = Some(self.namespace);
            let mut pages = Pages::new(self.cluster, storage, namespace, &[&selector], Some);
            while let Some(page) = pages.next().await? {
                for record in page {
                    let release = release_of(&record.name, record.label("NAME").map(Into::into));
                    let is_wanted = |it: &&BTreeSet<(Storage, String)>| {
                        it.contains(&(storage, record.name.clone()))
                    };
                    let Some(wanted) = recorded.get(&release).filter(is_wanted) else {
                        continue;
                    };
                    let records = begun.entry(release.clone()).or_default();
                    records.push(record);
                    if records.len() == wanted.len() {
                        let records = begun.remove(&release).unwrap_or_default();
                        groups.send(Group { release, records }).await.ok();
                    }
                }
            }
        }
        // Some of their records were deleted since.
        for (release, records) in begun {
            groups.send(Group { release, records }).await.ok();
        }
        Ok(())
    }

    /// The records of a release that are set aside.
    pub(super) async fn aside(self, release: &str) -> Result<Vec<Record>, ListError> {
        let selector = selector(Direction::Aside);
        let mut found = Vec::new();
        for storage in Storage::ALL {
            let namespace = Some(self.namespace);
            let mut pages = Pages::new(self.cluster, storage, namespace, &[&selector], Some);
            while let Some(page) = pages.next().await? {
                found.extend(page.into_iter().filter(|record| {
                    release_of(&record.name, record.label("NAME").map(Into::into)) == release
                }));
            }
        }
        Ok(found)
    }

    /// The records of a release as they are now, by its label; one whose label differs is asked for by its name.
    pub(super) async fn records(
        self,
        release: &str,
        recorded: &Recorded,
    ) -> Result<Vec<Record>, ListError> {
        let names = recorded.get(release).into_iter().flatten();
        let names: BTreeSet<_> = names.map(|(_, name)| name.as_str()).gather();
        let everything = format!("{}={}", OWNER.0, OWNER.1);
        let selector = format!("{everything},NAME={release}");
        let mut found = Vec::new();
        for selector in [&selector, &everything] {
            found.clear();
            for storage in Storage::ALL {
                let namespace = Some(self.namespace);
                let mut pages = Pages::new(self.cluster, storage, namespace, &[selector], Some);
                while let Some(page) = pages.next().await? {
                    found.extend(page.into_iter().filter(|record| {
                        names.contains(record.name.as_str())
                            || named(&record.name).is_some_and(|it| it.0 == release)
                    }));
                }
            }
            let there: BTreeSet<_> = found.iter().map(|record| record.name.as_str()).gather();
            if names.is_subset(&there) {
                break;
            }
        }
        Ok(found)
    }
}

fn selector(whose: Direction) -> String {
    format!("{}={}", OWNER.0, whose.owner())
}

/// The release that a record is of, by its name, or else by its label.
fn release_of(name: &str, label: Option<String>) -> String {
    let release = named(original_name(name)).map(|(release, _)| release.to_owned());
    release.or(label).unwrap_or_else(|| name.to_owned())
}
