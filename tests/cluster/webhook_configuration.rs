//! The webhook configurations, as `install` writes them but for what a test needs.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tiller_guard::k8s::webhook_configuration::{Endpoint, WebhookConfigurations};
use tiller_guard::policy::Settings;

use super::control_plane::Version;

pub use tiller_guard::k8s::webhook_configuration::{MUTATE, VALIDATE};

/// The label of a namespace in which only the validating webhook is asked, as everywhere when the mutating
/// one is down.
pub const UNMUTATED: &str = "unmutated";
/// The label of a namespace in which neither is asked, as everywhere before they are registered.
pub const UNGUARDED: &str = "unguarded";

/// The two configurations. A failing call fails the request, for those webhooks too that let requests pass in
/// production, which would hide the failure from a test. The labels above keep them from being asked.
pub(super) fn configurations(version: Version, guard: SocketAddr, bundle: &str) -> [Value; 2] {
    let url = format!("https://{guard}");
    let configuration = WebhookConfigurations {
        minor: version.1,
        namespace: "tiller-guard",
        endpoint: Endpoint::Url(&url),
        ca_bundle: Some(bundle),
        account_patterns: &Settings::default().account_patterns,
    };
    let mut configurations = [configuration.mutating(), configuration.validating()];
    for configuration in &mut configurations {
        let webhooks = configuration["webhooks"].as_array_mut();
        let Some(webhooks) = webhooks else { continue };
        for webhook in webhooks {
            webhook["failurePolicy"] = json!("Fail");
            let without: &[&str] = if webhook["name"] == MUTATE {
                &[UNMUTATED, UNGUARDED]
            } else {
                &[UNGUARDED]
            };
            let mut expressions: Vec<Value> = without
                .iter()
                .map(|key| json!({ "key": key, "operator": "DoesNotExist" }))
                .collect();
            let own = webhook.pointer("/namespaceSelector/matchExpressions");
            expressions.extend(own.and_then(Value::as_array).into_iter().flatten().cloned());
            webhook["namespaceSelector"] = json!({ "matchExpressions": expressions });
        }
    }
    configurations
}

/// The version of `admissionregistration.k8s.io` that the server knows.
pub(super) fn api_version(version: Version) -> &'static str {
    if version >= (1, 16) { "v1" } else { "v1beta1" }
}
