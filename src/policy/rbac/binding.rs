//! RoleBindings and ClusterRoleBindings.

use std::collections::BTreeSet;

use super::{Account, Holder};
use crate::json::{Read, ReadError, Source, fields, read};
use crate::pod::Text;

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
    pub subjects: Subjects<'a>,
}

/// The subjects of a binding, as many as there are. Kept are those that may hold a service account, each with its index,
/// and each group once: judging takes time by what is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subjects<'a>(Vec<(usize, Subject<'a>)>);

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

// === impl Subjects ===

impl<'a> Subjects<'a> {
    /// Those that may hold a service account, each made into another.
    #[must_use]
    pub fn map(self, turn: impl Fn(Subject<'a>) -> Subject<'a>) -> Self {
        let turned = self.0.into_iter();
        Self(turned.map(|(index, it)| (index, turn(it))).collect())
    }
}

impl<'j: 'a, 'a> Read<'j> for Subjects<'a> {
    fn read<S: Source<'j>>(&mut self, source: &mut S) -> Result<(), ReadError> {
        let mut groups = BTreeSet::new();
        let mut index = 0;
        source.elements(|element| {
            let subject: Subject<'a> = read(element)?;
            let kept = match subject.kind.as_str() {
                "ServiceAccount" => !subject.name.is_empty(),
                "User" if subject.name == "*" => groups.insert(subject.name.to_string()),
                "User" => Holder::of_user(&subject.name).is_some(),
                "Group" => {
                    Holder::of_group(&subject.name).is_some()
                        && groups.insert(subject.name.to_string())
                }
                _ => false,
            };
            if kept {
                self.0.push((index, subject));
            }
            index += 1;
            Ok(())
        })
    }
}

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
        let subjects = self.subjects.0.iter();
        subjects.filter_map(move |(index, it)| Some((*index, it.holder(namespace)?)))
    }
}
