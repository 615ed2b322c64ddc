//! A dump of a cluster, audited: what `kubectl get … -o yaml` printed.

use std::collections::BTreeSet;

use serde_json::value::RawValue;

use super::files::Source;
use super::judge::report_unreadable;
use crate::audit::{Audit, Listed};
use crate::gather::Gather as _;
use crate::k8s::TEAM_SELECTOR;
use crate::manifest::{ManifestObject, Stream};
use crate::policy::WorkloadKind;
use crate::policy::exposure::ExposureKind;
use crate::releases::{NotRecord, Record, Storage, examine};
use crate::report;

/// Why something is unknown if the dump holds no object of its kind.
const ABSENT: &str = "the dump holds none";

/// The API group of `ReferenceGrant`s, with the slash before the version.
const GATEWAY: &str = "gateway.networking.k8s.io/";

/// Reads files for an audit. A kind without any object is unknown.
pub fn take(sources: Vec<Source>, audit: &mut Audit) {
    let mut streams = Vec::new();
    for source in sources {
        match source.read() {
            Ok(stream) => streams.push(stream),
            Err(unreadable) => unread(&unreadable, audit),
        }
    }
    let mut objects = Vec::new();
    for stream in &streams {
        objects.extend(read(stream, audit));
    }
    let is_workload = |it: &Listed| matches!(it, Listed::Workloads(_));
    let lacks_workloads = !objects.iter().any(|object| {
        let mut kinds = Listed::ALL.into_iter().filter(is_workload);
        kinds.any(|listed| is_of(object, listed))
    });
    let certificates = audit.certificate_secrets().into_iter();
    let certificates: BTreeSet<String> = certificates.map(ToOwned::to_owned).collect();
    for listed in Listed::ALL {
        let is_named =
            |it: &ManifestObject| listed != Listed::Certificates || certificates.contains(&it.name);
        let own = objects
            .iter()
            .filter(|it| is_of(it, listed) && is_named(it));
        let mut found = false;
        for object in own {
            found = true;
            audit.take(listed, &object.value.to_string());
        }
        // Every cluster has some of these.
        let is_everywhere = match listed {
            Listed::Rbac(_)
            | Listed::Exposure(ExposureKind::Service)
            | Listed::Workloads(WorkloadKind::Pod) => true,
            Listed::Workloads(_) => lacks_workloads,
            _ => false,
        };
        if is_everywhere && !found {
            audit.miss(listed, ABSENT.to_owned());
        }
        if listed == Listed::ReferenceGrants && !found {
            audit.lack_grants();
        }
    }
    let kinds: BTreeSet<&str> = objects.iter().map(|it| it.kind.as_str()).gather();
    if !kinds.contains("Secret") {
        for listed in [Listed::Tokens, Listed::Certificates] {
            audit.miss(listed, ABSENT.to_owned());
        }
    }
    for storage in Storage::ALL {
        if !kinds.contains(storage.kind()) {
            audit.miss_records(storage, ABSENT.to_owned());
        }
    }
    for object in &objects {
        take_record(object, audit);
    }
}

fn read(stream: &Stream, audit: &mut Audit) -> Vec<ManifestObject> {
    let mut objects = Vec::new();
    for part in stream.parts() {
        let document = match part {
            crate::manifest::Part::Document(document) => document,
            crate::manifest::Part::Unreadable(unreadable, _) => {
                unread(&report_unreadable(&stream.file, &unreadable), audit);
                continue;
            }
            crate::manifest::Part::Blank(_) => continue,
        };
        for object in document.objects() {
            match object {
                Ok(object) => objects.push(object),
                Err(unreadable) => unread(&report_unreadable(&stream.file, &unreadable), audit),
            }
        }
    }
    objects
}

fn unread(unreadable: &report::Unreadable, audit: &mut Audit) {
    let report::Unreadable { message, .. } = unreadable;
    audit.unseen(unreadable.to_string(), message.clone());
}

fn is_of(object: &ManifestObject, listed: Listed) -> bool {
    let label = |key| {
        object
            .value
            .pointer("/metadata/labels")
            .and_then(|it| it.get(key)?.as_str())
    };
    let is_core = object.api_version == "v1" && object.kind == listed.kind();
    match listed {
        Listed::Workloads(kind) => object.judged_as() == Some(kind.into()),
        Listed::Rbac(kind) => object.judged_as() == Some(kind.into()),
        Listed::Exposure(kind) => object.judged_as() == Some(kind.into()),
        Listed::Teams => {
            let (key, value) = TEAM_SELECTOR.split_once('=').unwrap_or_default();
            is_core && label(key) == Some(value)
        }
        Listed::ReferenceGrants => {
            object.kind == listed.kind() && object.api_version.starts_with(GATEWAY)
        }
        Listed::ServiceAccounts | Listed::Certificates => is_core,
        Listed::Tokens => {
            is_core
                && object
                    .value
                    .get("type")
                    .is_some_and(|it| it == "kubernetes.io/service-account-token")
        }
    }
}

/// Takes the record of a release, if it is one.
fn take_record(object: &ManifestObject, audit: &mut Audit) {
    if !matches!(object.kind.as_str(), "ConfigMap" | "Secret") {
        return;
    }
    let Ok(raw) = RawValue::from_string(object.value.to_string()) else {
        return;
    };
    match Record::read(&raw, None) {
        Ok(record) if record.is_labelled() => {
            audit.take_record(examine(&record, None));
        }
        Ok(_) | Err(NotRecord::Kind(_)) => {}
        Err(NotRecord::Malformed(_)) => {
            let what = format!("{} {}", object.kind, object.name);
            audit.unseen(what, "a field does not match the API".to_owned());
        }
    }
}
