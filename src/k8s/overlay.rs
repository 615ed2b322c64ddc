//! What was looked up in the cluster, on top of what is known.

use std::collections::BTreeSet;

use serde_json::value::RawValue;

use super::access::access_object;
use crate::json::Reader;
use crate::policy::Knowledge;
use crate::policy::access::{AccessKind, AccessObject, Lookup, RoleKind};

/// What is known with what a lookup found: roles or bindings as JSON. A role that was not found is none; so is a binding
/// that was known before the lookup began. What cannot be read is left as it is known, and so is then what was not found.
#[must_use]
pub fn overlay<'j>(
    knowledge: &Knowledge,
    before: &Knowledge,
    lookup: &Lookup,
    found: impl IntoIterator<Item = &'j RawValue>,
) -> Knowledge {
    let (kind, known) = match lookup {
        Lookup::Role {
            kind,
            namespace,
            name,
        } => {
            let without = knowledge.without_role(*kind, namespace.as_deref(), name);
            match kind {
                RoleKind::Role => (AccessKind::Role, without),
                RoleKind::ClusterRole => (AccessKind::ClusterRole, without),
            }
        }
        Lookup::BindingsIn(_) => (AccessKind::RoleBinding, knowledge.clone()),
        Lookup::ClusterRoleBindings => (AccessKind::ClusterRoleBinding, knowledge.clone()),
    };
    let read = found.into_iter().map(|object| {
        let json = Reader::new(object.get());
        access_object(kind, json)
    });
    let read: Vec<_> = read.collect();
    let known = read
        .iter()
        .flatten()
        .fold(known, |known, object| match object {
            AccessObject::Role(role) => known.with_role(role),
            AccessObject::Binding(binding) => known.with_binding(binding),
        });
    let namespace = match lookup {
        Lookup::Role { .. } => return known,
        Lookup::BindingsIn(namespace) => Some(&**namespace),
        Lookup::ClusterRoleBindings => None,
    };
    if read.iter().any(Result::is_err) {
        return known;
    }
    let names: BTreeSet<&str> = read.iter().flatten().map(|it| it.name().as_str()).collect();
    known.without_bindings_but(&names, namespace, before)
}
