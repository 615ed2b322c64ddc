//! Counts release records by their metadata, without reading their contents.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::problem::ProblemKind;
use super::record::{Storage, named};
use super::status::Status;

/// Records of both storages, counted.
#[derive(Debug, Default)]
pub struct Census {
    counted: BTreeMap<Storage, Counted>,
}

/// Records of one storage.
#[derive(Debug, Default)]
struct Counted {
    records: usize,
    labels_differ: usize,
    /// By Tiller's namespace and release.
    releases: BTreeMap<(String, String), Revisions>,
}

/// Revisions of one release.
#[derive(Debug, Default)]
struct Revisions {
    deployed: usize,
    newest: i32,
    /// Whether the newest is.
    is_pending: bool,
}

#[derive(Deserialize)]
struct Object {
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    namespace: String,
    name: String,
    labels: Option<BTreeMap<String, String>>,
}

// === impl Census ===

impl Census {
    /// The problems that metadata shows.
    pub const PROBLEMS: [ProblemKind; 4] = [
        ProblemKind::BothStorages,
        ProblemKind::LabelDiffers,
        ProblemKind::Pending,
        ProblemKind::TwoDeployed,
    ];

    /// Counts a record by its metadata.
    pub fn add(&mut self, storage: Storage, object: &RawValue) -> Result<(), serde_json::Error> {
        let Object { metadata } = serde_json::from_str(object.get())?;
        let Metadata {
            namespace,
            name,
            labels,
        } = metadata;
        let labels = labels.unwrap_or_default();
        let label = |key: &str| labels.get(key).map(String::as_str);
        let counted = self.counted.entry(storage).or_default();
        counted.records += 1;
        let status = label("STATUS").and_then(Status::labelled);
        let told = label("NAME").zip(label("VERSION").and_then(|it| it.parse().ok()));
        counted.labels_differ += usize::from(told.is_none() || told != named(&name));
        let release = named(&name).map_or(name.as_str(), |(release, _)| release);
        let revision = named(&name).map_or(0, |(_, revision)| revision);
        let place = (namespace, release.to_owned());
        let revisions = counted.releases.entry(place).or_default();
        revisions.deployed += usize::from(status == Some(Status::Deployed));
        if revision >= revisions.newest {
            revisions.newest = revision;
            revisions.is_pending = status.is_some_and(Status::is_pending);
        }
        Ok(())
    }

    /// Forgets a storage that could not be read to its end.
    pub fn forget(&mut self, storage: Storage) {
        self.counted.remove(&storage);
    }

    /// How many records a storage has.
    pub fn records(&self, storage: Storage) -> usize {
        self.counted.get(&storage).map_or(0, |it| it.records)
    }

    /// The number of these problems in a storage, one per release or record.
    pub fn problems(&self, storage: Storage, problem: ProblemKind) -> usize {
        let Some(counted) = self.counted.get(&storage) else {
            return 0;
        };
        match problem {
            ProblemKind::Pending => {
                let releases = counted.releases.values();
                releases.filter(|it| it.is_pending).count()
            }
            ProblemKind::LabelDiffers => counted.labels_differ,
            ProblemKind::TwoDeployed => {
                let releases = counted.releases.values();
                releases.filter(|it| it.deployed > 1).count()
            }
            ProblemKind::BothStorages => {
                let other = self.counted.get(&storage.other());
                let releases = counted.releases.keys();
                let is_there = |release: &&(String, String)| {
                    other.is_some_and(|other| other.releases.contains_key(*release))
                };
                releases.filter(is_there).count()
            }
            ProblemKind::Damaged
            | ProblemKind::NotFound
            | ProblemKind::NearSizeLimit
            | ProblemKind::RemovedApi
            | ProblemKind::TwoOwners
            | ProblemKind::Unchangeable => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use serde_json::value::to_raw_value;

    use super::*;

    #[test]
    fn problems_are_counted_by_labels_and_names() {
        let mut census = Census::default();
        for (storage, name, labels) in [
            (Storage::ConfigMaps, "web.v1", ["web", "1", "DEPLOYED"]),
            (Storage::ConfigMaps, "web.v2", ["web", "2", "DEPLOYED"]),
            (Storage::Secrets, "web.v2", ["web", "2", "PENDING_UPGRADE"]),
            (Storage::Secrets, "web.v3", ["web", "3", "PENDING_UPGRADE"]),
            (Storage::Secrets, "shop.v1", ["shop", "2", "DEPLOYED"]),
            (Storage::Secrets, "odd", ["odd", "1", "FAILED"]),
        ] {
            let [release, version, status] = labels;
            let labels = json!({ "NAME": release, "VERSION": version, "STATUS": status });
            let metadata = json!({ "namespace": "a", "name": name, "labels": labels });
            let object = to_raw_value(&json!({ "metadata": metadata })).unwrap();
            census.add(storage, &object).unwrap();
        }
        let counts = |storage| Census::PROBLEMS.map(|problem| census.problems(storage, problem));
        assert_eq!(counts(Storage::ConfigMaps), [1, 0, 0, 1]);
        assert_eq!(counts(Storage::Secrets), [1, 2, 1, 0]);
        assert_eq!(census.records(Storage::Secrets), 4);
        census.forget(Storage::Secrets);
        assert_eq!(census.records(Storage::Secrets), 0);
        assert_eq!(
            census.problems(Storage::ConfigMaps, ProblemKind::BothStorages),
            0
        );
    }
}
