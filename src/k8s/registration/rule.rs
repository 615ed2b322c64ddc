//! Which resources a webhook is asked about, from the tables of what is judged.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::policy::APIS;
use crate::policy::connection::ConnectionKind;
use crate::policy::custody::CustodyKind;
use crate::policy::exposure::ExposureKind;
use crate::policy::rbac::RbacKind;

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
    fn pairs(self) -> Vec<(&'static str, &'static str)> {
        let workloads = || {
            APIS.iter()
                .flat_map(|api| api.resources.iter().map(|resource| (api.group, *resource)))
        };
        let exposure = |kinds: &[ExposureKind]| -> Vec<_> {
            let pairs = |kind: &ExposureKind| {
                let resource = kind.resource();
                kind.groups().iter().map(move |group| (*group, resource))
            };
            kinds.iter().flat_map(pairs).collect()
        };
        match self {
            Self::Workloads => workloads().collect(),
            Self::WorkloadsAndServices => workloads()
                .chain(exposure(&[ExposureKind::Service]))
                .collect(),
            Self::Addresses => {
                let others = ExposureKind::ALL.into_iter();
                exposure(
                    &others
                        .filter(|it| *it != ExposureKind::Service)
                        .collect::<Vec<_>>(),
                )
            }
            Self::Rbac => RbacKind::ALL
                .map(|kind| (RbacKind::GROUP, kind.resource()))
                .to_vec(),
            Self::Custody => [CustodyKind::TokenRequest, CustodyKind::Secret]
                .map(|kind| ("", kind.resource()))
                .to_vec(),
            Self::Records => vec![("", CustodyKind::ConfigMap.resource())],
            Self::Connections => ConnectionKind::ALL
                .map(|kind| ("", kind.resource()))
                .to_vec(),
        }
    }
}
