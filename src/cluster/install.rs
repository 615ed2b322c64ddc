//! What an installation needs to know of the cluster, and waits for.

use std::collections::BTreeMap;

use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams};
use serde_json::{Map, Value, json};

use super::apply::Effect;
use super::team::api;
use super::told::RequestError;
use super::{Cluster, aks};
use crate::installation::{CA_SECRET, Installation, POLICY_FILE};
use crate::k8s::webhook_configuration::{GROUP, NAME, NAME_LABEL, SYSTEM_NAMESPACE, TRIAL_LABEL};

/// The first Kubernetes 1.x whose webhooks select objects by label.
const HAS_OBJECT_SELECTOR: u16 = 15;
/// The first Kubernetes 1.x that gives namespaces the label of their name itself.
pub const LABELS_NAMESPACES: u16 = 21;
/// The kinds of webhook configurations.
const KINDS: [&str; 2] = [
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// The CAs that the webhook configurations are to hold, in base64: those that they hold already, so that writing them
/// anew does not lose any, or those that the guard has made. None where it has made none yet.
pub async fn bundle(cluster: &Cluster, namespace: &str) -> Result<Option<String>, kube::Error> {
    let live = webhook_configuration(cluster, "ValidatingWebhookConfiguration").await?;
    let text = live.as_ref().and_then(|live| {
        let webhooks = live.get("webhooks")?.as_array()?;
        let mut texts = webhooks
            .iter()
            .filter_map(|webhook| webhook.pointer("/clientConfig/caBundle")?.as_str());
        texts.find(|text| !text.is_empty()).map(ToOwned::to_owned)
    });
    if text.is_some() {
        return Ok(text);
    }
    let kind = ("", "v1", "Secret");
    let secret = get(cluster, kind, Some(namespace), CA_SECRET).await?;
    // The data of a Secret is base64 as a caBundle is.
    let made = secret
        .as_ref()
        .and_then(|it| it.pointer("/data/ca.crt")?.as_str());
    Ok(made.map(ToOwned::to_owned))
}

/// The policy file that is installed, if there is one.
pub async fn policy_text(
    cluster: &Cluster,
    namespace: &str,
) -> Result<Option<String>, kube::Error> {
    let kind = ("", "v1", "ConfigMap");
    let found = get(cluster, kind, Some(namespace), POLICY_FILE).await?;
    let text = found
        .as_ref()
        .and_then(|it| it.pointer("/data/policy.yaml")?.as_str());
    Ok(text.map(ToOwned::to_owned))
}

/// One of the two webhook configurations, as it is.
pub(super) async fn webhook_configuration(
    cluster: &Cluster,
    kind: &str,
) -> Result<Option<Value>, kube::Error> {
    let version = cluster.webhook_configuration_version().await?;
    get(cluster, (GROUP, version, kind), None, NAME).await
}

/// The two webhook configurations to write: in the version that is served, with nothing that makes them ask
/// about less than they say but what AKS adds, where it is not told to leave them.
pub async fn webhook_configurations(
    cluster: &Cluster,
    planned: &Installation,
) -> Result<[Value; 2], kube::Error> {
    let version = cluster.webhook_configuration_version().await?;
    let mut configurations = planned.webhook_configurations();
    for object in configurations.iter_mut().filter_map(Value::as_object_mut) {
        object.insert("apiVersion".to_owned(), json!(format!("{GROUP}/{version}")));
        let webhooks = object.get_mut("webhooks").and_then(Value::as_array_mut);
        let webhooks = webhooks.into_iter().flatten();
        for webhook in webhooks.filter_map(Value::as_object_mut) {
            for (since, field, nothing) in [
                (15, "objectSelector", json!({})),
                (28, "matchConditions", json!([])),
            ] {
                if cluster.version().is_from(since) {
                    webhook.entry(field).or_insert(nothing);
                }
            }
        }
    }
    if !planned.place.aks {
        for wanted in &mut configurations {
            let kind = wanted.get("kind").and_then(Value::as_str);
            let kind = kind.unwrap_or_default().to_owned();
            if let Some(live) = webhook_configuration(cluster, &kind).await? {
                aks::keep(wanted, &live);
            }
        }
    }
    Ok(configurations)
}

/// Lets webhook configurations belong to the guard's namespace, where that is there. When it is deleted, by whatever way, the
/// garbage collector deletes them too: nothing asks a guard that is gone. In another cluster they would be deleted at
/// once, since the namespace's `uid` is another there.
pub async fn let_belong(
    cluster: &Cluster,
    namespace: &str,
    configurations: &mut [Value; 2],
) -> Result<(), kube::Error> {
    let found = get(cluster, ("", "v1", "Namespace"), None, namespace).await?;
    let Some(uid) = found.as_ref().and_then(|it| it.pointer("/metadata/uid")) else {
        return Ok(());
    };
    let owners =
        json!([{ "apiVersion": "v1", "kind": "Namespace", "name": namespace, "uid": uid }]);
    for configuration in configurations {
        let metadata = configuration.get_mut("metadata");
        if let Some(metadata) = metadata.and_then(Value::as_object_mut) {
            metadata.insert("ownerReferences".to_owned(), owners.clone());
        }
    }
    Ok(())
}

/// An object, as it is.
pub(super) async fn get(
    cluster: &Cluster,
    (group, version, kind): (&str, &str, &str),
    namespace: Option<&str>,
    name: &str,
) -> Result<Option<Value>, kube::Error> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    let client = cluster.client().clone();
    let api: Api<DynamicObject> = match namespace {
        Some(namespace) => Api::namespaced_with(client, namespace, &resource),
        None => Api::all_with(client, &resource),
    };
    let found = api.get_opt(name).await?;
    found
        .map(serde_json::to_value)
        .transpose()
        .map_err(kube::Error::SerdeError)
}

