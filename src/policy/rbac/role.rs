//! Roles and ClusterRoles.

use std::collections::BTreeMap;

use super::RoleKind;
use super::aggregation::LabelSelector;
use crate::json::fields;
use crate::pod::{Items, Text};

/// The most rules of a role that are read: more than a request of 3 MiB, which is the most that the API server takes,
/// has room for.
pub const MAX_RULES: usize = 1 << 16;
/// The most words of a rule's list that are read: more than a request has room for.
const MAX_WORDS: usize = 1 << 20;

/// A Role or ClusterRole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role<'a> {
    /// Where it lives.
    pub kind: RoleKind,
    /// The namespace of a Role, where the object or the request tells it.
    pub namespace: Option<Text<'a>>,
    /// The object's name; empty where the API server is to make one.
    pub name: Text<'a>,
    /// The object's labels, by which other ClusterRoles may take its rules in.
    pub labels: BTreeMap<String, Text<'a>>,
    /// What it grants.
    pub rules: Items<PolicyRule<'a>, MAX_RULES>,
    /// How a ClusterRole takes in the rules of others.
    pub aggregation_rule: Option<AggregationRule<'a>>,
}

/// Verbs on resources, or on paths that are no resources. Names of single objects only narrow it and are
/// not read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyRule<'a> {
    /// The API groups; `*` is all.
    pub api_groups: Items<Text<'a>, MAX_WORDS>,
    /// The resources, such as `pods` and `pods/exec`; `*` is all, `*/exec` every one of that name.
    pub resources: Items<Text<'a>, MAX_WORDS>,
    /// The verbs; `*` is all.
    pub verbs: Items<Text<'a>, MAX_WORDS>,
    /// Paths such as `/healthz`; they count in a ClusterRoleBinding only.
    pub non_resource_urls: Items<Text<'a>, MAX_WORDS>,
}

fields!(PolicyRule<'a> {
    "apiGroups" => api_groups,
    "resources" => resources,
    "verbs" => verbs,
    "nonResourceURLs" => non_resource_urls,
});

/// How a ClusterRole takes in the rules of others: a controller writes them into its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AggregationRule<'a> {
    /// The labels of those that are taken in; one of these selectors suffices.
    pub cluster_role_selectors: Items<LabelSelector<'a>>,
}

fields!(AggregationRule<'a> {
    "clusterRoleSelectors" => cluster_role_selectors,
});

// === impl Role ===

impl Role<'_> {
    /// Whether it takes in the rules of others: only a ClusterRole can, and the rule alone makes it one.
    pub fn aggregates(&self) -> bool {
        self.kind == RoleKind::ClusterRole && self.aggregation_rule.is_some()
    }
}
