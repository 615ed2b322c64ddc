//! The teams that are registered, with what was asked for them.

use kube::api::ListParams;
use serde_json::Value;

use super::{LookError, Stock, api, asked};
use crate::cluster::Cluster;
use crate::k8s::{TEAM_SELECTOR, team_registration};
use crate::policy::team::Team;
use crate::provision::{MANAGED_BY, MANAGED_BY_LABEL, SPEC_ANNOTATION};

/// A registered team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The team, as the guard reads it.
    pub team: Team,
    /// What was asked for it, where `provision` has made it: a document of a file of teams.
    pub spec: Option<String>,
    /// Whether it is ours to change.
    pub is_ours: bool,
    /// When it was registered, in RFC 3339.
    pub created: String,
}

/// The teams of a guard, by name; those that cannot be read are none to the guard either.
pub async fn registered(
    cluster: &Cluster,
    guard_namespace: &str,
) -> Result<Vec<Registered>, LookError> {
    let api = api(cluster, "v1", "ConfigMap", guard_namespace);
    let parameters = ListParams::default().labels(TEAM_SELECTOR);
    let found = asked(async || api.list(&parameters).await).await;
    let found =
        found.map_err(|error| LookError::asked("list the teams", guard_namespace, error))?;
    let items = found.items.iter();
    let found = items.filter_map(|it| read(&serde_json::to_value(it).ok()?));
    Ok(by_name(found))
}

/// The same, where the guard's namespace was listed as a whole.
pub fn registered_in(stock: &Stock) -> Vec<Registered> {
    let Some((key, wanted)) = TEAM_SELECTOR.split_once('=') else {
        return Vec::new();
    };
    let is_team = |object: &&Value| {
        let labels = object.pointer("/metadata/labels");
        labels.and_then(|it| it.get(key)?.as_str()) == Some(wanted)
    };
    by_name(stock.all("ConfigMap").filter(is_team).filter_map(read))
}

fn by_name(teams: impl Iterator<Item = Registered>) -> Vec<Registered> {
    let mut teams: Vec<_> = teams.collect();
    teams.sort_by(|one, other| one.team.name.cmp(&other.team.name));
    teams
}

fn read(value: &Value) -> Option<Registered> {
    let registration = team_registration(value).ok()?.ok()?;
    let text = |pointer: &str| Some(value.pointer(pointer)?.as_str()?.to_owned());
    let labels = value.pointer("/metadata/labels").and_then(Value::as_object);
    let manager = labels.and_then(|labels| labels.get(MANAGED_BY_LABEL)?.as_str());
    let annotations = value.pointer("/metadata/annotations");
    let spec = annotations.and_then(|it| it.get(SPEC_ANNOTATION)?.as_str());
    Some(Registered {
        team: registration.team,
        spec: spec.map(ToOwned::to_owned),
        is_ours: manager == Some(MANAGED_BY),
        created: text("/metadata/creationTimestamp").unwrap_or_default(),
    })
}
