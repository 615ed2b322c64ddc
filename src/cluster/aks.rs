//! What AKS' admissions enforcer writes into webhook configurations that do not ask it not to.
//!
//! It adds expressions to each `namespaceSelector`, by which AKS' own namespaces, `kube-system` among them, are left out,
//! and adds them again if somebody removes them. The annotation keeps it from adding more; what it has added stays.
//!
//! Source: AKS' documentation, "Can I use admission controller webhooks on AKS?", and what others saw it write
//! (Azure/AKS 1771 and 4002): the first expression until 2022, the other two since.

use std::collections::BTreeSet;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Cluster;
use super::lookup::each_labelled;

/// A webhook without what the enforcer has added to it.
pub(super) fn without_its_own(webhook: &Value) -> Value {
    let mut webhook = webhook.clone();
    let selector = webhook.get_mut("namespaceSelector");
    if let Some(selector) = selector.and_then(Value::as_object_mut)
        && let Some(Value::Array(expressions)) = selector.get_mut("matchExpressions")
    {
        expressions.retain(|it| !is_its_own(it));
        if expressions.is_empty() {
            selector.remove("matchExpressions");
        }
    }
    webhook
}

/// Whether it has left AKS' own namespaces out of a configuration.
pub(super) fn has_written(configuration: &Value) -> bool {
    webhooks(configuration).any(|webhook| its_own(webhook).next().is_some())
}

/// Gives each webhook of a configuration what the enforcer has added to that of the same name, so that writing it anew
/// changes nothing.
pub(super) fn keep(wanted: &mut Value, live: &Value) {
    let written = wanted.get_mut("webhooks").and_then(Value::as_array_mut);
    for webhook in written.into_iter().flatten() {
        let same = webhooks(live).find(|it| it.get("name") == webhook.get("name"));
        let added: Vec<Value> = same.into_iter().flat_map(its_own).cloned().collect();
        let selector = webhook.get_mut("namespaceSelector");
        if let (false, Some(selector)) = (added.is_empty(), selector.and_then(Value::as_object_mut))
        {
            let expressions = selector.entry("matchExpressions").or_insert(json!([]));
            if let Some(expressions) = expressions.as_array_mut() {
                expressions.extend(added);
            }
        }
    }
}

/// The namespaces that its expressions leave out: AKS labels its own so. A label that a tenant may set leaves out others too.
pub(super) async fn excluded_namespaces(cluster: &Cluster) -> Result<Vec<String>, kube::Error> {
    let mut excluded = BTreeSet::new();
    for selector in ["control-plane", "kubernetes.azure.com/managedby=aks"] {
        let take = |namespace: Box<RawValue>| {
            let namespace: Value = serde_json::from_str(namespace.get()).unwrap_or_default();
            let name = namespace.pointer("/metadata/name").and_then(Value::as_str);
            excluded.extend(name.map(ToOwned::to_owned));
        };
        each_labelled(cluster.client(), None, ("namespaces", selector), take).await?;
    }
    Ok(excluded.into_iter().collect())
}

fn webhooks(configuration: &Value) -> impl Iterator<Item = &Value> {
    let webhooks = configuration.get("webhooks").and_then(Value::as_array);
    webhooks.into_iter().flatten()
}

/// The expressions that are the enforcer's.
fn its_own(webhook: &Value) -> impl Iterator<Item = &Value> {
    let expressions = webhook.pointer("/namespaceSelector/matchExpressions");
    let expressions = expressions.and_then(Value::as_array).into_iter().flatten();
    expressions.filter(|it| is_its_own(it))
}

fn is_its_own(expression: &Value) -> bool {
    let text = |field| expression.get(field).and_then(Value::as_str);
    let values = expression.get("values").and_then(Value::as_array);
    let values: Vec<&str> = values
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    matches!(
        (text("key"), text("operator"), values.as_slice()),
        (Some("control-plane"), Some("DoesNotExist"), [])
            | (Some("control-plane"), Some("NotIn"), ["true"])
            | (
                Some("kubernetes.azure.com/managedby"),
                Some("NotIn"),
                ["aks"]
            )
    )
}
