//! Tiller, as far as it writes records: it never looks whether somebody else has written since.

use std::collections::BTreeMap;

use serde_json::json;
use tiller_guard::releases::encode;
use tiller_guard::releases::hapi::Release;

use super::migration_runs::{RELEASES, TARGET, TILLER};
use super::model_server::{Store, key};

/// What Tiller recorded last, by name: the text, and the release's status.
pub(super) type Truth = BTreeMap<String, (String, i32)>;

/// The text of a record: of a recorded release, with another name, revision and status.
fn text(model: &Release, name: &str, revision: i32, status: i32) -> String {
    let mut release = model.clone();
    name.clone_into(&mut release.name);
    release.version = revision;
    TARGET.clone_into(&mut release.namespace);
    let info = release.info.get_or_insert_default();
    info.status.get_or_insert_default().code = status;
    encode(&release).unwrap()
}

/// Tiller in a store.
pub(super) struct Tiller<'a> {
    /// What it records.
    pub(super) model: &'a Release,
    pub(super) store: &'a mut Store,
    pub(super) truth: &'a mut Truth,
}

impl Tiller<'_> {
    pub(super) fn record(&mut self, name: &str, revision: i32, status: i32) {
        let text = text(self.model, name, revision, status);
        let record = format!("{name}.v{revision}");
        self.truth.insert(record.clone(), (text.clone(), status));
        let object = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": { "labels": {
                "OWNER": "TILLER", "NAME": name, "VERSION": revision.to_string(),
                "STATUS": if status == 1 { "DEPLOYED" } else { "SUPERSEDED" },
            } },
            "data": { "release": text },
        });
        self.store.put(key("configmaps", TILLER, &record), object);
    }

    /// The revisions that it sees.
    fn seen(&self, name: &str) -> Vec<i32> {
        let seen = self.store.objects.values().filter(|it| {
            let labels = &it["metadata"]["labels"];
            labels["OWNER"] == "TILLER" && labels["NAME"] == *name
        });
        let mut revisions: Vec<i32> = seen
            .map(|it| {
                it["metadata"]["labels"]["VERSION"]
                    .as_str()
                    .unwrap()
                    .parse()
                    .unwrap()
            })
            .collect();
        revisions.sort_unstable();
        revisions
    }

    pub(super) fn upgrade(&mut self, which: usize) {
        let name = format!("r{which}");
        if let Some(newest) = self.seen(&name).last() {
            self.record(&name, *newest, 3);
            self.record(&name, newest + 1, 1);
        }
    }

    pub(super) fn purge(&mut self, which: usize) {
        let name = format!("r{which}");
        for revision in self.seen(&name) {
            let record = format!("{name}.v{revision}");
            self.store
                .objects
                .remove(&key("configmaps", TILLER, &record));
            self.truth.remove(&record);
        }
    }
}

/// Whether Tiller has deleted the release, with all that it recorded of it.
pub(super) fn is_purged(truth: &Truth, release: &str) -> bool {
    let prefix = format!("{release}.v");
    let is_release = (0..RELEASES).any(|which| format!("r{which}") == release);
    is_release && !truth.keys().any(|record| record.starts_with(&prefix))
}
