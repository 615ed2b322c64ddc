//! Records that wait in ConfigMaps until they are moved.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::list::ListError;
use crate::cluster::Cluster;
use crate::cluster::lookup::each_record;
use crate::cluster::team::asked;
use crate::releases::Storage;

#[derive(Deserialize)]
struct Object {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    namespace: String,
}

/// How many release records are in ConfigMaps, by namespace.
pub async fn in_config_maps(cluster: &Cluster) -> Result<BTreeMap<String, usize>, ListError> {
    let storage = Storage::ConfigMaps;
    let listed = asked(async || count(cluster, storage).await).await;
    listed.map_err(|error| ListError::asked(storage, "all namespaces", &error))
}

async fn count(cluster: &Cluster, storage: Storage) -> kube::Result<BTreeMap<String, usize>> {
    let (mut counts, mut unread) = (BTreeMap::new(), None);
    let take = |record: Box<RawValue>| match serde_json::from_str(record.get()) {
        Ok(Object { metadata }) => *counts.entry(metadata.namespace).or_default() += 1,
        Err(error) => unread = Some(error),
    };
    each_record(cluster.client(), None, storage.as_str(), take).await?;
    unread.map_or(Ok(counts), |error| Err(kube::Error::SerdeError(error)))
}
