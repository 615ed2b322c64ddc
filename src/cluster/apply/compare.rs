//! Whether an object in the cluster holds what it is to hold, and the patch that makes it so.
//!
//! The API server adds defaults, and controllers add fields of theirs: only what is desired is compared. It leaves
//! out what is empty, so that empty texts, lists and maps are the same as none. A selector is compared as a whole:
//! another line in it selects less.

use serde_json::{Map, Value};

/// The merge patch (RFC 7396) after which `live` holds all that `desired` says; none where it does already.
pub(super) fn patch(desired: &Value, live: &Value) -> Option<Value> {
    let (Value::Object(desired), Value::Object(live)) = (desired, live) else {
        return (!holds(Some(live), desired)).then(|| desired.clone());
    };
    let changes: Map<String, Value> = desired
        .iter()
        .filter(|(key, wanted)| !field_holds(key, live.get(*key), wanted))
        .map(|(key, wanted)| {
            let inner = live.get(key).and_then(|live| {
                if is_selector(key) {
                    replacing(wanted, live)
                } else {
                    patch(wanted, live)
                }
            });
            (key.clone(), inner.unwrap_or_else(|| wanted.clone()))
        })
        .collect();
    (!changes.is_empty()).then_some(Value::Object(changes))
}

/// The merge patch after which `live` is `wanted` and nothing beside.
fn replacing(wanted: &Value, live: &Value) -> Option<Value> {
    let (wanted, live) = (wanted.as_object()?, live.as_object()?);
    let gone = live.keys().filter(|key| !wanted.contains_key(*key));
    let gone = gone.map(|key| (key.clone(), Value::Null));
    let kept = wanted.iter().map(|(key, wanted)| {
        let inner = live.get(key).and_then(|live| replacing(wanted, live));
        (key.clone(), inner.unwrap_or_else(|| wanted.clone()))
    });
    Some(gone.chain(kept).collect::<Map<_, _>>().into())
}

/// An object as it is created, without its null fields: Kubernetes 1.10 refuses null for a number.
pub fn created(desired: &Value) -> Value {
    match desired {
        Value::Object(fields) => {
            let given = fields.iter().filter(|(_, value)| !value.is_null());
            let given = given.map(|(key, value)| (key.clone(), created(value)));
            Value::Object(given.collect())
        }
        Value::Array(items) => items.iter().map(created).collect(),
        other => other.clone(),
    }
}

/// A merge patch as it is sent. It replaces lists whole, so that what is in one is as it is created.
pub(super) fn sent(patch: Value) -> Value {
    match patch {
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(key, value)| (key, sent(value)));
            Value::Object(fields.collect())
        }
        list @ Value::Array(_) => created(&list),
        other => other,
    }
}

/// What no update may change, by kind: the field's name and place.
///
/// Source: `ValidateRoleBindingUpdate` and `ValidateDeploymentUpdate` (`apps/v1`), Kubernetes 1.10 to 1.36.
const FIXED: [(&str, &str, &str); 3] = [
    ("ClusterRoleBinding", "roleRef", "/roleRef"),
    ("Deployment", "selector", "/spec/selector"),
    ("RoleBinding", "roleRef", "/roleRef"),
];

/// The field of an object's patch that no update may change.
pub(super) fn fixed(desired: &Value, patch: &Value) -> Option<&'static str> {
    let kind = desired.get("kind")?;
    let (_, field, _) = FIXED
        .into_iter()
        .find(|(of, _, pointer)| kind == of && patch.pointer(pointer).is_some())?;
    Some(field)
}

/// The patch of a whole object. A Secret keeps its type, which no update may change and which nobody asks for: one made
/// by `kubectl create secret generic` does what one of the type `kubernetes.io/tls` does.
pub(super) fn patch_of_object(desired: &Value, live: &Value) -> Option<Value> {
    let mut patch = patch(desired, live)?;
    let is_secret = desired.get("kind").is_some_and(|kind| kind == "Secret");
    if let Some(fields) = patch.as_object_mut().filter(|_| is_secret) {
        fields.remove("type");
        if fields.is_empty() {
            return None;
        }
    }
    Some(patch)
}

/// What `live` has of the fields that `desired` names, for people to compare.
pub(super) fn projected(live: &Value, desired: &Value) -> Value {
    match (live, desired) {
        (Value::Object(live), Value::Object(desired)) => desired
            .iter()
            .filter_map(|(key, wanted)| Some((key.clone(), projected(live.get(key)?, wanted))))
            .collect::<Map<_, _>>()
            .into(),
        (Value::Array(live), Value::Array(desired)) => {
            let pairs = live
                .iter()
                .zip(desired.iter().map(Some).chain(std::iter::repeat(None)));
            pairs
                .map(|(live, wanted)| wanted.map_or_else(|| live.clone(), |it| projected(live, it)))
                .collect()
        }
        _ => live.clone(),
    }
}

