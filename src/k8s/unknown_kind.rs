//! Signs of a Tiller in an object of a kind that is not read: an Argo `Workflow`, a Tekton `Task`, a `HelmRelease`.

use serde_json::{Map, Value};

use crate::json::{Read, read};
use crate::pod::{Container, PodSpec};
use crate::tiller::{Traits, is_tiller_image, recognise};

/// Fields that name an image in custom kinds.
const IMAGES: [&str; 4] = ["image", "imageName", "reference", "repository"];

/// The JSON pointer of the first sign of a Tiller in an object, however its kind arranges pods and containers. Containers of
/// other images than Tiller's have none.
pub fn sign_of_tiller(object: &Value, is_other: &dyn Fn(&str) -> bool) -> Option<String> {
    let name = text(object.pointer("/metadata/name"));
    let traits = Traits {
        workload_name: name,
        ..Traits::default()
    };
    search(object, traits, is_other, &mut String::new())
}

fn search(
    value: &Value,
    traits: Traits<'_>,
    is_other: &dyn Fn(&str) -> bool,
    pointer: &mut String,
) -> Option<String> {
    match value {
        Value::Object(fields) => {
            if is_tiller(value, fields, traits, is_other) {
                return Some(pointer.clone());
            }
            let labels = value.pointer("/metadata/labels");
            let label = |key| text(labels.and_then(|labels| labels.get(key)));
            fields.iter().find_map(|(key, field)| {
                let (app_label, name_label) = match key.as_str() {
                    "spec" => (label("app"), label("name")),
                    _ => ("", ""),
                };
                let traits = Traits {
                    app_label,
                    name_label,
                    ..traits
                };
                let token = key.replace('~', "~0").replace('/', "~1");
                within(pointer, &token, |pointer| {
                    let names = IMAGES.contains(&key.as_str())
                        && names_tiller(text(Some(field)))
                        && !is_other(text(Some(field)));
                    let own = names.then(|| pointer.clone());
                    own.or_else(|| search(field, traits, is_other, pointer))
                })
            })
        }
        Value::Array(items) => items.iter().enumerate().find_map(|(index, item)| {
            within(pointer, &index.to_string(), |pointer| {
                search(item, traits, is_other, pointer)
            })
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// Does this one token further on.
fn within<T>(pointer: &mut String, token: &str, look: impl FnOnce(&mut String) -> T) -> T {
    let length = pointer.len();
    pointer.push('/');
    pointer.push_str(token);
    let found = look(pointer);
    pointer.truncate(length);
    found
}

/// Whether a mapping is a pod's specification or a container that is taken for a Tiller.
fn is_tiller(
    value: &Value,
    fields: &Map<String, Value>,
    traits: Traits<'_>,
    is_other: &dyn Fn(&str) -> bool,
) -> bool {
    let has = |names: &[&str]| names.iter().any(|name| fields.contains_key(*name));
    if has(&["containers", "initContainers"]) {
        let pod = read_as(value).map(|pod: PodSpec<'_>| PodSpec {
            containers: pod.containers.into_iter().filter(is_no_pattern).collect(),
            ..pod
        });
        return pod.is_some_and(|pod| !recognise(&pod, traits, is_other).is_empty());
    }
    has(&["command", "args", "image"])
        && read_as(value)
            .filter(is_no_pattern)
            .is_some_and(|container| {
                let pod = PodSpec {
                    containers: [container].into_iter().collect(),
                    ..PodSpec::default()
                };
                !recognise(&pod, Traits::default(), is_other).is_empty()
            })
}

fn read_as<'j, T: Read<'j> + Default>(value: &'j Value) -> Option<T> {
    let mut source = value;
    read(&mut source).ok()
}

/// Whether a container is one, not what a policy engine compares containers with.
fn is_no_pattern(container: &Container<'_>) -> bool {
    is_reference(&container.image)
}

/// Whether a text names an image of Tiller's.
fn names_tiller(text: &str) -> bool {
    is_reference(text) && is_tiller_image(text)
}

/// Whether a text can be an image's reference, with parameters in it perhaps, and is no pattern.
fn is_reference(text: &str) -> bool {
    text.chars()
        .all(|it| it.is_ascii_alphanumeric() || "-._:/@${}".contains(it))
}

fn text(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}
