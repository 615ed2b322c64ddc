//! Helm 2's release records, as Tiller stored them.

mod alone;
mod barred;
mod extremes;
mod files;
mod helm3;
mod interrupted;
pub(crate) mod kubelet;
mod left_stopped;
mod list;
mod migrated;
mod migrated_faults;
mod migrated_truth;
mod migration;
mod migration_runs;
mod model_server;
mod model_tiller;
pub(crate) mod moved;
mod moved_faults;
mod moved_tiller;
mod movement;
mod owners;
mod recordings;
mod restored;
mod restored_storage;
mod show;
mod two_owners;

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

/// What one Tiller did in one scenario.
pub(crate) struct Recording {
    pub(crate) configuration: String,
    pub(crate) scenario: String,
    pub(crate) value: Value,
}

impl Recording {
    /// Its records that are whole: of `big` only the length is kept.
    pub(crate) fn records(&self) -> Vec<Value> {
        let records = self.value["records"].as_array().unwrap().iter();
        let whole = records.filter(|record| record["data"]["release"].is_string());
        whole.cloned().collect()
    }

    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.configuration, self.scenario)
    }
}

pub(crate) fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/releases"))
}

/// Every scenario of every Tiller.
pub(crate) fn recordings() -> Vec<Recording> {
    let mut found = Vec::new();
    for configuration in fs::read_dir(folder()).unwrap() {
        let configuration = configuration.unwrap();
        let name = configuration.file_name().into_string().unwrap();
        if !configuration.path().is_dir() || name.starts_with("v3-") {
            continue;
        }
        for file in fs::read_dir(configuration.path()).unwrap() {
            let file = file.unwrap().path();
            let scenario = file.file_stem().unwrap().to_str().unwrap();
            if scenario.starts_with('_') {
                continue;
            }
            found.push(Recording {
                configuration: name.clone(),
                scenario: scenario.to_owned(),
                value: read(&file),
            });
        }
    }
    found.sort_by_key(Recording::name);
    assert!(found.len() > 100, "{}", found.len());
    found
}

fn read(file: &std::path::Path) -> Value {
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

/// The records of one Tiller in all its scenarios, as `kubectl get -o json` prints them.
pub(crate) fn list_of(configuration: &str) -> Value {
    let recordings = recordings().into_iter();
    let of_it = recordings.filter(|it| it.configuration == configuration);
    let items: Vec<Value> = of_it.flat_map(|it| it.records()).collect();
    json!({ "apiVersion": "v1", "kind": "List", "items": items })
}
