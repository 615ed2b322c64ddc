//! Objects by kind and name.

use std::fmt;

use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client};
use serde_json::Value;

/// Which object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectReference {
    /// Group and version, `apps/v1` or `v1`.
    pub api_version: String,
    /// The kind.
    pub kind: String,
    /// The namespace, of kinds that have one.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

// === impl ObjectReference ===

impl ObjectReference {
    /// Which object this is; none where it does not say.
    pub fn of(object: &Value) -> Option<Self> {
        let text = |pointer| object.pointer(pointer)?.as_str().map(ToOwned::to_owned);
        Some(Self {
            api_version: text("/apiVersion")?,
            kind: text("/kind")?,
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name")?,
        })
    }

    /// Where the API server has it. The resource's name is the kind's plural, as with all kinds of Kubernetes.
    pub fn api(&self, client: &Client) -> Api<DynamicObject> {
        let (group, version) = self
            .api_version
            .split_once('/')
            .unwrap_or(("", &self.api_version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &self.kind));
        match &self.namespace {
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
            None => Api::all_with(client.clone(), &resource),
        }
    }
}

/// `Deployment team-a/tiller-deploy`, or `Namespace team-a`.
impl fmt::Display for ObjectReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            namespace,
            name,
            ..
        } = self;
        match namespace {
            Some(namespace) => write!(formatter, "{kind} {namespace}/{name}"),
            None => write!(formatter, "{kind} {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::ObjectReference;

    #[test]
    fn an_object_says_which_it_is() {
        let object = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "namespace": "a", "name": "b" } });
        let reference = ObjectReference::of(&object).unwrap();
        assert_eq!(reference.to_string(), "Secret a/b");
        let nameless =
            json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "generateName": "b" } });
        assert_eq!(ObjectReference::of(&nameless), None);
    }
}
