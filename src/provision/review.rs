//! The plan as the webhook will see it: each of its objects, with knowledge of the others.

use serde_json::Value;

use super::plan::PlanError;
use crate::k8s;
use crate::policy::team::{Team, TeamError};
use crate::policy::{Context, Finding, Knowledge, ObjectKind, Settings, Timestamp, decide};

/// What the guard knows once the objects are there.
pub(super) fn knowledge<'o>(
    registration: &Value,
    objects: impl Iterator<Item = &'o Value>,
) -> Result<Knowledge, PlanError> {
    let mut knowledge = Knowledge::default().with_team(read_team(registration)?);
    for object in objects {
        if let Some(kind) = kind_of(object) {
            knowledge = knowledge.with(&k8s::read(kind, object)?);
        }
    }
    Ok(knowledge)
}

/// The team, as the guard reads it from its `ConfigMap`.
fn read_team(registration: &Value) -> Result<Team, TeamError> {
    let name = registration
        .pointer("/metadata/name")
        .and_then(Value::as_str);
    let data = registration.get("data").and_then(Value::as_object);
    let data = data.into_iter().flatten();
    Team::read(
        name.unwrap_or_default(),
        data.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))),
    )
}

/// What the webhook would say of an object; nothing, if the plan is good.
pub(super) fn review(
    object: &Value,
    settings: &Settings,
    context: &Context<'_>,
) -> Result<Vec<Finding>, PlanError> {
    let Some(kind) = kind_of(object) else {
        return Ok(Vec::new());
    };
    let object = k8s::read(kind, object)?;
    Ok(decide(&object, settings, context).findings)
}

/// Exceptions of the policy, which end with time, are not built on.
pub(super) fn context(knowledge: &Knowledge) -> Context<'_> {
    Context::new(Timestamp(i64::MAX), knowledge)
}

/// The kind, if it is one that is judged.
fn kind_of(object: &Value) -> Option<ObjectKind> {
    let text = |key| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let group = text("apiVersion").split_once('/');
    ObjectKind::find(group.map_or("", |(group, _)| group), text("kind"))
}
