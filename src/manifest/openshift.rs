//! OpenShift's own roles and bindings, `authorization.openshift.io` and `v1` before it, in the words of
//! `rbac.authorization.k8s.io`, into which its API server turns them too.
//!
//! Source: `pkg/authorization/apis` of OpenShift 3.11.

use serde_json::{Map, Value, json};

/// Whether a group is one of theirs.
pub(super) fn is_group(group: &str) -> bool {
    matches!(group, "" | "authorization.openshift.io")
}

/// Turns a role or a binding of theirs into one of Kubernetes'.
pub(super) fn to_rbac(object: &mut Value) {
    let Some(fields) = object.as_object_mut() else {
        return;
    };
    let by_name = names(fields);
    if let Some(Value::Object(role)) = fields.get_mut("roleRef")
        && is_empty(role.get("kind"))
    {
        let kind = if is_empty(role.get("namespace")) {
            "ClusterRole"
        } else {
            "Role"
        };
        role.insert("kind".to_owned(), kind.into());
    }
    if fields.contains_key("roleRef") && is_empty(fields.get("subjects")) {
        fields.insert("subjects".to_owned(), by_name.into());
    }
    for subject in list(fields, "subjects") {
        let kind = match subject.get("kind").and_then(Value::as_str) {
            Some("SystemUser") => "User",
            Some("SystemGroup") => "Group",
            _ => continue,
        };
        if let Some(subject) = subject.as_object_mut() {
            subject.insert("kind".to_owned(), kind.into());
        }
    }
    for rule in list(fields, "rules") {
        // Without a group it is the core one's resources.
        if let Some(rule) = rule.as_object_mut()
            && is_empty(rule.get("apiGroups"))
        {
            rule.insert("apiGroups".to_owned(), json!([""]));
        }
    }
}

/// The subjects that a binding names in the two lists that came before `subjects`.
fn names(fields: &Map<String, Value>) -> Vec<Value> {
    let named = |list: &str, kind: &str| -> Vec<Value> {
        let names = fields.get(list).and_then(Value::as_array);
        let names = names.into_iter().flatten();
        names
            .map(|name| json!({ "kind": kind, "name": name }))
            .collect()
    };
    let mut subjects = named("userNames", "User");
    subjects.extend(named("groupNames", "Group"));
    subjects
}

fn list<'v>(fields: &'v mut Map<String, Value>, name: &str) -> impl Iterator<Item = &'v mut Value> {
    let list = fields.get_mut(name).and_then(Value::as_array_mut);
    list.into_iter().flatten()
}

fn is_empty(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(_) => false,
    }
}
