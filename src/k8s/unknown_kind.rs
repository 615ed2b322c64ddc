//! Signs of a Tiller in an object of a kind that is not read: an Argo `Workflow`, a Tekton `Task`, a `HelmRelease`; and of a way to
//! one, in an OpenShift `Route` and its like.

use serde_json::{Map, Value, json};

use crate::json::{Read, read};
use crate::pod::{Container, PodSpec};
use crate::tiller::{Traits, is_tiller_image, is_tiller_name, recognise, signs};

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

/// Kinds that lead from the cluster's edge to a Service, and are not read.
#[rustfmt::skip]
const ROUTES: [&str; 15] = [
    "ApisixRoute", "HTTPProxy", "IngressRoute", "IngressRouteTCP", "IngressRouteUDP", "Mapping", "Route", "TCPIngress",
    "TCPMapping", "TransportServer", "UDPIngress", "UDPRoute", "VirtualServer", "VirtualServerRoute", "VirtualService",
];

/// Fields of theirs with a port's number or name.
const PORTS: [&str; 4] = ["number", "port", "servicePort", "targetPort"];

/// Fields of theirs with a Service's name, or its address.
const SERVICES: [&str; 4] = ["backend", "host", "service", "serviceName"];

/// The JSON pointer of what leads to Tiller's Service, or to its port, in an object of such a kind.
pub fn way_to_tiller(kind: &str, object: &Value) -> Option<String> {
    let spec = object.get("spec").filter(|_| ROUTES.contains(&kind))?;
    way(spec, &mut String::from("/spec"))
}

fn way(value: &Value, pointer: &mut String) -> Option<String> {
    match value {
        Value::Object(fields) => fields.iter().find_map(|(key, field)| {
            let token = key.replace('~', "~0").replace('/', "~1");
            let leads = PORTS.contains(&key.as_str()) && is_tillers_port(field)
                || SERVICES.contains(&key.as_str()) && is_tillers_address(field)
                // Rules and ports have names too.
                || key == "name"
                    && ["kind", "namespace", "port", "weight"].iter().any(|it| fields.contains_key(*it))
                    && is_tillers_address(field);
            within(pointer, &token, |pointer| {
                let own = leads.then(|| pointer.clone());
                own.or_else(|| way(field, pointer))
            })
        }),
        Value::Array(items) => items.iter().enumerate().find_map(|(index, item)| {
            within(pointer, &index.to_string(), |pointer| way(item, pointer))
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn is_tillers_port(port: &Value) -> bool {
    port.as_i64() == Some(signs::PORT)
        || port
            .as_str()
            .is_some_and(|it| it == signs::NAME || it.parse() == Ok(signs::PORT))
}

/// Whether a name is a Service's of Tiller, or an address is at its port or of its Service: `tcp://tiller-deploy.team-a:44134`.
fn is_tillers_address(address: &Value) -> bool {
    address.as_str().is_some_and(|address| {
        let host = address.split_once("://").map_or(address, |(_, host)| host);
        let name = host.split(['.', ':', '/']).next().unwrap_or_default();
        is_tiller_name(name) || host.ends_with(signs::LISTEN_END)
    })
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
                    own.or_else(|| builder_of_tiller(key, field, is_other, pointer))
                        .or_else(|| search(field, traits, is_other, pointer))
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

/// The JSON pointer of the image that OpenShift starts for a custom build, if it is Tiller's.
fn builder_of_tiller(
    key: &str,
    field: &Value,
    is_other: &dyn Fn(&str) -> bool,
    pointer: &str,
) -> Option<String> {
    const IMAGE: &str = "/from/name";
    let image = text(field.pointer(IMAGE).filter(|_| key == "customStrategy"));
    (names_tiller(image) && !is_other(image)).then(|| format!("{pointer}{IMAGE}"))
}

/// The JSON pointer of the first text in an object, but for its metadata, of which this holds.
pub fn find_text(object: &Value, holds: impl Fn(&str) -> bool) -> Option<String> {
    let fields = object.as_object()?;
    let mut fields = fields.iter().filter(|(key, _)| *key != "metadata");
    fields.find_map(|(key, field)| {
        let token = key.replace('~', "~0").replace('/', "~1");
        find_text_in(field, &holds, &mut format!("/{token}"))
    })
}

fn find_text_in(
    value: &Value,
    holds: &impl Fn(&str) -> bool,
    pointer: &mut String,
) -> Option<String> {
    match value {
        Value::String(text) => holds(text).then(|| pointer.clone()),
        Value::Object(fields) => fields.iter().find_map(|(key, field)| {
            let token = key.replace('~', "~0").replace('/', "~1");
            within(pointer, &token, |pointer| {
                find_text_in(field, holds, pointer)
            })
        }),
        Value::Array(items) => items.iter().enumerate().find_map(|(index, item)| {
            within(pointer, &index.to_string(), |pointer| {
                find_text_in(item, holds, pointer)
            })
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
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
    has(&["command", "args", "image"]) && is_tiller_container(value, is_other)
        || with_script(fields).is_some_and(|it| is_tiller_container(&it, is_other))
}

fn is_tiller_container(value: &Value, is_other: &dyn Fn(&str) -> bool) -> bool {
    let container = read_as(value).filter(is_no_pattern);
    container.is_some_and(|container| {
        let pod = PodSpec {
            containers: [container].into_iter().collect(),
            ..PodSpec::default()
        };
        !recognise(&pod, Traits::default(), is_other).is_empty()
    })
}

/// A container that has a script instead of a command: Tekton's `script` of a step, Argo's `source` beside an image. What reads
/// the script stands in its first line, or in `command`; else it is a shell.
fn with_script(fields: &Map<String, Value>) -> Option<Value> {
    let source = fields
        .get("source")
        .filter(|_| fields.contains_key("image"));
    let script = fields.get("script").or(source)?.as_str()?;
    let first = script.trim_start().lines().next().unwrap_or_default();
    let command = fields.get("command").and_then(Value::as_array);
    let command = command.into_iter().flatten().filter_map(Value::as_str);
    let line = first.strip_prefix("#!").map(str::split_ascii_whitespace);
    let mut words: Vec<&str> = line.map_or_else(|| command.collect(), Iterator::collect);
    if words.is_empty() {
        words.push("sh");
    }
    let interpreters = words
        .iter()
        .rev()
        .filter_map(|word| word.rsplit('/').next());
    let option = interpreters.take(1).map(code_option).next().unwrap_or("-c");
    words.extend([option, script]);
    let mut container = fields.clone();
    container.insert("command".to_owned(), json!(words));
    container.remove("args");
    Some(container.into())
}

/// The option before the code that an interpreter is given.
fn code_option(interpreter: &str) -> &'static str {
    match interpreter {
        "lua" | "node" | "perl" | "ruby" => "-e",
        "php" => "-r",
        _ => "-c",
    }
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
        .all(|it| it.is_ascii_alphanumeric() || "-._:/@${}()".contains(it))
}

fn text(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}
