//! Who may do what: the accounts that Tillers run as, the bindings that hold them, and the roles that these name.

mod account;
mod aggregation;
mod binding;
mod right;
mod role;

pub use account::{Account, Holder};
pub use aggregation::{LabelSelector, Operator, Requirement};
pub use binding::{Binding, RoleKind, RoleRef, Subject, Subjects};
pub use right::{Right, Rights};
pub use role::{AggregationRule, MAX_RULES, PolicyRule, Role};

pub(super) use aggregation::Selector;
pub(super) use right::Excessive;

use crate::pod::Text;

/// The kinds of `rbac.authorization.k8s.io`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RbacKind {
    /// Role.
    Role,
    /// ClusterRole.
    ClusterRole,
    /// RoleBinding.
    RoleBinding,
    /// ClusterRoleBinding.
    ClusterRoleBinding,
}

/// An object that gives rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RbacObject<'a> {
    /// A Role or ClusterRole.
    Role(Role<'a>),
    /// A RoleBinding or ClusterRoleBinding.
    Binding(Binding<'a>),
}

// === impl RbacKind ===

impl RbacKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [
        Self::Role,
        Self::ClusterRole,
        Self::RoleBinding,
        Self::ClusterRoleBinding,
    ];

    /// The API group of all of them.
    pub const GROUP: &'static str = "rbac.authorization.k8s.io";

    /// The kind's name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Role => "Role",
            Self::ClusterRole => "ClusterRole",
            Self::RoleBinding => "RoleBinding",
            Self::ClusterRoleBinding => "ClusterRoleBinding",
        }
    }
}

// === impl RbacObject ===

impl<'a> RbacObject<'a> {
    /// The object's name; empty where the API server is to make one.
    pub fn name(&self) -> &Text<'a> {
        match self {
            Self::Role(role) => &role.name,
            Self::Binding(binding) => &binding.name,
        }
    }

    /// The namespace, if the object or the request names it.
    pub fn namespace(&self) -> Option<&str> {
        match self {
            Self::Role(role) => role.namespace.as_deref(),
            Self::Binding(binding) => binding.namespace.as_deref(),
        }
    }

    /// Places it in a namespace, if it is of a kind that has one.
    pub fn place_in(&mut self, namespace: Text<'a>) {
        match self {
            Self::Role(role) if role.kind == RoleKind::Role => role.namespace = Some(namespace),
            Self::Binding(binding) if !binding.cluster_wide => binding.namespace = Some(namespace),
            Self::Role(_) | Self::Binding(_) => {}
        }
    }

    /// The kind of the object.
    pub fn kind(&self) -> RbacKind {
        match self {
            Self::Role(role) => match role.kind {
                RoleKind::Role => RbacKind::Role,
                RoleKind::ClusterRole => RbacKind::ClusterRole,
            },
            Self::Binding(binding) if binding.cluster_wide => RbacKind::ClusterRoleBinding,
            Self::Binding(_) => RbacKind::RoleBinding,
        }
    }
}
