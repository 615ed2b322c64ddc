//! What Helm 3 needs in the namespaces of releases: Helm 2's people had Tiller's rights, Helm 3's have their own.

use std::collections::{BTreeMap, BTreeSet};

use kube::api::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};

use crate::manifest::Stream;
use crate::releases::helm3::read_object;

/// The verbs that Helm 3 uses on what it installs.
const VERBS: [&str; 7] = [
    "create", "delete", "get", "list", "patch", "update", "watch",
];
/// The name of the Role and of its binding.
const NAME: &str = "helm3-releases";

/// Kinds of Kubernetes that are in no namespace.
const CLUSTER_WIDE: [&str; 24] = [
    "APIService",
    "CSIDriver",
    "CSINode",
    "CertificateSigningRequest",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "FlowSchema",
    "IngressClass",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "MutatingWebhookConfiguration",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PodSecurityPolicy",
    "PriorityClass",
    "PriorityLevelConfiguration",
    "RuntimeClass",
    "StorageClass",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
    "VolumeAttachment",
];

/// Groups and resources, by namespace; and what no Role can give.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needed {
    /// By namespace: API group and resource.
    pub by_namespace: BTreeMap<String, BTreeSet<(String, String)>>,
    /// Objects in no namespace: kind and name.
    pub cluster_wide: BTreeSet<(String, String)>,
}

impl Needed {
    /// Adds what a release needs, by its Secret of Helm 3.
    pub fn add(&mut self, secret: &Value) {
        let Some(release) = read_object(secret) else {
            return;
        };
        let text = |pointer: &str| {
            release
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let own = text("/namespace").to_owned();
        let records = (String::new(), "secrets".to_owned());
        self.by_namespace
            .entry(own.clone())
            .or_default()
            .insert(records);
        let hooks = release.get("hooks").and_then(Value::as_array);
        let hooks = hooks
            .into_iter()
            .flatten()
            .filter_map(|hook| hook.get("manifest")?.as_str());
        for manifest in std::iter::once(text("/manifest")).chain(hooks) {
            let stream = Stream::new("manifest", manifest.as_bytes().to_vec());
            for object in stream
                .documents()
                .flat_map(|document| document.objects())
                .flatten()
            {
                if CLUSTER_WIDE.contains(&object.kind.as_str()) {
                    let name = object.value.pointer("/metadata/name");
                    let name = name.and_then(Value::as_str).unwrap_or_default();
                    let object = (object.kind.clone(), name.to_owned());
                    self.cluster_wide.insert(object);
                    continue;
                }
                let (group, version) = object
                    .api_version
                    .split_once('/')
                    .unwrap_or(("", &object.api_version));
                let kind = GroupVersionKind::gvk(group, version, &object.kind);
                let resource = ApiResource::from_gvk(&kind).plural;
                let namespace = object.namespace.clone().unwrap_or_else(|| own.clone());
                let of_namespace = self.by_namespace.entry(namespace).or_default();
                of_namespace.insert((group.to_owned(), resource));
            }
        }
    }
}

/// A Role and a RoleBinding for these people in each namespace.
pub fn roles(needed: &Needed, users: &[String], groups: &[String]) -> Vec<Value> {
    let subject = |kind: &str, name: &String| json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name });
    let users = users.iter().map(|name| subject("User", name));
    let groups = groups.iter().map(|name| subject("Group", name));
    let subjects: Vec<Value> = users.chain(groups).collect();
    let mut objects = Vec::new();
    for (namespace, resources) in &needed.by_namespace {
        let mut rules: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (group, resource) in resources {
            rules.entry(group).or_default().push(resource);
        }
        let rules: Vec<Value> = rules
            .into_iter()
            .map(|(group, resources)| json!({ "apiGroups": [group], "resources": resources, "verbs": VERBS }))
            .collect();
        let object = |kind: &str| {
            json!({
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": kind,
                "metadata": { "name": NAME, "namespace": namespace },
            })
        };
        let (mut role, mut binding) = (object("Role"), object("RoleBinding"));
        json_patch::merge(&mut role, &json!({ "rules": rules }));
        json_patch::merge(
            &mut binding,
            &json!({
                "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": NAME },
                "subjects": subjects,
            }),
        );
        objects.extend([role, binding]);
    }
    objects
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::releases::compress;

    #[test]
    fn no_role_gives_what_is_in_no_namespace() {
        let manifest = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: wide}\n---\n\
                        apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
        let release = json!({ "namespace": "apps", "manifest": manifest });
        let text = compress(release.to_string().as_bytes()).unwrap();
        let mut needed = Needed::default();
        needed.add(&json!({ "data": { "release": STANDARD.encode(text) } }));
        let wide = ("ClusterRole".to_owned(), "wide".to_owned());
        assert_eq!(needed.cluster_wide, BTreeSet::from([wide]));
        let [role, binding] = &roles(&needed, &["ada".to_owned()], &[])[..] else {
            panic!("{needed:?}");
        };
        let rules =
            json!([{ "apiGroups": [""], "resources": ["configmaps", "secrets"], "verbs": VERBS }]);
        assert_eq!(role["rules"], rules);
        assert_eq!(binding["subjects"][0]["name"], "ada");
    }
}
