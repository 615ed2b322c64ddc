//! Helm 3's Secrets, as they are in a cluster.

use std::collections::BTreeSet;

use kube::api::{DynamicObject, ListParams};
use serde_json::Value;

use super::outcome::Stop;
use crate::cluster::Cluster;
use crate::cluster::team::{api, asked};
use crate::gather::Gather as _;
use crate::releases::helm3::{OWNER_LABEL, migrated_from, read_object};

/// Helm 3's Secrets of a release in a namespace.
pub(super) async fn listed(
    cluster: &Cluster,
    namespace: &str,
    release: &str,
) -> Result<Vec<Value>, Stop> {
    let selector = format!("{}={},name={release}", OWNER_LABEL.0, OWNER_LABEL.1);
    let parameters = ListParams::default().labels(&selector);
    let api = api(cluster, "v1", "Secret", namespace);
    let found = asked(async || api.list(&parameters).await).await;
    let found = found.map_err(|error| {
        let what = format!("cannot list the Secrets of Helm 3 in {namespace}");
        Stop::asked(&what, &error)
    })?;
    let value = |object: DynamicObject| serde_json::to_value(object).unwrap_or_default();
    Ok(found.items.into_iter().map(value).collect())
}

pub(super) fn text(object: &Value, pointer: &str) -> String {
    let text = object.pointer(pointer).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

/// Its namespace and name.
pub(super) fn place(secret: &Value) -> (String, String) {
    (
        text(secret, "/metadata/namespace"),
        text(secret, "/metadata/name"),
    )
}

pub(super) fn namespaces(secrets: &[Value]) -> BTreeSet<String> {
    secrets.iter().map(|secret| place(secret).0).gather()
}

pub(super) fn revision(secret: &Value) -> Option<u64> {
    text(secret, "/metadata/labels/version").parse().ok()
}

/// Whether Helm 3 has it from us, and has only changed its status since; or has written its own revision of this number since, as it
/// does if it upgrades a release while the newest revision is taken from it.
pub(super) fn is_of_ours(ours: &Value, there: &Value) -> bool {
    let is_helm3s = migrated_from(there).is_none();
    let (Some(ours), Some(there)) = (read_object(ours), read_object(there)) else {
        return false;
    };
    let is_same = |pointer: &&str| ours.pointer(pointer) == there.pointer(pointer);
    let install = ["/name", "/version", "/namespace", "/info/first_deployed"];
    // Another Tiller's revision may have the same manifest, but was not deployed at the same moment.
    let revision = [
        "/manifest",
        "/info/last_deployed",
        "/chart/metadata/name",
        "/chart/metadata/version",
    ];
    let is_later = is_helm3s && !is_same(&"/info/last_deployed");
    install.iter().all(is_same) && (is_later || revision.iter().all(is_same))
}
