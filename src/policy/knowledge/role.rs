//! A role as it is kept: what its rules amount to, and how it takes in those of others.

use crate::policy::rbac::{Rights, Role, RoleKind, Selector};

/// What is known of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) struct KnownRole {
    /// What its rules amount to.
    pub(in crate::policy) rights: Rights,
    /// Whether it takes in the rules of others.
    pub(in crate::policy) aggregated: bool,
    /// Whether the API server has it, and it cannot be read here: nobody knows what it grants.
    pub(in crate::policy) unreadable: bool,
}

/// How a ClusterRole takes in the rules of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Aggregated {
    selectors: Box<[Selector]>,
    /// Its own labels, by which yet others may take it in.
    labels: Box<[(Box<str>, Box<str>)]>,
}

// === impl KnownRole ===

impl KnownRole {
    pub(in crate::policy) fn new(role: &Role<'_>) -> Self {
        Self {
            rights: Rights::of(&role.rules),
            aggregated: role.aggregates(),
            unreadable: false,
        }
    }

    /// Of a role that cannot be read.
    pub(super) fn unreadable() -> Self {
        Self {
            rights: Rights::UNKNOWN,
            aggregated: false,
            unreadable: true,
        }
    }
}

// === impl Aggregated ===

impl Aggregated {
    pub(super) fn new(role: &Role<'_>) -> Option<Self> {
        let selectors = &role.aggregation_rule.as_ref()?.cluster_role_selectors;
        role.aggregates().then(|| Self {
            selectors: selectors.iter().map(Selector::new).collect(),
            labels: role
                .labels
                .iter()
                .map(|(key, value)| (key.as_str().into(), value.as_str().into()))
                .collect(),
        })
    }

    /// Whether it takes in the rules of what has these labels.
    pub(super) fn takes<'l>(&self, label: impl Fn(&str) -> Option<&'l str>) -> bool {
        self.selectors.iter().any(|selector| selector.takes(&label))
    }

    /// Its own label of this name.
    pub(super) fn label(&self, key: &str) -> Option<&str> {
        let found = self.labels.iter().find(|(own, _)| **own == *key);
        found.map(|(_, value)| &**value)
    }
}

/// The key of a Role in a namespace, or of a ClusterRole. Where the namespace is not told, it is one that cannot
/// be.
pub(super) fn role_key<'k>(
    kind: RoleKind,
    namespace: Option<&'k str>,
    name: &'k str,
) -> [&'k str; 3] {
    let namespace = match kind {
        RoleKind::Role => namespace.unwrap_or("-"),
        RoleKind::ClusterRole => "",
    };
    [namespace, "/", name]
}
