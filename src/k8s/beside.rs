//! Signs of a Tiller in fields of known kinds that are not judged: an image that a trigger puts in, an address that another
//! program takes from a ConfigMap, and a name that stands for a Service elsewhere.

use serde_json::{Map, Value};

use super::unknown_kind::sign_of_tiller;
use crate::policy::rbac::Holder;
use crate::tiller::{is_tiller_image, is_tiller_name, signs};

/// The annotation by which OpenShift puts images into workloads of Kubernetes' own kinds.
const TRIGGERS: &str = "image.openshift.io/triggers";

/// The JSON pointer of a trigger that puts Tiller's image into an object's pod: in a `DeploymentConfig`, or in an annotation.
pub fn trigger_of_tiller(object: &Value) -> Option<String> {
    let names = |from: Option<&Value>| {
        let name = from
            .and_then(|from| from.get("name"))
            .and_then(Value::as_str);
        name.is_some_and(is_tiller_image)
    };
    let triggers = object.pointer("/spec/triggers").and_then(Value::as_array);
    let at = triggers
        .into_iter()
        .flatten()
        .position(|it| names(it.pointer("/imageChangeParams/from")));
    let annotation = || {
        let annotations = object.pointer("/metadata/annotations")?;
        let triggers: Vec<Value> =
            serde_json::from_str(annotations.get(TRIGGERS)?.as_str()?).ok()?;
        let is_one = triggers.iter().any(|it| names(it.get("from")));
        is_one.then(|| format!("/metadata/annotations/{}", TRIGGERS.replace('/', "~1")))
    };
    at.map(|at| format!("/spec/triggers/{at}/imageChangeParams/from"))
        .or_else(annotation)
}

/// The JSON pointer of a Tiller that the strategy of a workload starts beside its template: a hook or a deployer of an OpenShift
/// `DeploymentConfig`. Containers of other images than Tiller's have none.
pub fn strategy_of_tiller(object: &Value, is_other: &dyn Fn(&str) -> bool) -> Option<String> {
    const STRATEGY: &str = "/spec/strategy";
    let sign = sign_of_tiller(object.pointer(STRATEGY)?, is_other)?;
    Some(format!("{STRATEGY}{sign}"))
}

/// The JSON pointer of a label of Tiller's by which an object selects pods and adds variables and volumes to them: a `PodPreset`,
/// which Kubernetes had up to 1.19.
pub fn preset_of_tiller(kind: &str, object: &Value) -> Option<String> {
    let labels = object
        .pointer("/spec/selector/matchLabels")
        .filter(|_| kind == "PodPreset")?;
    let is_tillers = labels.get("name").is_some_and(|it| it == signs::NAME_LABEL);
    is_tillers.then(|| "/spec/selector/matchLabels/name".to_owned())
}

/// The JSON pointer of what leads to Tiller's Service in a ConfigMap of ingress-nginx, `NAMESPACE/SERVICE:PORT`, and in a Service that
/// is another name for one.
pub fn way_beside(kind: &str, object: &Value) -> Option<String> {
    match kind {
        "ConfigMap" => {
            let data = object.get("data")?.as_object()?;
            let (key, _) = data.iter().find(|(key, value)| {
                key.bytes().all(|it| it.is_ascii_digit())
                    && value.as_str().is_some_and(is_tillers_service)
            })?;
            Some(format!("/data/{key}"))
        }
        "Service" => {
            let name = object.pointer("/spec/externalName")?.as_str()?;
            let service = name.split('.').next().unwrap_or_default();
            (is_tiller_name(service) && name.contains('.')).then(|| "/spec/externalName".to_owned())
        }
        _ => None,
    }
}

/// `kube-system/tiller-deploy:44134`, with `PROXY` and its like after it perhaps.
fn is_tillers_service(value: &str) -> bool {
    value.split_once('/').is_some_and(|(_, rest)| {
        let mut parts = rest.split(':');
        let (service, port) = (parts.next().unwrap_or_default(), parts.next());
        is_tiller_name(service)
            || port.is_some_and(|it| it == signs::NAME || it.parse() == Ok(signs::PORT))
    })
}

/// The JSON pointer of the first user or group in an object that is not read, of which this holds: of OpenShift's
/// `SecurityContextConstraints`, and of the bindings in its old `PolicyBinding`.
pub fn user_that(object: &Value, holds: impl Fn(Holder<'_>) -> bool) -> Option<String> {
    let bindings = object.get("roleBindings").and_then(Value::as_array);
    let bindings = bindings.into_iter().flatten().enumerate();
    named_in(object, ["users", "groups"], &holds).or_else(|| {
        bindings.into_iter().find_map(|(index, binding)| {
            let binding = binding.get("roleBinding")?;
            let pointer = named_in(binding, ["userNames", "groupNames"], &holds)?;
            Some(format!("/roleBindings/{index}/roleBinding{pointer}"))
        })
    })
}

/// The JSON pointer of the first name in the list of users and the list of groups of which this holds.
fn named_in<'v>(
    object: &'v Value,
    [users, groups]: [&str; 2],
    holds: &impl Fn(Holder<'_>) -> bool,
) -> Option<String> {
    let find = |list: &str, of: fn(&'v str) -> Option<Holder<'v>>| {
        let names = object.get(list)?.as_array()?;
        let at = names
            .iter()
            .position(|name| name.as_str().and_then(of).is_some_and(holds))?;
        Some(format!("/{list}/{at}"))
    };
    find(users, Holder::of_user).or_else(|| find(groups, Holder::of_group))
}

/// The texts under these keys, wherever they are in an object.
pub fn texts_under<'v>(value: &'v Value, keys: &[&str], found: &mut Vec<&'v str>) {
    fn all<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
        match value {
            Value::String(text) => found.push(text),
            Value::Array(items) => items.iter().for_each(|it| all(it, found)),
            Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let each = |fields: &'v Map<String, Value>, found: &mut Vec<&'v str>| {
        for (key, field) in fields {
            if keys.contains(&key.as_str()) {
                all(field, found);
            }
            texts_under(field, keys, found);
        }
    };
    match value {
        Value::Object(fields) => each(fields, found),
        Value::Array(items) => items.iter().for_each(|it| texts_under(it, keys, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
