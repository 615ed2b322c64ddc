//! What was looked up in the cluster, on top of what is known.

use std::collections::BTreeSet;

use super::read::read as read_object;
use crate::gather::Gather as _;
use crate::json::{Presence, Reader, fields, read};
use crate::pod::{Items, Text};
use crate::policy::rbac::{Account, RbacKind, RoleKind};
use crate::policy::rights::Lookup;
use crate::policy::{Knowledge, Object, SecretRecords, WorkloadKind};

/// What is known with what a lookup found: roles, bindings, accounts or records as JSON; and how many of these could not be
/// read. A role that was not found is none; so is a binding that was known before the lookup began. What cannot be read may
/// give any right.
pub fn overlay<'j>(
    knowledge: &Knowledge,
    before: &Knowledge,
    lookup: &Lookup,
    found: impl IntoIterator<Item = &'j str>,
) -> (Knowledge, usize) {
    match lookup {
        Lookup::SecretRecordsIn(namespace) => {
            let records = u32::try_from(found.into_iter().count()).unwrap_or(u32::MAX);
            let counted = SecretRecords::Counted(records);
            (knowledge.with_secret_records(namespace, counted), 0)
        }
        Lookup::PodsOf { namespace, name } => {
            with_user(knowledge, Account { namespace, name }, found)
        }
        Lookup::TokensOf { namespace, name } => {
            let account = Account { namespace, name };
            with_tokens(knowledge, account, found)
        }
        Lookup::Template {
            kind,
            namespace,
            name,
        } => {
            let mut found = found.into_iter();
            let template = found.find(|json| {
                read_object(*kind, Reader::new(json)).is_ok_and(|it| it.name() == &**name)
            });
            let owner = (*kind, &**namespace, &**name);
            (knowledge.with_template(owner, template), 0)
        }
        Lookup::Role {
            kind,
            namespace,
            name,
        } => {
            let without = knowledge.without_role(*kind, namespace.as_deref(), name);
            let kind = match kind {
                RoleKind::Role => RbacKind::Role,
                RoleKind::ClusterRole => RbacKind::ClusterRole,
            };
            let (known, _, unread) = with_objects(without, kind, found);
            (known, unread)
        }
        Lookup::BindingsIn(namespace) => {
            let (known, names, unread) =
                with_objects(knowledge.clone(), RbacKind::RoleBinding, found);
            (only(&known, &names, Some(namespace), before), unread)
        }
        Lookup::ClusterRoleBindings => {
            let (known, names, unread) =
                with_objects(knowledge.clone(), RbacKind::ClusterRoleBinding, found);
            (only(&known, &names, None, before), unread)
        }
    }
}

/// What is known with these roles or bindings, their names, and how many could not be read.
fn with_objects<'j>(
    mut knowledge: Knowledge,
    kind: RbacKind,
    found: impl IntoIterator<Item = &'j str>,
) -> (Knowledge, BTreeSet<String>, usize) {
    let (mut names, mut unread) = (BTreeSet::new(), 0);
    for object in found {
        if let Ok(object) = read_object(kind, Reader::new(object)) {
            names.insert(object.name().to_owned());
            knowledge = knowledge.with(&object);
            continue;
        }
        unread += 1;
        let header = read::<Header<'_>, _>(&mut Reader::new(object));
        let Metadata { name, namespace } = header.unwrap_or_default().metadata;
        knowledge = knowledge.learn_unreadable(kind.into(), &namespace, &name).0;
        names.insert(name.to_string());
    }
    (knowledge, names, unread)
}

/// Without the bindings that were known before and were not found.
fn only(
    knowledge: &Knowledge,
    names: &BTreeSet<String>,
    namespace: Option<&str>,
    before: &Knowledge,
) -> Knowledge {
    let names: BTreeSet<&str> = names.iter().map(String::as_str).gather();
    knowledge
        .without_unreadable_bindings_but(&names, namespace)
        .without_bindings_but(&names, namespace, before)
}

fn with_tokens<'j>(
    knowledge: &Knowledge,
    account: Account<'_>,
    found: impl IntoIterator<Item = &'j str>,
) -> (Knowledge, usize) {
    let read = found
        .into_iter()
        .next()
        .map(|object| read::<ServiceAccount<'_>, _>(&mut Reader::new(object)));
    let (account_found, unread) = match read {
        Some(Ok(found)) => (found, 0),
        Some(Err(_)) => (ServiceAccount::default(), 1),
        None => (ServiceAccount::default(), 0),
    };
    let secrets = account_found.secrets.iter();
    let secrets: Vec<&str> = secrets.map(|it| it.name.as_str()).collect();
    (knowledge.with_token_secrets(account, &secrets), unread)
}

/// The first of these pods that runs as an account and is no Tiller's. One that cannot be read may be.
fn with_user<'j>(
    knowledge: &Knowledge,
    account: Account<'_>,
    found: impl IntoIterator<Item = &'j str>,
) -> (Knowledge, usize) {
    let (mut user, mut unread) = (None, 0);
    for object in found {
        let state = read::<Running<'_>, _>(&mut Reader::new(object));
        let pod = read_object(WorkloadKind::Pod, Reader::new(object));
        let (Ok(Running { metadata, status }), Ok(Object::Workload(pod))) = (state, pod) else {
            unread += 1;
            continue;
        };
        let runs = !matches!(status.phase.as_str(), "Succeeded" | "Failed")
            && metadata.deletion_timestamp.is_none();
        if runs && **pod.pod.account() == *account.name && !pod.holds_tiller() {
            user = Some(pod.name.to_string());
            break;
        }
    }
    (
        knowledge.with_account_user(account, user.as_deref()),
        unread,
    )
}

/// A pod as far as it runs.
#[derive(Default)]
struct Running<'a> {
    metadata: RunningMetadata,
    status: Phase<'a>,
}

fields!(Running<'a> {
    "metadata" => metadata,
    "status" => status,
});

#[derive(Default)]
struct RunningMetadata {
    deletion_timestamp: Option<Presence>,
}

fields!(RunningMetadata {
    "deletionTimestamp" => deletion_timestamp,
});

#[derive(Default)]
struct Phase<'a> {
    phase: Text<'a>,
}

fields!(Phase<'a> {
    "phase" => phase,
});

/// An object as far as its name goes.
#[derive(Default)]
struct Header<'a> {
    metadata: Metadata<'a>,
}

fields!(Header<'a> {
    "metadata" => metadata,
});

#[derive(Default)]
struct Metadata<'a> {
    name: Text<'a>,
    namespace: Text<'a>,
}

fields!(Metadata<'a> {
    "name" => name,
    "namespace" => namespace,
});

/// A service account, as far as its token Secrets go.
#[derive(Default)]
struct ServiceAccount<'a> {
    secrets: Items<SecretReference<'a>>,
}

fields!(ServiceAccount<'a> {
    "secrets" => secrets,
});

#[derive(Default)]
struct SecretReference<'a> {
    name: Text<'a>,
}

fields!(SecretReference<'a> {
    "name" => name,
});
