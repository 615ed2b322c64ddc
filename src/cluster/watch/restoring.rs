//! Restores webhook configurations that somebody edited or deleted, if `serve` has the option `--restore-webhooks`.
//!
//! A pod creates a deleted configuration only if it saw it before: otherwise `install` has not written it yet. An uninstallation
//! deletes the Deployment within seconds too; without the Deployment, nothing is restored. A configuration that only asks about trials
//! belongs to an `install` that is not finished.

use std::collections::BTreeMap;
use std::time::Duration;

use kube::Api;
use kube::api::{
    ApiResource, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams, PostParams,
};
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use tracing::{info, warn};

use crate::cluster::drift::drift;
use crate::cluster::install::{bundle, webhook_configuration};
use crate::cluster::team::api;
use crate::cluster::told::words;
use crate::cluster::{Cluster, aks};
use crate::k8s::webhook_configuration::{GROUP, NAME, TRIAL_LABEL};

/// How long a configuration must be missing before it is made again.
const MISSING: Duration = Duration::from_secs(10);
/// The option by which a Deployment says that its pods restore.
const OPTION: &str = "--restore-webhooks";
/// What a configuration keeps that is made again: whose it is.
const KEPT: [&str; 4] = ["name", "labels", "annotations", "ownerReferences"];

/// The configurations as they were last seen, by kind.
#[derive(Debug, Default)]
pub(super) struct Seen(BTreeMap<String, Last>);

#[derive(Debug, Default)]
struct Last {
    /// What it keeps, if it was ever there.
    metadata: Option<Value>,
    /// Since when it is missing.
    missing: Option<Instant>,
}

// === impl Seen ===

impl Seen {
    /// Takes down what is there now.
    pub(super) fn saw(&mut self, kind: &str, live: Option<&Value>, now: Instant) {
        let last = self.0.entry(kind.to_owned()).or_default();
        last.missing = match live {
            None => last.missing.or(Some(now)),
            Some(_) => None,
        };
        if let Some(live) = live.filter(|live| !asks_about_trials(live)) {
            last.metadata = Some(kept(live));
        }
    }

    /// What a configuration keeps that was there and is missing for long enough.
    fn lost(&self, kind: &str, now: Instant) -> Option<&Value> {
        let Last { metadata, missing } = self.0.get(kind)?;
        let long = now.duration_since((*missing)?) >= MISSING;
        metadata.as_ref().filter(|_| long)
    }
}

fn kept(live: &Value) -> Value {
    let metadata = live.get("metadata").and_then(Value::as_object);
    let mut kept = Map::new();
    for (key, value) in metadata.into_iter().flatten() {
        if KEPT.contains(&key.as_str()) {
            kept.insert(key.clone(), value.clone());
        }
    }
    kept.into()
}

/// Writes each configuration back that differs from what it should say, with the CAs that it holds, or that is missing. True if one
/// was written, or could not be.
pub(super) async fn restore(
    cluster: &Cluster,
    own_namespace: &str,
    wanted: [Value; 2],
    seen: &Seen,
) -> bool {
    let mut tried = false;
    for wanted in wanted {
        let kind = wanted.get("kind").and_then(Value::as_str);
        let kind = kind.unwrap_or_default().to_owned();
        let lost = seen.lost(&kind, Instant::now());
        match restore_one(cluster, own_namespace, &kind, wanted, lost).await {
            Ok(false) => continue,
            Ok(true) => info!(
                kind,
                "wrote the webhook configuration back as install writes it"
            ),
            Err(error) => {
                let error = words(&error);
                warn!(kind, %error, "cannot write the webhook configuration back");
            }
        }
        tried = true;
    }
    tried
}

