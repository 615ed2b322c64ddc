//! The bundle in the two registrations.

use std::time::SystemTime;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use serde_json::{Value, json};
use tracing::info;

use super::{CertificateError, bundle_of};
use crate::cluster::Cluster;
use crate::k8s::registration::{GROUP, NAME};
use crate::pki::Bundle;

/// Who owns the bundles, in `managedFields`: whoever owns the rest of a registration leaves them alone.
const MANAGER: &str = "tiller-guard-certificates";
/// How often somebody else may be faster.
const ATTEMPTS: u32 = 10;
/// The two kinds.
const KINDS: [&str; 2] = [
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// Sees to it that both registrations, where they are there, hold all of these authorities, beside those of ours that
/// they hold already. Tells which are not there.
pub(super) async fn publish(
    cluster: &Cluster,
    wanted: Bundle,
    now: SystemTime,
) -> Result<Vec<&'static str>, CertificateError> {
    let mut absent = Vec::new();
    for kind in KINDS {
        if !publish_in(cluster, kind, &wanted, now).await? {
            absent.push(kind);
        }
    }
    Ok(absent)
}

/// False where there is no such registration.
async fn publish_in(
    cluster: &Cluster,
    kind: &'static str,
    wanted: &Bundle,
    now: SystemTime,
) -> Result<bool, CertificateError> {
    let object = format!("{kind} {NAME}");
    let failed = |verb, source| CertificateError::request(verb, &object, source);
    let version = if cluster.version().is_from(16) {
        "v1"
    } else {
        "v1beta1"
    };
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(GROUP, version, kind));
    let api: Api<DynamicObject> = Api::all_with(cluster.client().clone(), &resource);
    for _attempt in 0..ATTEMPTS {
        let found = api
            .get_opt(NAME)
            .await
            .map_err(|error| failed("get", error))?;
        let Some(found) = found else {
            return Ok(false);
        };
        let Some(webhooks) = found.data.get("webhooks").and_then(Value::as_array) else {
            return Ok(true);
        };
        let written: Vec<&str> = webhooks.iter().map(bundle_text).collect();
        let mut whole = wanted.clone();
        for text in &written {
            whole.join(bundle_of(text, now));
        }
        let text = BASE64_STANDARD.encode(whole.to_pem());
        if written.iter().all(|it| *it == text) {
            return Ok(true);
        }
        let resource_version = found
            .metadata
            .resource_version
            .as_deref()
            .unwrap_or_default();
        let metadata = json!({ "name": NAME, "resourceVersion": resource_version });
        let (parameters, patch) = if cluster.version().is_from(16) {
            let own: Vec<Value> = webhooks
                .iter()
                .map(|webhook| {
                    json!({ "name": webhook.get("name"), "clientConfig": { "caBundle": text } })
                })
                .collect();
            let patch = json!({
                "apiVersion": format!("{GROUP}/{version}"),
                "kind": kind,
                "metadata": metadata,
                "webhooks": own,
            });
            (PatchParams::apply(MANAGER).force(), Patch::Apply(patch))
        } else {
            let mut webhooks = webhooks.clone();
            for webhook in &mut webhooks {
                if let Some(client) = webhook
                    .get_mut("clientConfig")
                    .and_then(Value::as_object_mut)
                {
                    client.insert("caBundle".to_owned(), json!(text));
                }
            }
            let patch = json!({ "metadata": metadata, "webhooks": webhooks });
            (PatchParams::default(), Patch::Merge(patch))
        };
        match api.patch(NAME, &parameters, &patch).await {
            // What is stored now is read once more before anything is built on it.
            Ok(_) => info!(%object, "wrote the bundle of authorities"),
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => return Err(failed("patch", error)),
        }
    }
    Err(CertificateError::Contended(object))
}

/// The bundle of a webhook, in base64.
fn bundle_text(webhook: &Value) -> &str {
    webhook
        .pointer("/clientConfig/caBundle")
        .and_then(Value::as_str)
        .unwrap_or_default()
}
