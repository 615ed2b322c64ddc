//! What asks an injector to come beside the pod itself: its namespace, or its service account.

use serde_json::Value;

use super::{Injector, MetadataList};

/// What asks an injector to add to the pods of a namespace, or to those of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invitation {
    /// Who is asked.
    pub injector: Injector,
    /// The label or annotation that asks.
    pub key: &'static str,
    /// The kind that carries it: `Namespace` or `ServiceAccount`.
    kind: &'static str,
    list: MetadataList,
    /// The values that ask; any where there are none.
    on: &'static [&'static str],
}

/// Source: as `table` has it, and Istio's `istio.io/rev` of revisions.
const INVITATIONS: [Invitation; 5] = [
    Invitation {
        injector: Injector::Istio,
        key: "istio-injection",
        kind: "Namespace",
        list: MetadataList::Labels,
        on: &["enabled"],
    },
    Invitation {
        injector: Injector::Istio,
        key: "istio.io/rev",
        kind: "Namespace",
        list: MetadataList::Labels,
        on: &[],
    },
    Invitation {
        injector: Injector::Linkerd,
        key: "linkerd.io/inject",
        kind: "Namespace",
        list: MetadataList::Annotations,
        on: &["enabled", "ingress"],
    },
    Invitation {
        injector: Injector::Aws,
        key: "eks.amazonaws.com/role-arn",
        kind: "ServiceAccount",
        list: MetadataList::Annotations,
        on: &[],
    },
    Invitation {
        injector: Injector::Azure,
        key: "azure.workload.identity/use",
        kind: "ServiceAccount",
        list: MetadataList::Labels,
        on: &["true"],
    },
];

impl Invitation {
    /// Those that a `Namespace` or a `ServiceAccount` holds.
    pub fn all_of(kind: &str, object: &Value) -> Vec<Self> {
        let holds = |it: &&Self| {
            let value = object
                .get("metadata")
                .and_then(|metadata| metadata.get(it.list.field()))
                .and_then(|list| list.get(it.key))
                .and_then(Value::as_str);
            it.kind == kind && value.is_some_and(|value| it.on.is_empty() || it.on.contains(&value))
        };
        INVITATIONS.iter().filter(holds).copied().collect()
    }

    /// Where it is, for people: `the label istio-injection of its Namespace`.
    pub(in crate::policy) fn place(&self) -> String {
        let Self {
            key, kind, list, ..
        } = self;
        format!("the {} {key} of its {kind}", list.singular())
    }
}