/// Whether there was anything to write.
async fn restore_one(
    cluster: &Cluster,
    own_namespace: &str,
    kind: &str,
    mut wanted: Value,
    lost: Option<&Value>,
) -> Result<bool, kube::Error> {
    let version = cluster.webhook_configuration_version().await?;
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(GROUP, version, kind));
    let api: Api<DynamicObject> = Api::all_with(cluster.client().clone(), &resource);
    let Some(live) = webhook_configuration(cluster, kind).await? else {
        let Some(metadata) = lost else {
            return Ok(false);
        };
        return make_again(cluster, own_namespace, &api, wanted, metadata).await;
    };
    if drift(&wanted, &live).is_empty() || asks_about_trials(&live) {
        return Ok(false);
    }
    aks::keep(&mut wanted, &live);
    keep_bundles(&mut wanted, &live);
    let patch = json!({
        "metadata": { "resourceVersion": live.pointer("/metadata/resourceVersion") },
        "webhooks": wanted.get("webhooks"),
    });
    let parameters = PatchParams::default();
    api.patch(NAME, &parameters, &Patch::Merge(&patch)).await?;
    Ok(true)
}

/// Makes a configuration again, with the CAs that the pods serve by. False if the installation is being removed, or no CA is known: without
/// one the API server would refuse what it asks about.
async fn make_again(
    cluster: &Cluster,
    own_namespace: &str,
    configurations: &Api<DynamicObject>,
    mut wanted: Value,
    metadata: &Value,
) -> Result<bool, kube::Error> {
    if !is_to_restore(cluster, own_namespace).await? {
        return Ok(false);
    }
    let Some(bundle) = bundle(cluster, own_namespace).await? else {
        return Ok(false);
    };
    let webhooks = wanted.get_mut("webhooks").and_then(Value::as_array_mut);
    for webhook in webhooks.into_iter().flatten() {
        if let Some(client) = webhook
            .get_mut("clientConfig")
            .and_then(Value::as_object_mut)
        {
            client.insert("caBundle".to_owned(), json!(bundle));
        }
    }
    if let Some(fields) = wanted.as_object_mut() {
        fields.insert("metadata".to_owned(), metadata.clone());
    }
    let wanted = serde_json::from_value(wanted).map_err(kube::Error::SerdeError)?;
    match configurations.create(&PostParams::default(), &wanted).await {
        Ok(_) => Ok(true),
        // Another pod was faster.
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the guard's Deployment is there, stays, and says so.
async fn is_to_restore(cluster: &Cluster, own_namespace: &str) -> Result<bool, kube::Error> {
    let by_name = ListParams::default().fields(&format!("metadata.name={NAME}"));
    let deployments = api(cluster, "apps/v1", "Deployment", own_namespace);
    let found = deployments.list(&by_name).await?;
    Ok(found.items.iter().any(|deployment| {
        let arguments = deployment
            .data
            .pointer("/spec/template/spec/containers/0/args");
        let arguments = arguments.and_then(Value::as_array);
        let says_so = arguments.is_some_and(|it| it.iter().any(|it| it == OPTION));
        says_so && deployment.metadata.deletion_timestamp.is_none()
    }))
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
    fn only_what_was_there_is_made_again_and_not_at_once() {
        let live = json!({
            "metadata": { "name": "tiller-guard", "labels": { "a": "b" }, "uid": "1", "resourceVersion": "2" },
            "webhooks": [{ "objectSelector": {} }],
        });
        let trial = json!({ "webhooks": [{ "objectSelector": { "matchLabels": { TRIAL_LABEL: "true" } } }] });
        let begin = Instant::now();
        for (first, is_kept) in [(Some(&live), true), (Some(&trial), false), (None, false)] {
            let mut seen = Seen::default();
            seen.saw("K", first, begin);
            seen.saw("K", None, begin);
            seen.saw("K", None, begin + MISSING / 2);
            assert_eq!(seen.lost("K", begin + MISSING / 2), None);
            let kept = json!({ "name": "tiller-guard", "labels": { "a": "b" } });
            let expected = is_kept.then_some(&kept);
            assert_eq!(seen.lost("K", begin + MISSING), expected);
            seen.saw("K", Some(&live), begin + MISSING);
            assert_eq!(seen.lost("K", begin + MISSING), None);
        }
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
