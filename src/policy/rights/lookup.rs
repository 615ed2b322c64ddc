//! What a decision hangs on that a watch may not have told of yet.
//!
//! A watch is behind by milliseconds, and what was written in these may be what makes the difference: the role that a
//! binding names, the bindings of a Tiller's account. So it is looked up in the cluster, and judged once more.

use std::collections::BTreeSet;

use crate::gather::Gather as _;
use crate::policy::finding::LiveFact;
use crate::policy::knowledge::{Knowledge, KnownRole, SecretRecords};
use crate::policy::object::Object;
use crate::policy::rbac::{Account, Binding, Holder, RbacObject, Role, RoleKind};
use crate::policy::settings::Settings;
use crate::policy::verdict::Verdict;
use crate::policy::workload::{Workload, WorkloadKind, Writer};

/// Something to look up in the cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lookup {
    /// A Role in a namespace, or a ClusterRole.
    Role {
        /// Which of the two.
        kind: RoleKind,
        /// The namespace of a Role.
        namespace: Option<Box<str>>,
        /// Its name.
        name: Box<str>,
    },
    /// The RoleBindings of a namespace.
    BindingsIn(Box<str>),
    /// All ClusterRoleBindings.
    ClusterRoleBindings,
    /// How many Secrets of a namespace hold a release.
    SecretRecordsIn(Box<str>),
    /// The pods that run as an account.
    PodsOf {
        /// The account's namespace.
        namespace: Box<str>,
        /// Its name.
        name: Box<str>,
    },
    /// The token Secrets of an account.
    TokensOf {
        /// The account's namespace.
        namespace: Box<str>,
        /// Its name.
        name: Box<str>,
    },
    /// What a controller makes a refused Pod or ReplicaSet from: whether its template is at fault.
    Template {
        /// The owner's kind.
        kind: WorkloadKind,
        /// The owner's namespace.
        namespace: Box<str>,
        /// Its name.
        name: Box<str>,
    },
}

/// The most namespaces, and the most roles, that are looked at for one decision.
const MOST: usize = 8;

/// What the decision on an object hangs on.
pub fn lookups(
    object: &Object<'_>,
    verdict: &Verdict<'_>,
    settings: &Settings,
    knowledge: &Knowledge,
) -> Vec<Lookup> {
    match object {
        Object::Workload(workload) => lookups_for_workload(workload, verdict, knowledge),
        Object::Rbac(object) => lookups_for_rbac(object, settings, knowledge),
        Object::Exposure(_) | Object::Custody(_) | Object::Connection(_) => Vec::new(),
    }
}

/// What the decision on a role or binding hangs on. Nothing where it concerns no Tiller.
fn lookups_for_rbac(
    object: &RbacObject<'_>,
    settings: &Settings,
    knowledge: &Knowledge,
) -> Vec<Lookup> {
    match object {
        RbacObject::Binding(binding) => for_binding(binding, settings, knowledge),
        RbacObject::Role(role) => for_role(role, settings, knowledge),
    }
}

/// What the decision on a workload with a Tiller hangs on: what its account may do, and how many Secrets hold releases
/// where it keeps its own elsewhere.
fn lookups_for_workload(
    workload: &Workload<'_>,
    verdict: &Verdict<'_>,
    knowledge: &Knowledge,
) -> Vec<Lookup> {
    if verdict.tillers.is_empty() {
        return Vec::new();
    }
    let rights = lookups_for_account(workload, knowledge);
    let records = lookup_for_records(workload, verdict, knowledge);
    let tokens = lookup_for_token(workload, verdict, knowledge);
    let users = lookup_for_users(workload, knowledge);
    let beside = [records, tokens, users].into_iter().flatten();
    rights.into_iter().chain(beside).collect()
}

/// The token Secrets of a Pod's account, where `volume-mounts` refuses it and they are not known.
fn lookup_for_token(
    workload: &Workload<'_>,
    verdict: &Verdict<'_>,
    knowledge: &Knowledge,
) -> Option<Lookup> {
    let account = workload.own_account()?;
    let unknown = knowledge.has_token_secret(account, "").is_none();
    (workload.kind == WorkloadKind::Pod && unknown && goes_by(verdict, LiveFact::TokenSecrets))
        .then(|| Lookup::TokensOf {
            namespace: account.namespace.into(),
            name: account.name.into(),
        })
}

/// Who else runs as the account of a Tiller that somebody writes; what a controller makes of it was looked at then.
fn lookup_for_users(workload: &Workload<'_>, knowledge: &Knowledge) -> Option<Lookup> {
    let account = workload.own_account()?;
    let open = workload.writer == Writer::Other && !knowledge.knows_users_of(account);
    open.then(|| Lookup::PodsOf {
        namespace: account.namespace.into(),
        name: account.name.into(),
    })
}

