//! RoleBindings and ClusterRoleBindings.

use super::{Account, Holder};
use crate::json::fields;
use crate::pod::{Items, Text};

/// A RoleBinding or ClusterRoleBinding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Binding<'a> {
    /// Whether it is a ClusterRoleBinding.
    pub cluster_wide: bool,
    /// The namespace of a RoleBinding, where the object or the request tells it.
    pub namespace: Option<Text<'a>>,
    /// The object's name; empty where the API server is to make one.
    pub name: Text<'a>,
    /// The role whose rights it gives.
    pub role: RoleRef<'a>,
    /// Who gets them.
    pub subjects: Items<Subject<'a>>,
}

/// The role that a binding names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleRef<'a> {
    /// `Role` or `ClusterRole`.
    pub kind: Text<'a>,
    /// The role's name.
    pub name: Text<'a>,
}

fields!(RoleRef<'a> {
    "kind" => kind,
    "name" => name,
});

/// Where a role lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoleKind {
    /// In a namespace.
    Role,
    /// In the cluster.
    ClusterRole,
}

/// Whom a binding names. The API group, which `v1alpha1` calls `apiVersion`, is not read: the authorizer goes
/// by the kind alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject<'a> {
    /// `User`, `Group` or `ServiceAccount`.
    pub kind: Text<'a>,
    /// The name.
    pub name: Text<'a>,
    /// The namespace of a `ServiceAccount`.
    pub namespace: Text<'a>,
}

fields!(Subject<'a> {
    "kind" => kind,
    "name" => name,
    "namespace" => namespace,
});

// === impl RoleKind ===

impl RoleKind {
    /// The kind's name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Role => "Role",
            Self::ClusterRole => "ClusterRole",
        }
    }
}

// === impl RoleRef ===

impl RoleRef<'_> {
    /// Where the role lives. A kind that the API does not know gives no rights.
    pub fn kind(&self) -> Option<RoleKind> {
        [RoleKind::Role, RoleKind::ClusterRole]
            .into_iter()
            .find(|kind| self.kind == kind.as_str())
    }
}

// === impl Subject ===

impl<'a> Subject<'a> {
    /// What it stands for, if it can hold a service account. A ServiceAccount without a namespace is one of
    /// the binding's.
    pub fn holder(&'a self, namespace: Option<&'a str>) -> Option<Holder<'a>> {
        let Self {
            kind,
            name,
            namespace: own,
        } = self;
        match kind.as_str() {
            "ServiceAccount" => {
                let own = Some(own.as_str()).filter(|own| !own.is_empty());
                let namespace = own.or(namespace)?;
                let account = Account { namespace, name };
                account.is_possible().then_some(Holder::Account(account))
            }
            "User" => Holder::of_user(name),
            "Group" => Holder::of_group(name),
            _ => None,
        }
    }
}

// === impl Binding ===

impl Binding<'_> {
    /// `RoleBinding` or `ClusterRoleBinding`.
    pub fn kind(&self) -> &'static str {
        if self.cluster_wide {
            "ClusterRoleBinding"
        } else {
            "RoleBinding"
        }
    }

    /// The subjects that can hold a service account, with their index.
    pub fn holders(&self) -> impl Iterator<Item = (usize, Holder<'_>)> {
        let namespace = self.namespace.as_deref();
        let subjects = self.subjects.iter().enumerate();
        subjects.filter_map(move |(index, it)| Some((index, it.holder(namespace)?)))
    }
}
