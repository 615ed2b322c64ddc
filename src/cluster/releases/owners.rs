//! The releases that Helm 3 has, by their labels.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::list::{ListError, cached};
use crate::cluster::Cluster;
use crate::releases::Storage;
use crate::releases::helm3::OWNER_LABEL;

/// In Helm 3's words, the status of a release that runs nothing.
const PAST: &str = "uninstalled";

#[derive(Deserialize)]
struct Object {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    namespace: String,
    labels: Option<BTreeMap<String, String>>,
}

/// The namespaces and names of the releases that Helm 3 has in a namespace, or in all. Uninstalled ones are left out.
pub async fn of_helm3(
    cluster: &Cluster,
    namespace: Option<&str>,
) -> Result<BTreeSet<(String, String)>, ListError> {
    let (label, owner) = OWNER_LABEL;
    let selector = format!("{label}={owner}");
    let objects: Vec<Object> = cached(cluster, Storage::Secrets, namespace, &selector).await?;
    // The newest revision of each, and its status.
    let mut newest: BTreeMap<(String, String), (u32, String)> = BTreeMap::new();
    for Object { metadata } in objects {
        let mut labels = metadata.labels.unwrap_or_default();
        let Some(name) = labels.remove("name") else {
            continue;
        };
        let revision = labels.remove("version").and_then(|it| it.parse().ok());
        let status = labels.remove("status").unwrap_or_default();
        let there = newest.entry((metadata.namespace, name)).or_default();
        *there = (revision.unwrap_or_default(), status).max(std::mem::take(there));
    }
    newest.retain(|_, (_, status)| status != PAST);
    Ok(newest.into_keys().collect())
}
