//! Scripts in ConfigMaps and Secrets of the input that start Tiller, and the workloads that run them. In a cluster nobody tells a
//! webhook what they hold.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Judging;
use super::texts::texts;
use crate::k8s::texts_under;
use crate::manifest::ManifestObject;
use crate::tiller::script_starts_tiller;

/// A key of a ConfigMap or a Secret whose value starts Tiller where it is run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Script {
    /// The holder's namespace.
    pub namespace: Option<String>,
    /// Whether a Secret holds it, and no ConfigMap.
    pub is_secret: bool,
    /// The holder's name.
    pub holder: String,
    /// The key, which is the name of the file or the variable too, unless a pod gives it another one.
    pub key: String,
}

// === impl Script ===

impl Script {
    /// The holder's kind and name.
    pub fn held_by(&self) -> String {
        let kind = if self.is_secret {
            "Secret"
        } else {
            "ConfigMap"
        };
        format!("{kind} {}", self.holder)
    }

    /// The fields with which a pod takes the holder in, and the field of each with the name.
    fn references(&self) -> &'static [(&'static str, &'static str)] {
        const OF_CONFIG_MAP: [(&str, &str); 3] = [
            ("configMap", "name"),
            ("configMapRef", "name"),
            ("configMapKeyRef", "name"),
        ];
        // A part of a projected volume names a Secret otherwise than a volume does.
        const OF_SECRET: [(&str, &str); 4] = [
            ("secret", "secretName"),
            ("secret", "name"),
            ("secretRef", "name"),
            ("secretKeyRef", "name"),
        ];
        if self.is_secret {
            &OF_SECRET
        } else {
            &OF_CONFIG_MAP
        }
    }

    /// The reference to the holder in this mapping, by which it is taken in.
    fn reference<'v>(&self, value: &'v Value) -> Option<(&'static str, &'v Value)> {
        self.references().iter().find_map(|(field, name)| {
            let reference = value.get(field)?;
            let is_holder = reference
                .get(name)
                .is_some_and(|it| *it == *self.holder.as_str());
            is_holder.then_some((*field, reference))
        })
    }

    /// The file that a volume, or a part of a projected one, makes of the key.
    fn file<'v>(&'v self, source: &'v Value) -> Option<&'v str> {
        let (_, reference) = self.reference(source)?;
        let items = reference.get("items").and_then(Value::as_array);
        let Some(items) = items.filter(|it| !it.is_empty()) else {
            return Some(&self.key);
        };
        let item = items
            .iter()
            .find(|it| it.get("key").is_some_and(|it| *it == *self.key.as_str()))?;
        item.get("path")?.as_str()
    }

    /// The file that a volume of a pod makes of the key.
    fn file_in<'v>(&'v self, volume: &'v Value) -> Option<&'v str> {
        let projected = volume
            .pointer("/projected/sources")
            .and_then(Value::as_array);
        let mut sources = std::iter::once(volume).chain(projected.into_iter().flatten());
        sources.find_map(|source| self.file(source))
    }
}

/// What a pod calls a script.
#[derive(Debug, Default)]
struct Names<'v> {
    /// The files and variables.
    files: Vec<&'v str>,
    /// The folders with such a file.
    folders: Vec<&'v str>,
    /// Whether a variable of another name holds it.
    is_variable: bool,
}

/// The scripts of an object.
pub(super) fn scripts(object: &ManifestObject, judging: &Judging) -> Vec<Script> {
    let namespace = object.namespace.as_ref().or(judging.namespace.as_ref());
    let starting = texts(object).filter(|(_, _, text)| script_starts_tiller(text));
    starting
        .map(|(_, key, _)| Script {
            namespace: namespace.cloned(),
            is_secret: object.kind == "Secret",
            holder: object.name.clone(),
            key: key.to_owned(),
        })
        .collect()
}

/// The script that an object runs: it takes in what holds it, and its commands name the key, or what the pod calls it.
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
        if script.namespace.as_ref() != namespace || !takes_in(&object.value, script) {
            return false;
        }
        let mut names = Names::default();
        name(&object.value, script, &mut names);
        let names_one = |command: &str| {
            let mut files = names.files.iter().copied().chain([script.key.as_str()]);
            files.any(|it| holds(command, it, false))
                || names.folders.iter().any(|it| holds(command, it, true))
                || names.is_variable && command.contains('$')
        };
        commands.iter().copied().any(names_one)
    })
}

/// Collects what the pods in an object call the script.
fn name<'v>(value: &'v Value, script: &'v Script, names: &mut Names<'v>) {
    let list = |field: &str| value.get(field).and_then(Value::as_array);
    let volumes = list("volumes").into_iter().flatten();
    for (volume, file) in volumes.filter_map(|it| Some((it.get("name")?, script.file_in(it)?))) {
        names.files.extend(file.rsplit('/').next());
        mounted(value, volume, file, names);
    }
    match value {
        Value::Object(fields) => {
            if let Some((field, reference)) = script.reference(value)
                && field.ends_with("KeyRef")
            {
                names.is_variable |= reference
                    .get("key")
                    .is_some_and(|it| *it == *script.key.as_str());
            }
            fields.values().for_each(|it| name(it, script, names));
        }
        Value::Array(items) => items.iter().for_each(|it| name(it, script, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Collects where a volume with this file is mounted in the containers of a pod.
fn mounted<'v>(pod: &'v Value, volume: &Value, file: &str, names: &mut Names<'v>) {
    let lists = ["containers", "initContainers"].into_iter();
    let containers = lists.filter_map(|it| pod.get(it)?.as_array()).flatten();
    let mounts = containers.filter_map(|it| it.get("volumeMounts")?.as_array());
    for mount in mounts.flatten().filter(|it| it.get("name") == Some(volume)) {
        let Some(path) = mount.get("mountPath").and_then(Value::as_str) else {
            continue;
        };
        match mount.get("subPath").and_then(Value::as_str) {
            Some(part) if part == file => names.files.extend(path.rsplit('/').next()),
            Some(_) => {}
            None => names.folders.push(path.trim_end_matches('/')),
        }
    }
}

/// Whether a command holds a name by itself: of a folder, with no file of it after it.
fn holds(command: &str, name: &str, is_folder: bool) -> bool {
    let in_name = |it: char| it.is_ascii_alphanumeric() || "._-".contains(it);
    !name.is_empty()
        && command.match_indices(name).any(|(at, _)| {
            let before = command.get(..at).unwrap_or_default();
            let after = command.get(at + name.len()..).unwrap_or_default();
            let after = if is_folder {
                after.strip_prefix('/').unwrap_or(after)
            } else {
                after
            };
            !before.ends_with(in_name) && !after.starts_with(in_name)
        })
}

/// Whether an object takes the holder of a script in, as files or as variables.
fn takes_in(value: &Value, script: &Script) -> bool {
    match value {
        Value::Object(fields) => {
            script.reference(value).is_some() || fields.values().any(|it| takes_in(it, script))
        }
        Value::Array(items) => items.iter().any(|it| takes_in(it, script)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
