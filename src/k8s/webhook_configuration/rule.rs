//! Which resources a webhook is asked about, from the tables of what is judged.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::policy::custody::CustodyKind;
use crate::policy::exposure::ExposureKind;
use crate::policy::{APIS, ObjectKind};

/// A set of resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resources {
    /// What carries a pod.
    Workloads,
    /// What carries a pod, and Services.
    WorkloadsAndServices,
    /// The addresses behind Services, and what leads to Services from the cluster's edge.
    Addresses,
    /// Roles and their bindings.
    Rbac,
    /// Tokens and Secrets.
    Custody,
    /// What may hold a release beside Secrets.
    Records,
    /// Connections to pods and Services.
    Connections,
}

// === impl Resources ===

impl Resources {
    /// The rules of a webhook, one for each group. `scope` is of Kubernetes 1.14.
    pub(super) fn rules(self, minor: u16) -> Value {
        let mut groups: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (group, resource) in self.pairs() {
            groups.entry(group).or_default().insert(resource);
        }
        groups
            .into_iter()
            .map(|(group, resources)| {
                let mut rule = Map::new();
                rule.insert("operations".to_owned(), json!(self.operations()));
                rule.insert("apiGroups".to_owned(), json!([group]));
                rule.insert("apiVersions".to_owned(), json!(["*"]));
                rule.insert("resources".to_owned(), json!(resources));
                if minor >= 14 {
                    rule.insert("scope".to_owned(), json!(self.scope()));
                }
                Value::Object(rule)
            })
            .collect()
    }

    fn scope(self) -> &'static str {
        match self {
            Self::Rbac => "*",
            Self::Workloads
            | Self::WorkloadsAndServices
            | Self::Addresses
            | Self::Custody
            | Self::Records
            | Self::Connections => "Namespaced",
        }
    }

    fn operations(self) -> &'static [&'static str] {
        match self {
            Self::Connections => &["CONNECT"],
            Self::Workloads
            | Self::WorkloadsAndServices
            | Self::Addresses
            | Self::Rbac
            | Self::Custody
            | Self::Records => &["CREATE", "UPDATE"],
        }
    }

    /// Groups with resources.
    fn pairs(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let apis = APIS.iter().filter(move |api| self.hold(api.kind));
        apis.flat_map(|api| api.resources.iter().map(|it| (api.resource_group(), *it)))
    }

    /// Whether objects of this kind are among them.
    fn hold(self, kind: ObjectKind) -> bool {
        match (self, kind) {
            (Self::Workloads | Self::WorkloadsAndServices, ObjectKind::Workload(_))
            | (Self::WorkloadsAndServices, ObjectKind::Exposure(ExposureKind::Service))
            | (Self::Rbac, ObjectKind::Rbac(_))
            | (
                Self::Custody,
                ObjectKind::Custody(CustodyKind::TokenRequest | CustodyKind::Secret),
            )
            | (Self::Records, ObjectKind::Custody(CustodyKind::ConfigMap))
            | (Self::Connections, ObjectKind::Connection(_)) => true,
            (Self::Addresses, ObjectKind::Exposure(kind)) => kind != ExposureKind::Service,
            _ => false,
        }
    }
}
