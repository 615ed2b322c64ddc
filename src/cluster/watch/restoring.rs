//! Writes webhook configurations back that somebody has edited, if `serve` is told to.
//!
//! One that is deleted is only reported: `uninstall` deletes them first, and nobody who may create one needs this. One that asks about
//! trials only belongs to an `install` that has not proven itself yet.

use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use serde_json::{Value, json};
use tracing::{info, warn};

use crate::cluster::drift::drift;
use crate::cluster::install::registration;
use crate::cluster::told::words;
use crate::cluster::{Cluster, aks};
use crate::k8s::registration::{GROUP, NAME, TRIAL_LABEL};

/// Writes each configuration back that differs from what it should say, with the CAs that it holds.
pub(super) async fn restore(cluster: &Cluster, wanted: [Value; 2]) {
    for wanted in wanted {
        let kind = wanted.get("kind").and_then(Value::as_str);
        let kind = kind.unwrap_or_default().to_owned();
        match restore_one(cluster, &kind, wanted).await {
            Ok(true) => info!(
                kind,
                "wrote the webhook configuration back as install writes it"
            ),
            Ok(false) => {}
            Err(error) => {
                let error = words(&error);
                warn!(kind, %error, "cannot write the webhook configuration back");
            }
        }
    }
}

/// Whether there was anything to write.
async fn restore_one(
    cluster: &Cluster,
    kind: &str,
    mut wanted: Value,
) -> Result<bool, kube::Error> {
    let Some(live) = registration(cluster, kind).await? else {
        return Ok(false);
    };
    if drift(&wanted, &live).is_empty() || asks_about_trials(&live) {
        return Ok(false);
    }
    aks::keep(&mut wanted, &live);
    keep_bundles(&mut wanted, &live);
    let version = cluster.registration_version().await?;
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(GROUP, version, kind));
    let api: Api<DynamicObject> = Api::all_with(cluster.client().clone(), &resource);
    let patch = json!({
        "metadata": { "resourceVersion": live.pointer("/metadata/resourceVersion") },
        "webhooks": wanted.get("webhooks"),
    });
    let parameters = PatchParams::default();
    api.patch(NAME, &parameters, &Patch::Merge(&patch)).await?;
    Ok(true)
}

fn asks_about_trials(live: &Value) -> bool {
    let labels = |webhook: &Value| webhook.pointer("/objectSelector/matchLabels").cloned();
    webhooks(live).any(|webhook| labels(webhook).is_some_and(|it| it.get(TRIAL_LABEL).is_some()))
}

/// Gives each webhook the CAs of the one of its name, or of another one.
fn keep_bundles(wanted: &mut Value, live: &Value) {
    let bundle = |webhook: &Value| {
        let text = webhook.pointer("/clientConfig/caBundle")?.as_str()?;
        (!text.is_empty()).then(|| text.to_owned())
    };
    let any = webhooks(live).find_map(bundle);
    let written = wanted.get_mut("webhooks").and_then(Value::as_array_mut);
    for webhook in written.into_iter().flatten() {
        let same = webhooks(live).find(|it| it.get("name") == webhook.get("name"));
        let kept = same.and_then(bundle).or_else(|| any.clone());
        let client = webhook.get_mut("clientConfig");
        if let (Some(kept), Some(client)) = (kept, client.and_then(Value::as_object_mut)) {
            client.insert("caBundle".to_owned(), json!(kept));
        }
    }
}

fn webhooks(configuration: &Value) -> impl Iterator<Item = &Value> {
    let webhooks = configuration.get("webhooks").and_then(Value::as_array);
    webhooks.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_webhook_keeps_the_cas_that_are_known() {
        let webhook = |name: &str, bundle: Value| json!({ "name": name, "clientConfig": { "caBundle": bundle } });
        let live = json!({ "webhooks": [webhook("a", json!("QQ==")), webhook("b", json!(""))] });
        let mut wanted = json!({ "webhooks": [
            { "name": "a", "clientConfig": {} }, { "name": "b", "clientConfig": {} }, { "name": "c", "clientConfig": {} },
        ] });
        keep_bundles(&mut wanted, &live);
        for webhook in webhooks(&wanted) {
            assert_eq!(
                webhook.pointer("/clientConfig/caBundle"),
                Some(&json!("QQ=="))
            );
        }
        let mut wanted = json!({ "webhooks": [{ "name": "a", "clientConfig": {} }] });
        keep_bundles(
            &mut wanted,
            &json!({ "webhooks": [webhook("a", json!(""))] }),
        );
        assert_eq!(wanted.pointer("/webhooks/0/clientConfig"), Some(&json!({})));
    }

    #[test]
    fn a_configuration_of_a_trial_is_known_by_its_selector() {
        let selector = |labels: Value| json!({ "webhooks": [{ "objectSelector": { "matchLabels": labels } }] });
        assert!(asks_about_trials(&selector(json!({ TRIAL_LABEL: "true" }))));
        assert!(!asks_about_trials(&selector(json!({ "guarded": "yes" }))));
        assert!(!asks_about_trials(
            &json!({ "webhooks": [{ "objectSelector": {} }] })
        ));
    }
}
