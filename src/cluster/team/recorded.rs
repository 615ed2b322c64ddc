//! The objects of teams in the guard's namespace, which are deleted with it.

use kube::api::ListParams;

use super::{LookError, api, asked};
use crate::cluster::Cluster;
use crate::provision::{KIND_LABEL, TEAM_LABEL};

/// The teams' records, CAs and bundles in a namespace, as `KIND NAMESPACE/NAME (WHAT of team TEAM)`.
pub async fn recorded(cluster: &Cluster, namespace: &str) -> Result<Vec<String>, LookError> {
    let mut lines = Vec::new();
    for kind in ["ConfigMap", "Secret"] {
        let api = api(cluster, "v1", kind, namespace);
        let parameters = ListParams::default().labels(KIND_LABEL);
        let found = asked(async || api.list(&parameters).await).await;
        let what = format!("list the {kind}s");
        let found = found.map_err(|error| LookError::asked(&what, namespace, error))?;
        lines.extend(found.items.into_iter().map(|object| {
            let labels = object.metadata.labels.unwrap_or_default();
            let label = |key| labels.get(key).map_or("?", String::as_str);
            let name = object.metadata.name.unwrap_or_default();
            let what = match label(KIND_LABEL) {
                "authority" => "CA",
                "team" => "record",
                other => other,
            };
            match labels.get(TEAM_LABEL) {
                Some(team) => format!("{kind} {namespace}/{name} ({what} of team {team})"),
                None => format!("{kind} {namespace}/{name} ({what})"),
            }
        }));
    }
    Ok(lines)
}
