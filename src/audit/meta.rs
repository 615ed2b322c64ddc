//! What every object says of itself.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What an object says of itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Meta {
    pub(super) metadata: Metadata,
    pub(super) status: Option<Status>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Metadata {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) creation_timestamp: Option<String>,
    pub(super) labels: Option<BTreeMap<String, String>>,
    pub(super) annotations: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Status {
    pub(super) phase: Option<String>,
    pub(super) completion_time: Option<String>,
}

// === impl Meta ===

impl Meta {
    pub(super) fn read(object: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(object)
    }
}