/// The webhook configurations that are there.
pub async fn registered(cluster: &Cluster) -> Result<Vec<Value>, kube::Error> {
    let mut found = Vec::new();
    for kind in KINDS {
        found.extend(webhook_configuration(cluster, kind).await?);
    }
    Ok(found)
}

/// The namespace of another installation: one beside `namespace` that is there, and that most webhooks lead to. A field that
/// somebody changed is drift, and moves no installation.
pub async fn other_installation(
    cluster: &Cluster,
    namespace: &str,
) -> Result<Option<String>, kube::Error> {
    let mut live = registered(cluster).await?;
    let mut asked: BTreeMap<&str, usize> = BTreeMap::new();
    for webhook in webhooks(&mut live) {
        let service = webhook.get("clientConfig").and_then(|it| it.get("service"));
        if let Some(namespace) = service.and_then(|it| it.get("namespace")?.as_str()) {
            *asked.entry(namespace).or_default() += 1;
        }
    }
    // Of two that are as many, this one.
    let most = asked
        .into_iter()
        .max_by_key(|(asked, count)| (*count, *asked == namespace));
    match most.filter(|(asked, _)| *asked != namespace) {
        Some((other, _)) if has_namespace(cluster, other).await? => Ok(Some(other.to_owned())),
        _ => Ok(None),
    }
}

/// Lets webhooks be asked only about what is tried by [`prove`](super::proof::prove), which no other object is refused for
/// while they do not answer. Kubernetes before 1.15 has no way to say so: false.
pub fn only_for_trials(cluster: &Cluster, configurations: &mut [Value; 2]) -> bool {
    let may_select = cluster.version().is_from(HAS_OBJECT_SELECTOR);
    if may_select {
        for webhook in webhooks(configurations) {
            let selector = json!({ "matchLabels": { TRIAL_LABEL: "true" } });
            webhook.insert("objectSelector".to_owned(), selector);
        }
    }
    may_select
}

