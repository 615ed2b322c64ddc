//! A cluster as the RBAC authorizer sees it, written plainly and from nothing but the objects: the oracle.

use std::collections::BTreeMap;

use serde_json::Value;

/// The objects that are there, by kind, namespace and name.
#[derive(Debug, Clone, Default)]
pub(super) struct Cluster {
    objects: BTreeMap<(String, String, String), Value>,
}

/// A request of somebody.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) verb: &'a str,
    pub(super) group: &'a str,
    pub(super) resource: &'a str,
    /// Empty for the cluster.
    pub(super) namespace: &'a str,
}

impl Cluster {
    pub(super) fn put(&mut self, object: &Value) {
        let text = |pointer| {
            object
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or("")
                .to_owned()
        };
        let key = (
            text("/kind"),
            text("/metadata/namespace"),
            text("/metadata/name"),
        );
        self.objects.insert(key, object.clone());
    }

    pub(super) fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        let objects = self.objects.iter();
        objects
            .filter(move |((of, ..), _)| of == kind)
            .map(|(_, object)| object)
    }

    /// Whether this account may do this.
    pub(super) fn allows(&self, namespace: &str, name: &str, request: Request<'_>) -> bool {
        let bindings = self.of_kind("RoleBinding").filter(|binding| {
            !request.namespace.is_empty() && binding["metadata"]["namespace"] == request.namespace
        });
        self.of_kind("ClusterRoleBinding")
            .chain(bindings)
            .any(|binding| {
                let subjects = binding["subjects"].as_array().unwrap();
                subjects
                    .iter()
                    .any(|subject| is(subject, binding, namespace, name))
                    && self.rules(binding).iter().any(|rule| covers(rule, request))
            })
    }

    /// The rules of the role that a binding names; those that the controller writes into an aggregated one too.
    fn rules(&self, binding: &Value) -> Vec<Value> {
        let role = &binding["roleRef"];
        let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
        let namespace = match role["kind"].as_str() {
            Some("Role") => text(&binding["metadata"]["namespace"]),
            _ => String::new(),
        };
        let key = (text(&role["kind"]), namespace, text(&role["name"]));
        let rules = self
            .objects
            .get(&key)
            .and_then(|role| role["rules"].as_array());
        rules.cloned().unwrap_or_default()
    }
}

fn is(subject: &Value, binding: &Value, namespace: &str, name: &str) -> bool {
    match subject["kind"].as_str().unwrap() {
        "User" => subject["name"] == format!("system:serviceaccount:{namespace}:{name}"),
        "Group" => {
            subject["name"] == "system:serviceaccounts"
                || subject["name"] == "system:authenticated"
                || subject["name"] == format!("system:serviceaccounts:{namespace}")
        }
        "ServiceAccount" => {
            let of = match &subject["namespace"] {
                Value::Null => &binding["metadata"]["namespace"],
                given => given,
            };
            *of == namespace && subject["name"] == name
        }
        _ => false,
    }
}

fn covers(rule: &Value, request: Request<'_>) -> bool {
    let has = |field: &str, wanted: &dyn Fn(&str) -> bool| {
        let words = rule[field].as_array();
        words.is_some_and(|words| words.iter().any(|word| wanted(word.as_str().unwrap())))
    };
    has("verbs", &|verb| verb == "*" || verb == request.verb)
        && has("apiGroups", &|group| group == "*" || group == request.group)
        && has("resources", &|resource| {
            let sub_resource = request
                .resource
                .split_once('/')
                .map(|(_, name)| format!("*/{name}"));
            resource == "*"
                || resource == request.resource
                || sub_resource.as_deref() == Some(resource)
        })
}
