//! The plan as the webhook will see it: each of its objects, with knowledge of the others.

use serde_json::Value;

use super::plan::PlanError;
use crate::k8s;
use crate::policy::custody::{Coming, CustodyKind, decide_custody};
use crate::policy::exposure::{ExposureKind, decide_exposure};
use crate::policy::rbac::{RbacKind, RbacObject};
use crate::policy::rights::decide_rbac;
use crate::policy::team::{Team, TeamError};
use crate::policy::{Context, Finding, Knowledge, Settings, Timestamp, WorkloadKind, decide};

/// What the guard knows once the objects are there.
pub(super) fn knowledge<'o>(
    registration: &Value,
    objects: impl Iterator<Item = &'o Value>,
) -> Result<Knowledge, PlanError> {
    let mut knowledge = Knowledge::default().with_team(read_team(registration)?);
    for object in objects {
        if let Some(kind) = rbac_kind(object) {
            knowledge = match k8s::rbac_object(kind, object)? {
                RbacObject::Role(role) => knowledge.with_role(&role),
                RbacObject::Binding(binding) => knowledge.with_binding(&binding),
            };
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
    let (group, kind) = group_and_kind(object);
    if let Some(kind) = WorkloadKind::find(group, kind) {
        let workload = k8s::workload(kind, object)?;
        return Ok(decide(&workload, settings, context).findings);
    }
    if let Some(kind) = rbac_kind(object) {
        let object = k8s::rbac_object(kind, object)?;
        return Ok(decide_rbac(&object, settings, context.knowledge));
    }
    if let Some(kind) = ExposureKind::find(group, kind) {
        let object = k8s::exposure_object(kind, object)?;
        return Ok(decide_exposure(&object, settings));
    }
    if let Some(kind) = CustodyKind::find(group, kind) {
        let object = k8s::custody_object(kind, object)?;
        return Ok(decide_custody(
            &object,
            Coming::default(),
            settings,
            context,
        ));
    }
    Ok(Vec::new())
}

/// Exceptions of the policy, which end with time, are not built on.
pub(super) fn context(knowledge: &Knowledge) -> Context<'_> {
    Context {
        now: Timestamp(i64::MAX),
        knowledge,
    }
}

fn rbac_kind(object: &Value) -> Option<RbacKind> {
    let (group, kind) = group_and_kind(object);
    RbacKind::find(group, kind)
}

fn group_and_kind(object: &Value) -> (&str, &str) {
    let text = |key| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    (
        api_version.split_once('/').map_or("", |(group, _)| group),
        kind,
    )
}
