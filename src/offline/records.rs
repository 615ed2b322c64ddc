//! Release records among the objects of manifests.

use serde_json::value::to_raw_value;

use super::Judging;
use crate::manifest::ManifestObject;
use crate::releases::{Examined, Record, Storage, examine, named};

/// Examines a release record; `None` for another object.
pub fn examined(object: &ManifestObject, judging: &Judging) -> Option<Examined> {
    if !may_be_record(object) {
        return None;
    }
    let raw = to_raw_value(&object.value).ok()?;
    let mut record = Record::read(&raw, None).ok()?;
    if let (true, Some(namespace)) = (record.namespace.is_empty(), &judging.namespace) {
        record.namespace.clone_from(namespace);
    }
    // A cluster's version is not known: that it no longer serves an API version is told by `releases list --kubernetes`.
    record.is_one().then(|| examine(&record, None))
}

/// Whether it is worth reading: most ConfigMaps and Secrets are none.
fn may_be_record(object: &ManifestObject) -> bool {
    let is_kind = |storage: &Storage| object.kind == storage.kind();
    let labels = object.value.pointer("/metadata/labels");
    let mut labels = labels.and_then(serde_json::Value::as_object).into_iter();
    object.api_version == "v1"
        && Storage::ALL.iter().any(is_kind)
        && (named(&object.name).is_some()
            || labels.any(|it| it.keys().any(|key| key.eq_ignore_ascii_case("owner"))))
}
