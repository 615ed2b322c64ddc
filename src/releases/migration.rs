//! What becomes of one release on its way to Helm 3: its new records, and what blocks it.

use serde_json::Value;

use super::hapi::Release;
use super::helm3::secret;
use super::hooks::{is_run, unserved_in};
use super::map_apis::{Mapped, map_apis};
use super::pending::{pending_remedy, unknown_remedy};
use super::record::Record;
use super::status::Status;

/// How releases are migrated.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// The Kubernetes 1.x that Helm 3 works with.
    pub minor: u16,
    /// Whether manifests are mapped to API versions that it serves.
    pub map_apis: bool,
    /// How many revisions go along, the newest first, and beside them the one that is deployed; all where none is given.
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
    /// Of which hook; of the release itself where it is of none.
    pub hook: Option<String>,
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
        let deployed = newest_deployed(&releases);
        let mut left_out = Vec::new();
        for (index, (record, release)) in releases.iter().enumerate() {
            if index < count || Some(release.version) == deployed {
                self.add(record, release, index == 0, &mut prepared);
            } else {
                left_out.push(release.version);
            }
        }
        prepared.remarks.extend(left_out_by_max(&left_out));
        prepared
    }

    fn add(&self, record: &Record, release: &Release, is_newest: bool, prepared: &mut Prepared) {
        let revision = release.version;
        let found = unserved_in(release, self.minor);
        let mut mapped = None;
        if self.map_apis && !found.is_empty() {
            mapped = Some(self.mapped(release, &mut prepared.mappings));
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
        match secret(mapped.as_ref().unwrap_or(release), &record.to_string()) {
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
    }

    /// The release with API versions that are served, in its manifest and in its hooks.
    fn mapped(&self, release: &Release, mappings: &mut Vec<Mapping>) -> Release {
        let mut mapped = release.clone();
        let revision = release.version;
        let mut map = |manifest: &mut Vec<u8>, hook: Option<&str>| {
            let text = String::from_utf8_lossy(manifest);
            if let Some(after) = map_apis(&text, self.minor) {
                *manifest = after.manifest.clone().into_bytes();
                mappings.push(Mapping {
                    revision,
                    hook: hook.map(ToOwned::to_owned),
                    after,
                });
            }
        };
        map(&mut mapped.manifest, None);
        for hook in mapped.hooks.iter_mut().filter(|hook| is_run(hook)) {
            map(&mut hook.manifest, Some(&hook.name));
        }
        mapped
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
                "it is recorded in {} and in {}: `tiller-guard releases list` says whether they differ, and `tiller-guard \
                 releases move --to secrets` makes one of them",
                first.as_str(),
                other.as_str()
            ));
        }
        for (index, (record, release)) in releases.iter().enumerate() {
            let status = Status::of(release.info.status.code);
            if status.is_pending() && index == 0 {
                let remedy = pending_remedy(&release.name, status, newest_deployed(releases));
                self.obstacles.push(format!(
                    "revision {} is {}: {remedy}",
                    release.version,
                    status.as_str()
                ));
            } else if status.is_pending() {
                self.remarks.push(format!(
                    "revision {} was left {}: a newer one took its place",
                    release.version,
                    status.as_str()
                ));
            } else if status == Status::Unknown && index == 0 {
                self.remarks
                    .push(unknown_remedy(&release.name, release.version));
            }
            let expected = format!("{}.v{}", release.name, release.version);
            if record.name != expected {
                self.obstacles
                    .push(format!("{record} holds what {expected} is for"));
            }
            if !record.other_keys.is_empty() {
                self.obstacles.push(format!(
                    "{record} has other keys too, which would be lost: {}; delete them",
                    record.other_keys.join(", ")
                ));
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

/// The newest revision that runs, among those of a release from the newest down.
fn newest_deployed(releases: &[(&Record, Release)]) -> Option<i32> {
    let mut versions = releases.iter().map(|(_, release)| release);
    let found = versions.find(|it| Status::of(it.info.status.code) == Status::Deployed);
    found.map(|release| release.version)
}

/// The revisions that `--max` leaves out.
fn left_out_by_max(revisions: &[i32]) -> Option<String> {
    let (newest, oldest) = (revisions.first()?, revisions.last()?);
    Some(match revisions.len() {
        1 => format!("revision {newest} is left out by --max"),
        count => format!("{count} revisions, {oldest} to {newest}, are left out by --max"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use serde_json::value::to_raw_value;

    use super::*;
    use crate::releases::encode;
    use crate::releases::hapi::{Chart, Hook, Info, Metadata, Status as Told};

    const UNKNOWN: i32 = 0;
    const DEPLOYED: i32 = 1;
    const SUPERSEDED: i32 = 3;
    const FAILED: i32 = 4;
    const PENDING_INSTALL: i32 = 6;
    const PENDING_UPGRADE: i32 = 7;

    /// Records of the release `web`, whose revisions have these statuses from 1 on.
    fn records(statuses: &[i32]) -> Vec<Record> {
        let records = statuses.iter().zip(1..);
        let record = |(code, version): (&i32, i32)| {
            let metadata = Metadata {
                name: "chart".to_owned(),
                ..Metadata::default()
            };
            let release = Release {
                name: "web".to_owned(),
                namespace: "apps".to_owned(),
                version,
                info: buffa::MessageField::some(Info {
                    status: buffa::MessageField::some(Told {
                        code: *code,
                        ..Told::default()
                    }),
                    ..Info::default()
                }),
                chart: buffa::MessageField::some(Chart {
                    metadata: buffa::MessageField::some(metadata),
                    ..Chart::default()
                }),
                ..Release::default()
            };
            let object = json!({
                "kind": "ConfigMap",
                "metadata": { "name": format!("web.v{version}"), "namespace": "tillers" },
                "data": { "release": encode(&release).unwrap() },
            });
            Record::read(&to_raw_value(&object).unwrap(), None).unwrap()
        };
        records.map(record).collect()
    }

    fn prepared(statuses: &[i32], max: Option<usize>) -> Prepared {
        let migration = Migration {
            minor: 20,
            map_apis: false,
            max,
        };
        migration.prepare(&records(statuses))
    }

    fn revisions(prepared: &Prepared) -> Vec<&str> {
        let secrets = prepared.secrets.iter();
        secrets
            .filter_map(|it| it.pointer("/metadata/labels/version")?.as_str())
            .collect()
    }

    #[test]
    fn what_runs_goes_along_however_few_revisions_do() {
        let all = [DEPLOYED, FAILED, FAILED, FAILED];
        let few = prepared(&all, Some(2));
        assert_eq!(revisions(&few), ["4", "3", "1"]);
        assert_eq!(few.remarks, ["revision 2 is left out by --max"]);
        let one = prepared(&[SUPERSEDED, SUPERSEDED, DEPLOYED], Some(1));
        assert_eq!(revisions(&one), ["3"]);
        assert_eq!(one.remarks, ["2 revisions, 1 to 2, are left out by --max"]);
        assert_eq!(revisions(&prepared(&all, None)).len(), 4);
    }

    #[test]
    fn what_a_record_holds_besides_the_release_is_not_lost() {
        let records = records(&[DEPLOYED]);
        let other_keys = vec!["note".to_owned()];
        let noted = Record {
            other_keys,
            ..records[0].clone()
        };
        let migration = Migration {
            minor: 20,
            map_apis: false,
            max: None,
        };
        let [told] = &migration.prepare(&[noted]).obstacles[..] else {
            panic!("no obstacle");
        };
        assert!(
            told.ends_with("which would be lost: note; delete them"),
            "{told}"
        );
    }

    #[test]
    fn a_newest_revision_without_a_status_is_noted() {
        let remarks = prepared(&[DEPLOYED, UNKNOWN], None).remarks;
        assert_eq!(remarks, [unknown_remedy("web", 2)]);
        assert_eq!(prepared(&[UNKNOWN, DEPLOYED], None).remarks, [""; 0]);
    }

    /// A hook before a deletion of the release, and one that installed a definition of a kind.
    fn with_hooks(record: &Record) -> Record {
        let mut release = record.decode().unwrap();
        for (event, manifest) in [
            (3, "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\n"),
            (
                11,
                "apiVersion: apiextensions.k8s.io/v1beta1\nkind: CustomResourceDefinition\n",
            ),
        ] {
            release.hooks.push(Hook {
                name: format!("hook-{event}"),
                events: vec![event],
                manifest: manifest.as_bytes().to_vec(),
                ..Hook::default()
            });
        }
        Record {
            text: Ok(encode(&release).unwrap().into_bytes()),
            ..record.clone()
        }
    }

    #[test]
    fn hooks_that_helm_3_runs_have_to_be_served_too() {
        let record = with_hooks(&records(&[DEPLOYED])[0]);
        let migration = |map_apis| Migration {
            minor: 36,
            map_apis,
            max: None,
        };
        let not = migration(false).prepare(std::slice::from_ref(&record));
        assert_eq!(
            not.obstacles,
            [
                "revision 1 has policy/v1beta1 PodDisruptionBudget, which Kubernetes 1.36 does not serve; give --map-apis"
            ]
        );
        let mapped = migration(true).prepare(&[record]);
        assert_eq!(mapped.obstacles, [""; 0]);
        let [Mapping { hook, after, .. }] = mapped.mappings.as_slice() else {
            panic!("{:?}", mapped.mappings);
        };
        assert_eq!(hook.as_deref(), Some("hook-3"));
        assert_eq!(after.documents.len(), 1);
        let stored = crate::releases::helm3::read_object(&mapped.secrets[0]).unwrap();
        let manifest = |hook: usize| stored["hooks"][hook]["manifest"].as_str().unwrap();
        assert!(manifest(0).starts_with("apiVersion: policy/v1\n"));
        assert!(manifest(1).starts_with("apiVersion: apiextensions.k8s.io/v1beta1\n"));
    }

    #[test]
    fn only_the_newest_pending_revision_is_in_the_way() {
        let below = prepared(&[SUPERSEDED, PENDING_UPGRADE, DEPLOYED], None);
        assert_eq!(below.obstacles, [""; 0]);
        assert_eq!(
            below.remarks,
            ["revision 2 was left PENDING_UPGRADE: a newer one took its place"]
        );
        let newest = prepared(&[DEPLOYED, FAILED, PENDING_UPGRADE], None);
        assert_eq!(
            newest.obstacles,
            [
                "revision 3 is PENDING_UPGRADE: wait until it is done; if no Tiller works on it: helm rollback web 1"
            ]
        );
        let first = prepared(&[PENDING_INSTALL], None);
        assert_eq!(
            first.obstacles,
            [
                "revision 1 is PENDING_INSTALL: wait until it is done; if no Tiller works on it: helm delete --purge web"
            ]
        );
    }
}
