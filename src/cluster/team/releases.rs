//! Where Tiller keeps what it has released.

use std::collections::BTreeSet;

use kube::api::ListParams;
use serde_json::{Value, json};

use super::stock::listed;
use super::{LookError, api, asked};
use crate::cluster::Cluster;
use crate::cluster::lookup::records;
use crate::k8s;
use crate::policy::WorkloadKind;
use crate::provision::Names;
use crate::tiller::Storage;

/// What is recorded in Tiller's namespace, in Secrets.
#[derive(Debug, Default)]
pub struct Recorded {
    /// The names of the releases.
    pub names: BTreeSet<String>,
    /// The records, by name, to be deleted.
    pub records: Vec<Value>,
}

/// The records of releases in Tiller's namespace.
///
/// Source: the labels of `pkg/storage/driver/secrets.go`, Helm 2.7.2 to 2.17.0.
pub async fn releases(cluster: &Cluster, tiller_namespace: &str) -> Result<Recorded, LookError> {
    let parameters = ListParams::default().labels("OWNER=TILLER");
    let api = api(cluster, "v1", "Secret", tiller_namespace);
    let found = asked(async || api.list(&parameters).await).await;
    let found =
        found.map_err(|error| LookError::asked("list releases", tiller_namespace, error))?;
    let mut recorded = Recorded::default();
    for metadata in found.items.into_iter().map(|it| it.metadata) {
        let name = metadata.name.unwrap_or_default();
        let release = metadata.labels.as_ref().and_then(|it| it.get("NAME"));
        let release = release.map_or_else(|| name.clone(), Clone::clone);
        recorded.names.insert(release);
        recorded.records.push(json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": { "namespace": tiller_namespace, "name": name },
        }));
    }
    Ok(recorded)
}

/// What a namespace already holds before a team's Tiller is installed into it.
#[derive(Debug, Default)]
pub struct Existing {
    /// How many release records are in ConfigMaps. A Tiller with `--storage=secret` would not see them.
    pub records: usize,
    /// The Deployment that Helm would take for Tiller.
    pub tiller: Option<Value>,
    /// The other Deployments.
    pub others: Vec<Value>,
}

/// Looks at release records and Deployments, in two requests.
pub async fn existing(cluster: &Cluster, namespace: &str) -> Result<Existing, LookError> {
    let list = async || records(cluster.client(), namespace, "configmaps").await;
    let deployments = listed(cluster, "apps/v1", "Deployment", Some(namespace), None);
    let (found, deployments) = tokio::join!(asked(list), deployments);
    let found = found.map_err(|error| LookError::asked("list releases", namespace, error))?;
    let (tiller, others): (Vec<_>, Vec<_>) = deployments?
        .into_iter()
        .partition(|(reference, _)| reference.name == Names::TILLER);
    Ok(Existing {
        records: found.len(),
        tiller: tiller.into_iter().map(|(_, object)| object).next(),
        others: others.into_iter().map(|(_, object)| object).collect(),
    })
}

// === impl Existing ===

impl Existing {
    /// Where the Tiller that is there keeps its records.
    pub fn storage(&self) -> Option<Storage> {
        let object = k8s::read(WorkloadKind::Deployment, self.tiller.as_ref()?).ok()?;
        object.workload()?.storage()
    }
}
