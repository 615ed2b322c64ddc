//! Where Tiller keeps what it has released.

use kube::api::ListParams;
use serde_json::{Value, json};

use super::{LookError, api, asked, deployed};
use crate::cluster::Cluster;
use crate::cluster::lookup::records;
use crate::k8s;
use crate::policy::WorkloadKind;
use crate::tiller::Storage;

/// The records of releases in Tiller's namespace, to be deleted.
///
/// Source: the labels of `pkg/storage/driver/secrets.go`, Helm 2.7.2 to 2.17.0.
pub async fn releases(cluster: &Cluster, tiller_namespace: &str) -> Result<Vec<Value>, LookError> {
    let parameters = ListParams::default().labels("OWNER=TILLER");
    let api = api(cluster, "v1", "Secret", tiller_namespace);
    let found = asked(async || api.list(&parameters).await).await;
    let found =
        found.map_err(|error| LookError::asked("list releases", tiller_namespace, error))?;
    let names = found.items.into_iter().filter_map(|it| it.metadata.name);
    let model = |name| {
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": { "namespace": tiller_namespace, "name": name },
        })
    };
    Ok(names.map(model).collect())
}

/// Releases that a Tiller would not see that keeps its own in Secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    /// So many, in ConfigMaps.
    ConfigMaps(usize),
    /// Those in the database of the Tiller that is there.
    Database,
}

/// What a Tiller in this namespace would not see of the releases there once it keeps its own in Secrets.
pub async fn hidden_releases(
    cluster: &Cluster,
    tiller_namespace: &str,
) -> Result<Option<Hidden>, LookError> {
    let list = async || records(cluster.client(), tiller_namespace, "configmaps").await;
    let (found, deployed) = tokio::join!(asked(list), deployed(cluster, tiller_namespace));
    let found =
        found.map_err(|error| LookError::asked("list releases", tiller_namespace, error))?;
    if !found.is_empty() {
        return Ok(Some(Hidden::ConfigMaps(found.len())));
    }
    let deployed = deployed?;
    let storage = deployed.and_then(|deployed| {
        let object = k8s::read(WorkloadKind::Deployment, &deployed.0).ok()?;
        let workload = object.workload()?;
        workload.storage()
    });
    Ok((storage == Some(Storage::Sql)).then_some(Hidden::Database))
}
