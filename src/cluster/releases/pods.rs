//! The pods that a move waits for, and those that it cannot stop.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::ResourceExt;
use kube::api::DynamicObject;
use kube::core::{Selector, SelectorExt as _};
use serde_json::Value;

use crate::k8s;
use crate::policy::{Workload, WorkloadKind};

/// Which pods are a Deployment's.
pub(super) fn selector(deployment: &Value) -> Option<Selector> {
    let selector = deployment.pointer("/spec/selector")?.clone();
    let selector: LabelSelector = serde_json::from_value(selector).ok()?;
    Selector::try_from(selector).ok()
}

/// Whether its containers ended for good. An evicted pod stays until somebody deletes it, whatever its Deployment wants.
pub(super) fn has_ended(pod: &DynamicObject) -> bool {
    let phase = pod.data.pointer("/status/phase").and_then(Value::as_str);
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// The names of the pods that run a Tiller, without those of a Deployment.
pub(super) fn other_tillers(pods: &[DynamicObject], own: Option<&Selector>) -> Vec<String> {
    let is_own = |pod: &DynamicObject| own.is_some_and(|own| own.matches(pod.labels()));
    let others = pods
        .iter()
        .filter(|pod| !is_own(pod) && !has_ended(pod) && holds_tiller(pod));
    others.map(ResourceExt::name_any).collect()
}

fn holds_tiller(pod: &DynamicObject) -> bool {
    let Ok(object) = serde_json::to_value(pod) else {
        return false;
    };
    let read = k8s::read(WorkloadKind::Pod, &object);
    read.is_ok_and(|it| it.workload().is_some_and(Workload::holds_tiller))
}