/// Lets requests pass while nobody answers: every webhook's `failurePolicy` becomes `Ignore`.
pub async fn let_pass(cluster: &Cluster) -> Result<(), kube::Error> {
    let version = cluster.webhook_configuration_version().await?;
    for mut live in registered(cluster).await? {
        for webhook in webhooks(std::slice::from_mut(&mut live)) {
            webhook.insert("failurePolicy".to_owned(), json!("Ignore"));
        }
        let kind = live.get("kind").and_then(Value::as_str);
        let kind = GroupVersionKind::gvk(GROUP, version, kind.unwrap_or_default());
        let resource = ApiResource::from_gvk(&kind);
        let api: Api<DynamicObject> = Api::all_with(cluster.client().clone(), &resource);
        let patch = json!({
            "metadata": { "resourceVersion": live.pointer("/metadata/resourceVersion") },
            "webhooks": live.get("webhooks"),
        });
        let parameters = PatchParams::default();
        api.patch(NAME, &parameters, &Patch::Merge(&patch)).await?;
    }
    Ok(())
}

fn webhooks(configurations: &mut [Value]) -> impl Iterator<Item = &mut Map<String, Value>> {
    let lists = configurations
        .iter_mut()
        .filter_map(|it| it.get_mut("webhooks")?.as_array_mut());
    lists.flatten().filter_map(Value::as_object_mut)
}

/// Gives the namespaces of the control plane and of the guard, where they are there, the label of their name, which is the API
/// server's own from Kubernetes 1.21 on: the webhook configurations tell them by it. Those that lacked it.
pub async fn label_names<'n>(
    cluster: &Cluster,
    namespace: &'n str,
    effect: Effect,
) -> Result<Vec<&'n str>, RequestError> {
    let mut labelled = Vec::new();
    if cluster.version().is_from(LABELS_NAMESPACES) {
        return Ok(labelled);
    }
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "Namespace"));
    let api: Api<DynamicObject> = Api::all_with(cluster.client().clone(), &resource);
    let parameters = PatchParams {
        dry_run: effect == Effect::ServerDryRun,
        ..PatchParams::default()
    };
    for name in [SYSTEM_NAMESPACE, namespace] {
        let what = format!("Namespace {name}");
        let found = has_own_label(cluster, name).await;
        let lacks = found.map_err(RequestError::of("get", &what))? == Some(false);
        if !lacks || labelled.contains(&name) {
            continue;
        }
        if effect != Effect::Look {
            let patch = Patch::Merge(json!({ "metadata": { "labels": { NAME_LABEL: name } } }));
            let patched = api.patch(name, &parameters, &patch).await;
            let _patched = patched.map_err(RequestError::of("label", &what))?;
        }
        labelled.push(name);
    }
    Ok(labelled)
}

/// Whether a namespace has the label of its name.
pub async fn is_labelled(cluster: &Cluster, namespace: &str) -> Result<bool, kube::Error> {
    Ok(has_own_label(cluster, namespace).await? == Some(true))
}

/// The same; nothing where there is no such namespace.
async fn has_own_label(cluster: &Cluster, namespace: &str) -> Result<Option<bool>, kube::Error> {
    let found = get(cluster, ("", "v1", "Namespace"), None, namespace).await?;
    Ok(found.map(|found| {
        let labels = found.pointer("/metadata/labels");
        let label = labels.and_then(|labels| labels.get(NAME_LABEL)?.as_str());
        label == Some(namespace)
    }))
}

/// Whether there is a namespace of this name.
pub async fn has_namespace(cluster: &Cluster, name: &str) -> Result<bool, kube::Error> {
    let found = get(cluster, ("", "v1", "Namespace"), None, name).await?;
    Ok(found.is_some())
}

/// The guard in a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// The image that its Deployment names.
    pub image: String,
    /// How many pods are ready.
    pub ready: u64,
    /// How many pods there should be.
    pub wanted: u64,
}

