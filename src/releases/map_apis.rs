//! Manifests of releases with API versions that are served, in place of those that no longer are. Helm 3 and 4 neither
//! upgrade, roll back nor uninstall a release whose manifest names one.

use serde_json::{Map, Value, json};

use super::apis::{RemovedApi, Replacement, removed_api};
use crate::manifest::{Document, Part, Stream, to_yaml};

/// A manifest, mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// The manifest.
    pub manifest: String,
    /// What was done, in a sentence each.
    pub changes: Vec<String>,
    /// The texts of changed documents before and after. Others may hold what nobody needs to see.
    pub documents: Vec<(String, String)>,
}

/// Maps a manifest for Kubernetes 1.`minor`. Nothing where all of it is served; what cannot be read is left as it is.
pub fn map_apis(manifest: &str, minor: u16) -> Option<Mapped> {
    let stream = Stream::new("manifest", manifest.as_bytes().to_vec());
    let mut mapped = Mapped {
        manifest: String::with_capacity(manifest.len()),
        changes: Vec::new(),
        documents: Vec::new(),
    };
    for part in stream.parts() {
        let text = stream.text_of_part(&part);
        let done = match &part {
            Part::Document(document) => map_document(document, text, minor, &mut mapped.changes),
            Part::Unreadable(..) | Part::Blank(_) => None,
        };
        mapped.manifest.push_str(done.as_deref().unwrap_or(text));
        // A list may hold others beside what is changed.
        let is_list = matches!(&part, Part::Document(it) if it.value().get("items").is_some());
        if let Some(done) = done.filter(|_| !is_list) {
            mapped.documents.push((text.to_owned(), done));
        }
    }
    (!mapped.changes.is_empty()).then_some(mapped)
}

/// A document's text, mapped: empty where nothing of it is left.
fn map_document(
    document: &Document,
    text: &str,
    minor: u16,
    changes: &mut Vec<String>,
) -> Option<String> {
    let before = document.value();
    let mut after = before.clone();
    let is_kept = map_value(&mut after, minor, changes);
    if !is_kept {
        return Some(String::new());
    }
    if after == before {
        return None;
    }
    let edited = document.edited(text, &after);
    Some(edited.unwrap_or_else(|| {
        let head = if text.starts_with("---") { "---\n" } else { "" };
        format!("{head}{}", to_yaml(&after))
    }))
}

/// Maps an object, or the items of a list. False where nothing took its place.
fn map_value(object: &mut Value, minor: u16, changes: &mut Vec<String>) -> bool {
    if let Some(items) = object.get_mut("items").and_then(Value::as_array_mut) {
        items.retain_mut(|item| map_value(item, minor, changes));
        return true;
    }
    let text = |key: &str| {
        object
            .get(key)
            .and_then(Value::as_str)
            .map(ToOwned::to_owned)
    };
    let (Some(first), Some(kind)) = (text("apiVersion"), text("kind")) else {
        return true;
    };
    let name = object.pointer("/metadata/name").and_then(Value::as_str);
    let name = name.unwrap_or_default().to_owned();
    let mut version = first.clone();
    let mut remark = "";
    // What took the place of one may have gone since.
    while let Some(api) = removed_api(&version, &kind, minor) {
        let RemovedApi { replacement, .. } = api;
        let Some(next) = replacement.api_version() else {
            changes.push(format!(
                "{first} {kind} {name}: left out, Kubernetes has nothing in its place"
            ));
            return false;
        };
        next.clone_into(&mut version);
        match replacement {
            Replacement::Selector(_) => add_selector(object),
            Replacement::Ingress(_) => map_ingress(object),
            Replacement::OtherFields(_) => {
                remark =
                    "; its fields have other names now, so that a rollback to it may be refused";
            }
            Replacement::Same(_) | Replacement::Nothing => {}
        }
    }
    if version != first {
        if let Some(object) = object.as_object_mut() {
            object.insert("apiVersion".to_owned(), version.as_str().into());
        }
        changes.push(format!("{first} {kind} {name}: {version}{remark}"));
    }
    true
}

/// `apps/v1` wants the selector that older versions took from the pod template.
fn add_selector(object: &mut Value) {
    let labels = object.pointer("/spec/template/metadata/labels").cloned();
    let spec = object.get_mut("spec").and_then(Value::as_object_mut);
    let (Some(labels), Some(spec)) = (labels, spec) else {
        return;
    };
    spec.entry("selector")
        .or_insert_with(|| json!({ "matchLabels": labels }));
}

/// `networking.k8s.io/v1` names a backend's service and port apart, and a type for each path.
fn map_ingress(ingress: &mut Value) {
    let Some(spec) = ingress.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    if let Some(mut backend) = spec.shift_remove("backend") {
        map_backend(&mut backend);
        spec.insert("defaultBackend".to_owned(), backend);
    }
    let rules = spec.get_mut("rules").and_then(Value::as_array_mut);
    let paths = rules
        .into_iter()
        .flatten()
        .filter_map(|rule| rule.pointer_mut("/http/paths")?.as_array_mut());
    for path in paths.flatten() {
        if let Some(backend) = path.get_mut("backend") {
            map_backend(backend);
        }
        if let Some(path) = path.as_object_mut() {
            path.entry("pathType")
                .or_insert_with(|| "ImplementationSpecific".into());
        }
    }
}

fn map_backend(backend: &mut Value) {
    let Some(members) = backend.as_object_mut() else {
        return;
    };
    let name = members.shift_remove("serviceName");
    let port = members.shift_remove("servicePort");
    if name.is_none() && port.is_none() {
        return;
    }
    let mut service = Map::new();
    service.extend(name.map(|name| ("name".to_owned(), name)));
    let port = port.map(|port| match port.as_str() {
        Some(name) if name.parse::<u16>().is_err() => json!({ "name": name }),
        Some(number) => json!({ "number": number.parse::<u16>().ok() }),
        None => json!({ "number": port }),
    });
    service.extend(port.map(|port| ("port".to_owned(), port)));
    members.insert("service".to_owned(), service.into());
}
