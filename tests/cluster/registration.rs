//! The webhooks' registrations, as an administrator writes them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use serde_json::{Value, json};
use tiller_guard::policy::APIS;
use tiller_guard::policy::exposure::ExposureKind;

use super::control_plane::Version;

/// The mutating webhook's name.
pub const MUTATE: &str = "mutate.tiller-guard.io";
/// The validating webhook's name.
pub const VALIDATE: &str = "validate.tiller-guard.io";
/// The label of a namespace in which only the validating webhook is asked, as everywhere when the mutating
/// one is down.
pub const UNMUTATED: &str = "unmutated";
/// The label of a namespace in which neither is asked, as everywhere before they are registered.
pub const UNGUARDED: &str = "unguarded";

/// The two configurations. A failing call fails the request, for the mutating webhook too: production
/// lets such requests pass on to the validating one, which would hide the failure from a test.
///
/// Before 1.16 there is `v1beta1` only. Before 1.12 to 1.15 the server knows neither `sideEffects` nor
/// `timeoutSeconds`, `matchPolicy` and `admissionReviewVersions`, and drops them.
pub(super) fn configurations(version: Version, guard: SocketAddr, bundle: &str) -> [Value; 2] {
    let group_version = format!("admissionregistration.k8s.io/{}", api_version(version));
    let configuration = |kind: &str, name: &str, path: &str, namespaces: Value| {
        json!({
            "apiVersion": group_version,
            "kind": kind,
            "metadata": { "name": name },
            "webhooks": [{
                "name": name,
                "clientConfig": { "url": format!("https://{guard}{path}"), "caBundle": bundle },
                "rules": rules(),
                "namespaceSelector": namespaces,
                "failurePolicy": "Fail",
                "matchPolicy": "Equivalent",
                "sideEffects": "None",
                "admissionReviewVersions": ["v1", "v1beta1"],
                "timeoutSeconds": 5,
            }],
        })
    };
    let without = |labels: &[&str]| {
        let lacks = |key| json!({ "key": key, "operator": "DoesNotExist" });
        let labels: Value = labels.iter().map(lacks).collect();
        json!({ "matchExpressions": labels })
    };
    [
        configuration(
            "MutatingWebhookConfiguration",
            MUTATE,
            "/mutate",
            without(&[UNMUTATED, UNGUARDED]),
        ),
        configuration(
            "ValidatingWebhookConfiguration",
            VALIDATE,
            "/validate",
            without(&[UNGUARDED]),
        ),
    ]
}

/// The version of `admissionregistration.k8s.io` that the server knows.
pub(super) fn api_version(version: Version) -> &'static str {
    if version >= (1, 16) { "v1" } else { "v1beta1" }
}

/// Everything that carries a pod or opens a port.
fn rules() -> Value {
    let mut resources: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for api in &APIS {
        resources
            .entry(api.group)
            .or_default()
            .extend(api.resources);
    }
    for kind in ExposureKind::ALL {
        resources
            .entry(kind.group())
            .or_default()
            .insert(kind.resource());
    }
    resources
        .into_iter()
        .map(|(group, resources)| {
            json!({
                "operations": ["CREATE", "UPDATE"],
                "apiGroups": [group],
                "apiVersions": ["*"],
                "resources": resources,
            })
        })
        .collect()
}