/// Whether something was found that goes by this.
fn goes_by(verdict: &Verdict<'_>, fact: LiveFact) -> bool {
    verdict.findings.iter().any(|it| it.rule.live == Some(fact))
}

/// The records that `storage-switch` refuses a Tiller for, as long as they are not counted.
fn lookup_for_records(
    workload: &Workload<'_>,
    verdict: &Verdict<'_>,
    knowledge: &Knowledge,
) -> Option<Lookup> {
    let namespace = workload.namespace.as_deref()?;
    let open = goes_by(verdict, LiveFact::ReleaseRecords)
        && knowledge.secret_records_in(namespace) == SecretRecords::Unasked;
    open.then(|| Lookup::SecretRecordsIn(namespace.into()))
}

/// What an account of a Tiller's may do. Nothing where it has no account of its own.
fn lookups_for_account(workload: &Workload<'_>, knowledge: &Knowledge) -> Vec<Lookup> {
    let Some(account) = workload.own_account() else {
        return Vec::new();
    };
    let targets = knowledge.team_of(account).into_iter();
    let targets = targets.flat_map(|team| team.target_namespaces.iter().map(|it| &**it));
    let mut namespaces: Vec<&str> = targets.chain([account.namespace]).collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    let roles = knowledge
        .bindings_of(account)
        .filter(|(holder, _)| matches!(holder, Holder::Account(_)))
        .map(|(_, binding)| {
            Lookup::role(
                binding.role_kind,
                binding.namespace.as_deref(),
                &binding.role_name,
            )
        });
    let mut roles: Vec<Lookup> = roles.collect();
    roles.sort_unstable();
    roles.dedup();
    bindings_in(namespaces)
        .chain([Lookup::ClusterRoleBindings])
        .chain(roles.into_iter().take(MOST))
        .collect()
}

/// The role that a binding gives a Tiller's account may have just been made or changed.
fn for_binding(binding: &Binding<'_>, settings: &Settings, knowledge: &Knowledge) -> Vec<Lookup> {
    let held = |(_, holder): (usize, Holder<'_>)| {
        let mut accounts = knowledge.tiller_accounts(holder, settings);
        accounts.next().is_some()
    };
    let concerned = || binding.holders().any(held);
    let role = binding.role.kind().filter(|_| concerned());
    let lookup =
        role.map(|kind| Lookup::role(kind, binding.namespace.as_deref(), &binding.role.name));
    lookup.into_iter().collect()
}

/// A Tiller's account may have just been bound to a role that grants what no Tiller may have.
fn for_role(role: &Role<'_>, settings: &Settings, knowledge: &Knowledge) -> Vec<Lookup> {
    let KnownRole {
        rights, aggregated, ..
    } = KnownRole::new(role);
    let harmless = rights.excessive(true).is_none() && !aggregated;
    let cluster_wide = role.kind == RoleKind::ClusterRole;
    if harmless || cluster_wide && settings.allows_cluster_role(&role.name) {
        return Vec::new();
    }
    let accounts = knowledge.tiller_accounts(Holder::ServiceAccounts, settings);
    if cluster_wide {
        let namespaces: BTreeSet<&str> = accounts
            .flat_map(|account| reached(account, knowledge))
            .take(MOST)
            .gather();
        let anybody = !namespaces.is_empty();
        let everywhere = anybody.then_some(Lookup::ClusterRoleBindings);
        return bindings_in(namespaces).chain(everywhere).collect();
    }
    let Some(namespace) = role.namespace.as_deref() else {
        return Vec::new();
    };
    let mut reachers =
        accounts.filter(|account| reached(*account, knowledge).any(|it| it == namespace));
    let concerned = reachers.next().is_some();
    bindings_in(
        BTreeSet::from([namespace])
            .into_iter()
            .filter(|_| concerned),
    )
    .collect()
}

/// Where an account's Tiller may have rights.
fn reached<'a>(account: Account<'a>, knowledge: &'a Knowledge) -> impl Iterator<Item = &'a str> {
    let team = knowledge.team_of(account).into_iter();
    let targets = team.flat_map(|team| team.target_namespaces.iter().map(|it| &**it));
    [account.namespace].into_iter().chain(targets)
}

fn bindings_in<'a>(namespaces: impl IntoIterator<Item = &'a str>) -> impl Iterator<Item = Lookup> {
    let namespaces = namespaces.into_iter().take(MOST);
    namespaces.map(|namespace| Lookup::BindingsIn(namespace.into()))
}

// === impl Lookup ===

impl Lookup {
    fn role(kind: RoleKind, namespace: Option<&str>, name: &str) -> Self {
        Self::Role {
            kind,
            namespace: namespace.filter(|_| kind == RoleKind::Role).map(Into::into),
            name: name.into(),
        }
    }
}