/// The guard in this namespace, if there is one.
pub async fn guard(cluster: &Cluster, namespace: &str) -> Result<Option<Guard>, kube::Error> {
    let found = get(cluster, ("apps", "v1", "Deployment"), Some(namespace), NAME).await?;
    Ok(found.map(|found| {
        let number = |pointer| found.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
        let image = found.pointer("/spec/template/spec/containers/0/image");
        Guard {
            image: image.and_then(Value::as_str).unwrap_or_default().to_owned(),
            ready: number("/status/readyReplicas"),
            wanted: number("/spec/replicas"),
        }
    }))
}

/// Why the guard's pods are not ready, as far as they say: a line each.
pub async fn waiting(cluster: &Cluster, namespace: &str) -> Result<Vec<String>, kube::Error> {
    // Of a pod as `k8s-openapi` has it, the code to read it is 300 KB.
    let pods = api(cluster, "v1", "Pod", namespace);
    let selector = format!("app.kubernetes.io/name={NAME}");
    let found = pods.list(&ListParams::default().labels(&selector)).await?;
    let lines = found.items.iter().flat_map(|pod| {
        let name = pod.metadata.name.as_deref().unwrap_or_default();
        let told = reasons(pod.data.get("status").unwrap_or(&Value::Null));
        told.into_iter()
            .map(move |words| format!("Pod {name}: {}", words.join(": ")))
    });
    Ok(lines.collect())
}

/// Why a pod is not ready, by its status: reasons and messages.
fn reasons(status: &Value) -> Vec<Vec<&str>> {
    let list = |name| {
        status
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let waits = list("containerStatuses").filter_map(|it| it.pointer("/state/waiting"));
    let is_unscheduled = |it: &&Value| it["type"] == "PodScheduled" && it["status"] == "False";
    let lacks = list("conditions").filter(is_unscheduled);
    let told = waits.chain(lacks).map(|it| {
        let words = ["reason", "message"].map(|key| it.get(key).and_then(Value::as_str));
        words.into_iter().flatten().collect()
    });
    told.collect()
}

/// How far the pods of the Deployment are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rollout {
    /// How many are wanted.
    pub wanted: u64,
    /// How many of the newest kind there are.
    pub updated: u64,
    /// How many are ready.
    pub ready: u64,
    /// Whether the controller has seen the Deployment as it is.
    pub seen: bool,
}

// === impl Rollout ===

impl Rollout {
    /// Looks; nothing where there is no Deployment.
    pub async fn look(cluster: &Cluster, namespace: &str) -> Result<Option<Self>, kube::Error> {
        let found = get(cluster, ("apps", "v1", "Deployment"), Some(namespace), NAME).await?;
        Ok(found.as_ref().map(Self::of))
    }

    /// That of a Deployment.
    pub(super) fn of(found: &Value) -> Self {
        let number = |pointer| found.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
        Self {
            wanted: number("/spec/replicas"),
            updated: number("/status/updatedReplicas"),
            ready: number("/status/readyReplicas"),
            seen: number("/status/observedGeneration") >= number("/metadata/generation"),
        }
    }

    /// Whether all is as wanted.
    pub fn is_done(self) -> bool {
        self.seen && self.updated >= self.wanted && self.ready >= self.wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_says_why_it_is_not_ready() {
        let status = json!({
            "containerStatuses": [
                { "name": "a", "state": { "running": {} } },
                { "name": "b", "state": { "waiting": { "reason": "ImagePullBackOff", "message": "Back-off pulling image" } } },
            ],
            "conditions": [
                { "type": "Ready", "status": "False", "reason": "ContainersNotReady" },
                { "type": "PodScheduled", "status": "False", "reason": "Unschedulable" },
            ],
        });
        let expected = [
            vec!["ImagePullBackOff", "Back-off pulling image"],
            vec!["Unschedulable"],
        ];
        assert_eq!(reasons(&status), expected);
        assert!(reasons(&Value::Null).is_empty());
    }
}
