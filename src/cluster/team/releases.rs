//! Where Tiller keeps what it has released.

use kube::api::ListParams;
use serde_json::{Value, json};

use super::{LookError, api, asked};
use crate::cluster::Cluster;

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