fn holds(live: Option<&Value>, wanted: &Value) -> bool {
    match (live, wanted) {
        (None | Some(Value::Null), wanted) => is_nothing(wanted),
        (Some(Value::Object(live)), Value::Object(wanted)) => wanted
            .iter()
            .all(|(key, wanted)| field_holds(key, live.get(key), wanted)),
        (Some(Value::Array(live)), Value::Array(wanted)) => {
            live.len() == wanted.len()
                && live
                    .iter()
                    .zip(wanted)
                    .all(|(live, wanted)| holds(Some(live), wanted))
        }
        (Some(live), wanted) => live == wanted,
    }
}

fn field_holds(key: &str, live: Option<&Value>, wanted: &Value) -> bool {
    if is_selector(key) {
        return is_same(live.unwrap_or(&Value::Null), wanted);
    }
    // Where a webhook has to have a bundle, and the guard is to fill it in.
    if key == "caBundle" && is_nothing(wanted) {
        return true;
    }
    holds(live, wanted)
}

/// `selector`, `namespaceSelector`, `nodeSelector` and the like.
fn is_selector(key: &str) -> bool {
    key == "selector" || key.ends_with("Selector")
}

/// Whether two values say the same, nothing left out but what is empty.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let keys = one.keys().chain(other.keys());
            let field = |fields: &Map<String, Value>, key: &str| fields.get(key).cloned();
            keys.into_iter().all(|key| {
                let [one, other] = [one, other].map(|it| field(it, key).unwrap_or_default());
                is_same(&one, &other)
            })
        }
        (one, other) => one == other || is_nothing(one) && is_nothing(other),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_nothing),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn defaults_of_the_server_are_no_difference() {
        let desired =
            json!({ "spec": { "ports": [{ "port": 44134 }], "selector": {}, "clusterIPs": [] } });
        let live = json!({ "spec": { "ports": [{ "port": 44134, "protocol": "TCP" }], "type": "ClusterIP" } });
        assert_eq!(patch(&desired, &live), None);
    }

    #[test]
    fn the_patch_holds_what_differs_and_nothing_else() {
        let desired = json!({ "a": { "b": 1, "c": 2 }, "list": [{ "x": 1 }], "gone": null });
        let live =
            json!({ "a": { "b": 1, "c": 3, "d": 4 }, "list": [{ "x": 1 }, { "x": 2 }], "gone": 5 });
        let expected = json!({ "a": { "c": 2 }, "list": [{ "x": 1 }], "gone": null });
        assert_eq!(patch(&desired, &live), Some(expected));
    }

    #[test]
    fn another_line_in_a_selector_is_a_difference() {
        let desired = json!({ "selector": { "a": "1" }, "list": [{ "objectSelector": {} }] });
        let mut live = desired.clone();
        live["selector"]["b"] = json!("2");
        let changes = json!({ "selector": { "a": "1", "b": null } });
        assert_eq!(patch(&desired, &live), Some(changes));
        let mut live = desired.clone();
        live["list"][0]["objectSelector"] = json!({ "matchLabels": { "a": "b" } });
        let changes = json!({ "list": [{ "objectSelector": {} }] });
        assert_eq!(patch(&desired, &live), Some(changes));
    }

    #[test]
    fn an_empty_bundle_stands_for_whatever_is_there() {
        let desired = json!({ "clientConfig": { "caBundle": "" } });
        let live = json!({ "clientConfig": { "caBundle": "QQ==" } });
        assert_eq!(patch(&desired, &live), None);
        assert!(patch(&live, &desired).is_some());
    }

    #[test]
    fn false_and_zero_are_something() {
        assert_eq!(
            patch(&json!({ "a": false }), &json!({})),
            Some(json!({ "a": false }))
        );
        assert_eq!(
            patch(&json!({ "a": 0 }), &json!({})),
            Some(json!({ "a": 0 }))
        );
    }

    #[test]
    fn what_is_to_be_nothing_is_sent_only_where_it_removes_something() {
        let desired =
            json!({ "a": null, "b": { "c": null, "d": 1 }, "list": [{ "x": null, "y": 2 }] });
        let made = json!({ "b": { "d": 1 }, "list": [{ "y": 2 }] });
        assert_eq!(created(&desired), made);
        let patched = json!({ "a": null, "b": { "c": null, "d": 1 }, "list": [{ "y": 2 }] });
        assert_eq!(sent(desired), patched);
    }

    #[test]
    fn a_person_sees_the_desired_fields_of_both() {
        let desired = json!({ "a": { "b": 1 }, "list": [{ "x": 1 }] });
        let live = json!({ "a": { "b": 2, "c": 3 }, "list": [{ "x": 0, "y": 1 }, 7], "z": 1 });
        let expected = json!({ "a": { "b": 2 }, "list": [{ "x": 0 }, 7] });
        assert_eq!(projected(&live, &desired), expected);
    }

    fn object() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0..3_u8).prop_map(Value::from),
            "[a-b]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[ab]|selector", inner, 0..3)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
        .prop_filter("an object", Value::is_object)
    }

    proptest! {
        /// The API server does the same with a merge patch as the crate.
        #[test]
        fn the_patched_object_holds_what_is_desired(desired in object(), live in object()) {
            let mut patched = live.clone();
            if let Some(patch) = patch(&desired, &live) {
                json_patch::merge(&mut patched, &patch);
            }
            prop_assert_eq!(patch(&desired, &patched), None);
        }
    }
}
