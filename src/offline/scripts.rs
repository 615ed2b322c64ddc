//! Scripts in ConfigMaps of the input that start Tiller, and the workloads that run them. In a cluster nobody tells a webhook what
//! a ConfigMap holds.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Judging;
use crate::k8s::texts_under;
use crate::manifest::ManifestObject;
use crate::tiller::script_starts_tiller;

/// A key of a ConfigMap whose value starts Tiller where it is run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Script {
    /// The ConfigMap's namespace.
    pub namespace: Option<String>,
    /// Its name.
    pub config_map: String,
    /// The key, which is the name of the file or the variable too.
    pub key: String,
}

/// The scripts of an object.
pub(super) fn scripts(object: &ManifestObject, judging: &Judging) -> Vec<Script> {
    let is_config_map = object.api_version == "v1" && object.kind == "ConfigMap";
    let data = object.value.get("data").and_then(Value::as_object);
    let data = data.filter(|_| is_config_map).into_iter().flatten();
    let starting = data.filter(|(_, value)| value.as_str().is_some_and(script_starts_tiller));
    let namespace = object.namespace.as_ref().or(judging.namespace.as_ref());
    starting
        .map(|(key, _)| Script {
            namespace: namespace.cloned(),
            config_map: object.name.clone(),
            key: key.clone(),
        })
        .collect()
}

/// The script that an object runs: it takes in the ConfigMap, and its commands name the key.
pub(super) fn run_by<'s>(
    object: &ManifestObject,
    judging: &Judging,
    scripts: &'s BTreeSet<Script>,
) -> Option<&'s Script> {
    if scripts.is_empty() || object.value.get("spec").is_none() {
        return None;
    }
    let namespace = object.namespace.as_ref().or(judging.namespace.as_ref());
    let mut commands = Vec::new();
    texts_under(&object.value, &["command", "args"], &mut commands);
    scripts.iter().find(|script| {
        script.namespace.as_ref() == namespace
            && takes_in(&object.value, &script.config_map)
            && (commands.iter().any(|it| it.contains(script.key.as_str()))
                || commands.iter().any(|it| it.contains('$')) && takes_key(&object.value, script))
    })
}

/// Whether an object takes this key in as a variable, whatever its name.
fn takes_key(value: &Value, script: &Script) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(field, value)| {
            let is = |key: &str, text: &str| value.get(key).is_some_and(|it| it == text);
            field == "configMapKeyRef" && is("name", &script.config_map) && is("key", &script.key)
                || takes_key(value, script)
        }),
        Value::Array(items) => items.iter().any(|it| takes_key(it, script)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Whether an object takes a ConfigMap in, as files or as variables.
fn takes_in(value: &Value, config_map: &str) -> bool {
    const REFERENCES: [&str; 3] = ["configMap", "configMapRef", "configMapKeyRef"];
    match value {
        Value::Object(fields) => fields.iter().any(|(key, field)| {
            let names = || field.get("name").is_some_and(|it| it == config_map);
            REFERENCES.contains(&key.as_str()) && names() || takes_in(field, config_map)
        }),
        Value::Array(items) => items.iter().any(|it| takes_in(it, config_map)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
