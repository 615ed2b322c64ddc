//! Lists the Tillers of a cluster, and what they are judged with.

use std::collections::BTreeSet;

use kube::api::ListParams;
use serde_json::{Value, json};

use super::Cluster;
use super::lookup::{PAGE, pages, records};
use super::told::RequestError;
use crate::k8s::{self, TEAM_SELECTOR};
use crate::policy::{APIS, Api, Knowledge, ObjectKind, WorkloadKind};

/// The objects of the cluster that carry a Tiller or tell of its rights and records, and the teams in the guard's namespace. What a
/// controller makes of another object is left out: that other one is among them.
pub async fn tillers(cluster: &Cluster, namespace: &str) -> Result<Vec<Value>, RequestError> {
    let mut found = Vec::new();
    for api in &APIS {
        let is_asked = matches!(api.kind, ObjectKind::Workload(_) | ObjectKind::Rbac(_));
        // The older groups show the same objects.
        if is_asked && api.group != "extensions" {
            found.extend(objects(cluster, api).await?);
        }
    }
    for namespace in namespaces(&found) {
        let path = format!("/api/v1/namespaces/{namespace}/configmaps");
        let records = records(cluster.client(), &namespace, "configmaps").await;
        let records = records.map_err(RequestError::of("list", &path))?;
        found.extend(
            records
                .iter()
                .filter_map(|raw| named(raw.get(), "v1", "ConfigMap")),
        );
    }
    let path = format!("/api/v1/namespaces/{namespace}/configmaps");
    let parameters = ListParams::default().limit(PAGE).labels(TEAM_SELECTOR);
    let teams = pages(cluster.client(), &path, parameters, false).await;
    let teams = teams.map_err(RequestError::of("list", &path))?;
    let teams = teams
        .iter()
        .filter_map(|raw| named(raw.get(), "v1", "ConfigMap"));
    found.extend(teams);
    Ok(found)
}

/// The namespaces of workloads among these.
fn namespaces(objects: &[Value]) -> BTreeSet<String> {
    let workloads = objects.iter().filter(|object| {
        let kind = object.get("kind").and_then(Value::as_str);
        let kinds = WorkloadKind::ALL.iter().map(|kind| kind.as_str());
        kind.is_some_and(|kind| kinds.into_iter().any(|it| it == kind))
    });
    let namespaces = workloads.filter_map(|it| it.pointer("/metadata/namespace")?.as_str());
    namespaces.map(ToOwned::to_owned).collect()
}

/// Those of a kind, in the best version that is served.
async fn objects(cluster: &Cluster, api: &Api) -> Result<Vec<Value>, RequestError> {
    let Api {
        kind,
        group,
        versions,
        resources: _,
    } = *api;
    for version in versions {
        let (path, api_version) = if group.is_empty() {
            (format!("/api/{version}"), (*version).to_owned())
        } else {
            (
                format!("/apis/{group}/{version}"),
                format!("{group}/{version}"),
            )
        };
        let path = format!("{path}/{}", kind.resource());
        let parameters = ListParams::default().limit(PAGE);
        match pages(cluster.client(), &path, parameters, false).await {
            Ok(items) => {
                let items = items
                    .iter()
                    .filter_map(|raw| named(raw.get(), &api_version, kind.as_str()));
                return Ok(items.filter(|item| tells(kind, item)).collect());
            }
            // Not in this version.
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => return Err(RequestError::of("list", &path)(error)),
        }
    }
    Ok(Vec::new())
}

/// An item of a list, with its kind added.
fn named(raw: &str, api_version: &str, kind: &str) -> Option<Value> {
    let mut item: Value = serde_json::from_str(raw).ok()?;
    let fields = item.as_object_mut()?;
    fields.insert("apiVersion".to_owned(), json!(api_version));
    fields.insert("kind".to_owned(), json!(kind));
    Some(item)
}

/// Whether this object matters, and no owner stands for it.
fn tells(kind: ObjectKind, item: &Value) -> bool {
    let owners = item.pointer("/metadata/ownerReferences");
    let owners = owners.and_then(Value::as_array).into_iter().flatten();
    let mut owners = owners.filter_map(|owner| owner.get("controller")?.as_bool());
    let is_made = matches!(kind, ObjectKind::Workload(_)) && owners.any(|controls| controls);
    let nothing = Knowledge::default();
    !is_made && k8s::read(kind, item).is_ok_and(|object| nothing.with(&object) != nothing)
}
