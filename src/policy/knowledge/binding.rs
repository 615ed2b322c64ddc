//! A binding as it is kept: its subjects that can hold a service account, and the role.

use crate::policy::rbac::{Binding, Holder, RoleKind};

use super::role::role_key;

/// A binding that can hold a service account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::policy) struct KnownBinding {
    /// None for a ClusterRoleBinding.
    pub(in crate::policy) namespace: Option<Box<str>>,
    pub(in crate::policy) name: Box<str>,
    pub(in crate::policy) role_kind: RoleKind,
    pub(in crate::policy) role_name: Box<str>,
    /// Users and groups, by name.
    holders: Box<[Box<str>]>,
}

// === impl KnownBinding ===

impl KnownBinding {
    /// None where no subject can hold a service account, the role is of no kind that gives rights, or nobody
    /// tells in which namespace.
    pub(super) fn new(binding: &Binding<'_>) -> Option<Self> {
        let role_kind = binding.role.kind()?;
        let namespace = binding.namespace.as_deref();
        if !binding.cluster_wide && namespace.is_none() {
            return None;
        }
        let mut holders: Vec<Box<str>> = binding
            .holders()
            .map(|(_, holder)| holder.to_string().into())
            .collect();
        holders.sort_unstable();
        holders.dedup();
        (!holders.is_empty()).then(|| Self {
            namespace: namespace.filter(|_| !binding.cluster_wide).map(Into::into),
            name: binding.name.as_str().into(),
            role_kind,
            role_name: binding.role.name.as_str().into(),
            holders: holders.into(),
        })
    }

    /// Whom it binds.
    pub(in crate::policy) fn holders(&self) -> impl Iterator<Item = Holder<'_>> {
        let of_name = |name| Holder::of_user(name).or_else(|| Holder::of_group(name));
        self.holders.iter().filter_map(move |name| of_name(name))
    }

    pub(super) fn key(&self) -> [&str; 3] {
        key(self.namespace.as_deref(), &self.name)
    }

    pub(super) fn holder_keys(&self) -> impl Iterator<Item = [&str; 5]> {
        let [namespace, slash, name] = self.key();
        let holders = self.holders.iter();
        holders.map(move |holder| [holder, slash, namespace, slash, name])
    }

    pub(super) fn role_key(&self) -> [&str; 7] {
        let [namespace, slash, name] = self.key();
        let [role_namespace, _, role_name] =
            role_key(self.role_kind, self.namespace.as_deref(), &self.role_name);
        [
            role_namespace,
            slash,
            role_name,
            slash,
            namespace,
            slash,
            name,
        ]
    }
}

/// The key of a RoleBinding in a namespace, or of a ClusterRoleBinding.
pub(super) fn key<'k>(namespace: Option<&'k str>, name: &'k str) -> [&'k str; 3] {
    [namespace.unwrap_or_default(), "/", name]
}
