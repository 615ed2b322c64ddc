//! The bundle in the two webhook configurations.

use std::collections::BTreeSet;
use std::time::SystemTime;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::time::Instant;
use tracing::info;

use super::error::CertificateError;
use super::lingering::Lingering;
use crate::cluster::Cluster;
use crate::k8s::webhook_configuration::{GROUP, NAME};
use crate::pki::Bundle;

/// Who owns the bundles, in `managedFields`: whoever owns the rest of a webhook configuration leaves them alone.
const MANAGER: &str = "tiller-guard-certificates";
/// How often somebody else may be faster.
const ATTEMPTS: u32 = 10;
/// How often a bundle is written before whoever writes another one is left alone for a while.
const WRITES: u32 = 2;
/// The two kinds.
pub(super) const KINDS: [&str; 2] = [
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// The status by which a server says that it does not know a kind of patch: `415 Unsupported Media Type`.
const UNKNOWN_PATCH: u16 = 415;

/// Another bundle for a webhook configuration as it was found.
struct Change<'a> {
    /// Whether the version of the server has server-side apply.
    has_apply: bool,
    resource_version: Option<&'a str>,
    webhooks: &'a [Value],
    /// The bundle, in base64.
    text: &'a str,
}

/// Sees to it that both webhook configurations, where they are there, hold all of these CAs, beside those that linger there.
/// Tells which are not there, and counts what it writes.
pub(super) async fn publish(
    cluster: &Cluster,
    wanted: &Bundle,
    lingering: &mut [Lingering; 2],
    writes: &mut u32,
    now: SystemTime,
) -> Result<Vec<&'static str>, CertificateError> {
    let mut absent = Vec::new();
    for (kind, lingering) in KINDS.into_iter().zip(lingering) {
        if !publish_in(cluster, kind, wanted, lingering, writes, now).await? {
            absent.push(kind);
        }
    }
    Ok(absent)
}

/// False where there is no such webhook configuration.
async fn publish_in(
    cluster: &Cluster,
    kind: &'static str,
    wanted: &Bundle,
    lingering: &mut Lingering,
    all_writes: &mut u32,
    now: SystemTime,
) -> Result<bool, CertificateError> {
    let object = format!("{kind} {NAME}");
    let failed = |verb, source| CertificateError::request(verb, &object, source);
    let version = cluster
        .webhook_configuration_version()
        .await
        .map_err(|error| failed("find", error))?;
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(GROUP, version, kind));
    let api: Api<DynamicObject> = Api::all_with(cluster.client().clone(), &resource);
    let mut writes = 0;
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
        let mut there = Bundle::default();
        for text in BTreeSet::from_iter(&written) {
            there.join(bundle_of(text, now));
        }
        let whole = lingering.bundle(&there, wanted, Instant::now());
        let text = BASE64_STANDARD.encode(whole.to_pem());
        if written.iter().all(|it| *it == text) {
            return Ok(true);
        }
        if writes == WRITES {
            break;
        }
        let change = Change {
            has_apply: cluster.version().is_from(16),
            resource_version: found.metadata.resource_version.as_deref(),
            webhooks,
            text: &text,
        };
        match change.write(&api, version, kind).await {
            // What is stored now is read once more before anything is built on it.
            Ok(()) => {
                writes += 1;
                *all_writes = all_writes.wrapping_add(1);
                info!(%object, "wrote the CA bundle");
            }
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => return Err(failed("patch", error)),
        }
    }
    Err(CertificateError::Contended(object))
}

// === impl Change ===

impl Change<'_> {
    /// By server-side apply, which owns the bundles alone; by a merge patch where the server has no apply: before
    /// Kubernetes 1.16, and where its feature gate is off. Both fail where somebody else was faster.
    async fn write(
        &self,
        api: &Api<DynamicObject>,
        version: &str,
        kind: &str,
    ) -> Result<(), kube::Error> {
        if self.has_apply {
            let parameters = PatchParams::apply(MANAGER).force();
            let patch = Patch::Apply(self.applied(version, kind));
            match api.patch(NAME, &parameters, &patch).await {
                Err(kube::Error::Api(status)) if status.code == UNKNOWN_PATCH => {}
                other => return other.map(drop),
            }
        }
        let patch = Patch::Merge(self.merged());
        let patched = api.patch(NAME, &PatchParams::default(), &patch).await;
        patched.map(drop)
    }

    fn applied(&self, version: &str, kind: &str) -> Value {
        let own: Value = self
            .webhooks
            .iter()
            .map(|webhook| {
                json!({ "name": webhook.get("name"), "clientConfig": { "caBundle": self.text } })
            })
            .collect();
        json!({
            "apiVersion": format!("{GROUP}/{version}"),
            "kind": kind,
            "metadata": self.metadata(),
            "webhooks": own,
        })
    }

    /// A list is replaced as a whole.
    fn merged(&self) -> Value {
        let mut webhooks = self.webhooks.to_vec();
        for webhook in &mut webhooks {
            let client = webhook.get_mut("clientConfig");
            if let Some(client) = client.and_then(Value::as_object_mut) {
                client.insert("caBundle".to_owned(), json!(self.text));
            }
        }
        json!({ "metadata": self.metadata(), "webhooks": webhooks })
    }

    fn metadata(&self) -> Value {
        json!({ "name": NAME, "resourceVersion": self.resource_version.unwrap_or_default() })
    }
}

/// The bundle of a webhook, in base64.
fn bundle_text(webhook: &Value) -> &str {
    webhook
        .pointer("/clientConfig/caBundle")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The bundle in a text of base64, as a webhook configuration holds it.
fn bundle_of(base64_text: &str, now: SystemTime) -> Bundle {
    let bytes = BASE64_STANDARD.decode(base64_text).unwrap_or_default();
    Bundle::read_all(&String::from_utf8_lossy(&bytes), now)
}
