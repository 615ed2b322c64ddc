//! What a Tiller's account can reach, and who can reach the Tiller.

use std::collections::{BTreeMap, BTreeSet};

use super::access::{Access, Way};
use super::labels::Labels;
use super::listed::Listed;
use super::questions::{Names, POWERS, Power, WAYS, ways, ways_by_others, webhook_changes};
use super::report::{CanReach, Grant, Reacher};
use super::take::Audit;
use super::workloads::{Kept, Key};
use crate::policy::rbac::{Account, RbacKind};
use crate::policy::{ObjectKind, WorkloadKind};
use crate::report::Maybe;

/// The lists from which rights are computed.
const RIGHTS: [Listed; 4] = [
    Listed::Rbac(RbacKind::Role),
    Listed::Rbac(RbacKind::ClusterRole),
    Listed::Rbac(RbacKind::RoleBinding),
    Listed::Rbac(RbacKind::ClusterRoleBinding),
];

impl Audit {
    /// What an account can reach.
    pub(super) fn can_reach(&self, account: Account<'_>) -> Maybe<CanReach> {
        self.known(RIGHTS, || {
            let access = &self.access;
            let namespaces = access.namespaces_of(account).into_iter();
            let namespaces = namespaces.map(|namespace| {
                let powers = POWERS.iter().filter(|power| !power.only_in_cluster);
                let grants = grants(access, account, Some(namespace), powers);
                (namespace.to_owned(), grants)
            });
            CanReach {
                cluster: grants(access, account, None, POWERS.iter()),
                namespaces: namespaces.collect(),
            }
        })
    }

    /// Who can reach a Tiller, beside its own accounts and the parts of Kubernetes.
    pub(super) fn reached_by(&self, tiller: &Reached<'_>) -> Maybe<Vec<Reacher>> {
        let names = self.names(tiller);
        let namespace = Some(tiller.namespace);
        self.known(RIGHTS, || {
            let direct = ways(&names);
            let mut reachers = Reachers::default();
            reachers.add(&self.access, namespace, &direct);
            let [users, groups] = ["User ", "Group "].map(|kind| reachers.named(kind));
            let roles = self.access.opening(namespace, &direct);
            let cluster_roles = self.access.opening(None, &direct);
            let (users, groups) = (borrowed(&users), borrowed(&groups));
            let by_others = ways_by_others([&roles, &cluster_roles, &users, &groups]);
            reachers.add(&self.access, namespace, &by_others);
            for account in &tiller.accounts {
                reachers.0.remove(&format!("ServiceAccount {account}"));
            }
            reachers.list()
        })
    }

    /// The names of a Tiller's objects.
    fn names<'n>(&'n self, tiller: &'n Reached<'_>) -> Names<'n> {
        let Reached {
            namespace,
            accounts,
            members,
            labels,
        } = tiller;
        let pods = || {
            let pods = members.iter();
            pods.filter(|(key, kept)| key.0 == WorkloadKind::Pod && !kept.finished)
        };
        let nodes = pods().map(|(_, kept)| &*kept.node);
        let accounts = || accounts.iter().map(|it| it.name);
        let tokens = accounts().flat_map(|it| self.openers.tokens_of(namespace, it));
        Names {
            certificates: vec![&self.basis.policy.settings.certificate_secret],
            tokens: sorted(tokens),
            records: sorted(self.records.in_secrets(namespace)),
            accounts: sorted(accounts()),
            pods: sorted(pods().map(|(key, _)| &*key.2)),
            nodes: sorted(nodes.filter(|it| !it.is_empty())),
            services: sorted(self.exposures.services_of(namespace, labels).into_iter()),
            workloads: workloads(members),
        }
    }

    /// Who may change webhook configurations.
    pub fn changed_by(&self) -> Maybe<Vec<Reacher>> {
        let of_cluster = [RbacKind::ClusterRole, RbacKind::ClusterRoleBinding];
        self.known(of_cluster.map(Listed::Rbac), || {
            let mut reachers = Reachers::default();
            reachers.add(&self.access, None, &[webhook_changes()]);
            reachers.list()
        })
    }
}

/// A Tiller, as far as it matters for who reaches it.
pub(super) struct Reached<'r> {
    pub(super) namespace: &'r str,
    /// Its service account, and those of its pods.
    pub(super) accounts: Vec<Account<'r>>,
    /// Its objects.
    pub(super) members: Vec<(&'r Key, &'r Kept)>,
    pub(super) labels: &'r [Labels<'r>],
}

/// The objects that a person changes to change a Tiller, apart from those that have finished and from `ReplicaSet`s without pods.
fn workloads<'n>(
    members: &[(&'n Key, &'n Kept)],
) -> Vec<(&'static str, &'static str, Vec<&'n str>)> {
    let mut names: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
    for (number, ((kind, _, name), kept)) in members.iter().enumerate() {
        if number > 0 && (kept.finished || kept.idle) {
            continue;
        }
        let kind = ObjectKind::from(*kind);
        for api in kind.apis() {
            let own = names.entry((api.group, kind.resource())).or_default();
            own.insert(name);
        }
    }
    let each = names.into_iter();
    each.map(|((group, resource), names)| (group, resource, names.into_iter().collect()))
        .collect()
}

fn sorted<'n>(names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let names: BTreeSet<&str> = names.collect();
    names.into_iter().collect()
}

fn borrowed(names: &[String]) -> Vec<&str> {
    names.iter().map(|it| &**it).collect()
}

/// Which of these powers a service account has in one namespace only, or in the whole cluster.
fn grants<'p>(
    access: &Access,
    account: Account<'_>,
    namespace: Option<&str>,
    powers: impl Iterator<Item = &'p Power>,
) -> Vec<Grant> {
    let granted = powers.map(|power| {
        let questions = power.questions();
        let bindings = questions.flat_map(|it| access.bindings_of(account, namespace, &it));
        Grant {
            can: power.name,
            by: bindings.map(ToString::to_string).collect(),
        }
    });
    granted.filter(|grant| !grant.by.is_empty()).collect()
}

/// Those who can reach something, as they are found: the ways, and the bindings that open them.
#[derive(Default)]
struct Reachers(BTreeMap<String, (BTreeSet<&'static str>, BTreeSet<String>)>);

impl Reachers {
    /// Adds all who have one of these ways in a namespace, or everywhere.
    fn add(&mut self, access: &Access, namespace: Option<&str>, ways: &[Way<'_>]) {
        for (subject, bound, way) in access.people(namespace, ways) {
            let (ways, bindings) = self.0.entry(subject.to_string()).or_default();
            ways.insert(way);
            bindings.insert(bound.to_string());
        }
    }

    /// The names of those of a kind, in order.
    fn named(&self, kind: &str) -> Vec<String> {
        let names = self.0.keys().filter_map(|who| who.strip_prefix(kind));
        names.map(ToOwned::to_owned).collect()
    }

    fn list(self) -> Vec<Reacher> {
        let each = self.0.into_iter();
        each.map(|(who, (ways, by))| Reacher {
            who,
            ways: WAYS.into_iter().filter(|it| ways.contains(it)).collect(),
            by,
        })
        .collect()
    }
}
