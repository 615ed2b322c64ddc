//! What becomes of one release on its way to Helm 3: its new records, and what blocks it.

use serde_json::Value;

use super::apis::unserved;
use super::hapi::Release;
use super::helm3::secret;
use super::map_apis::{Mapped, map_apis};
use super::record::Record;
use super::status::Status;

/// How releases are migrated.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// The Kubernetes 1.x that Helm 3 works with.
    pub minor: u16,
    /// Whether manifests are mapped to API versions that it serves.
    pub map_apis: bool,
    /// How many revisions go along, the newest first; all where none is given.
    pub max: Option<usize>,
}

/// One release, ready or not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prepared {
    /// Helm 3's Secrets, the newest revision first, so that Helm 3 never takes an old one for what runs.
    pub secrets: Vec<Value>,
    /// Why it cannot be migrated, in a sentence each.
    pub obstacles: Vec<String>,
    /// What is not as it was, in a sentence each.
    pub remarks: Vec<String>,
    /// The manifests that were mapped.
    pub mappings: Vec<Mapping>,
}

/// A manifest, mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// Of which revision.
    pub revision: i32,
    /// As Helm 2 recorded it.
    pub before: String,
    /// As Helm 3 gets it.
    pub after: Mapped,
}

// === impl Migration ===

impl Migration {
    /// Prepares one release by all its records, of both storages.
    pub fn prepare(&self, records: &[Record]) -> Prepared {
        let mut prepared = Prepared::default();
        let mut releases: Vec<(&Record, Release)> = Vec::new();
        for record in records {
            match record.decode() {
                Ok(release) => releases.push((record, release)),
                Err(error) => prepared
                    .obstacles
                    .push(format!("{record} cannot be decoded: {error}")),
            }
        }
        releases.sort_by_key(|(_, release)| -release.version);
        prepared.look(&releases);
        let count = self.max.unwrap_or(usize::MAX);
        for (index, (record, release)) in releases.iter().enumerate().take(count) {
            self.add(record, release, index == 0, &mut prepared);
        }
        prepared
    }

    fn add(&self, record: &Record, release: &Release, is_newest: bool, prepared: &mut Prepared) {
        let revision = release.version;
        let text = String::from_utf8_lossy(&release.manifest);
        let found = unserved(&release.manifest, self.minor);
        let mut manifest = None;
        if self.map_apis && !found.is_empty() {
            manifest = map_apis(&text, self.minor);
        } else if !found.is_empty() && is_newest {
            let named: Vec<_> = found
                .iter()
                .map(|it| format!("{} {}", it.api.api_version, it.kind))
                .collect();
            prepared.obstacles.push(format!(
                "revision {revision} has {}, which Kubernetes 1.{} does not serve; give --map-apis",
                named.join(", "),
                self.minor
            ));
        } else if !found.is_empty() {
            prepared.remarks.push(format!(
                "revision {revision} has API versions that are not served: Helm 3 cannot roll back to it"
            ));
        }
        let mapped = manifest.as_ref().map(|mapped| mapped.manifest.as_str());
        match secret(release, mapped, &record.to_string()) {
            Ok((object, converted)) => {
                prepared.secrets.push(object);
                for remark in converted.remarks.into_iter().filter(|_| is_newest) {
                    prepared.remarks.push(remark);
                }
            }
            Err(error) => prepared
                .obstacles
                .push(format!("revision {revision}: {error}")),
        }
        prepared.mappings.extend(manifest.map(|after| Mapping {
            revision,
            before: text.into_owned(),
            after,
        }));
    }
}

// === impl Prepared ===

impl Prepared {
    /// What blocks all its revisions together.
    fn look(&mut self, releases: &[(&Record, Release)]) {
        let storages: Vec<_> = releases.iter().map(|(record, _)| record.storage).collect();
        if let Some(other) = storages.iter().find(|it| Some(*it) != storages.first()) {
            let first = storages.first().unwrap_or(other);
            self.obstacles.push(format!(
                "it is recorded in {} and in {}: `tiller-guard releases move` makes one of them",
                first.as_str(),
                other.as_str()
            ));
        }
        for (record, release) in releases {
            let status = Status::of(release.info.status.code);
            if status.is_pending() {
                self.obstacles.push(format!(
                    "revision {} is {}: wait until it is done, or end it with `helm rollback`",
                    release.version,
                    status.as_str()
                ));
            }
            let expected = format!("{}.v{}", release.name, release.version);
            if record.name != expected {
                self.obstacles
                    .push(format!("{record} holds what {expected} is for"));
            }
        }
        let mut namespaces: Vec<_> = releases
            .iter()
            .map(|(_, it)| it.namespace.as_str())
            .collect();
        namespaces.sort_unstable();
        namespaces.dedup();
        if namespaces.len() > 1 {
            self.remarks.push(format!(
                "its revisions are in the namespaces {}: Helm 3 has a release of this name in each",
                namespaces.join(", ")
            ));
        }
    }
}
