//! What was looked up in the cluster, on top of what is known.

use serde_json::value::RawValue;

use super::access::access_object;
use crate::policy::Knowledge;
use crate::policy::access::{AccessKind, AccessObject, Lookup, RoleKind};

/// What is known with what a lookup found: roles or bindings as JSON. A role that was not found is none; a binding that
/// was not counts as long as the watch does not tell that it is gone. What cannot be read is left as it is known.
#[must_use]
pub fn overlay<'j>(
    knowledge: &Knowledge,
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
    found.into_iter().fold(known, |known, object| {
        let mut json = serde_json::Deserializer::from_str(object.get());
        match access_object(kind, &mut json) {
            Ok(AccessObject::Role(role)) => known.with_role(&role),
            Ok(AccessObject::Binding(binding)) => known.with_binding(&binding),
            Err(_unreadable) => known,
        }
    })
}
