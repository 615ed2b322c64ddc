//! What a Tiller's account can reach, and who can reach the Tiller.

use std::collections::{BTreeMap, BTreeSet};

use super::access::{Access, Bound, Way};
use super::labels::Labels;
use super::listed::Listed;
use super::questions::{Names, POWERS, Power, WAYS, ways, ways_by_others, webhook_changes};
use super::report::{CanReach, Grant, Reacher};
use super::take::Audit;
use super::workloads::{Kept, Key, by_resource};
use crate::gather::Gather as _;
use crate::policy::WorkloadKind;
use crate::policy::exposure::ExposureKind;
use crate::policy::rbac::{Account, RbacKind};
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
            accounts: own_accounts,
            members,
            labels,
        } = tiller;
        let pods = || {
            let pods = members.iter();
            pods.filter(|(key, kept)| key.0 == WorkloadKind::Pod && !kept.finished)
        };
        let nodes = pods().map(|(_, kept)| &*kept.node);
        let accounts = || own_accounts.iter().map(|it| it.name);
        let tokens = accounts().flat_map(|it| self.tokens_of(namespace, it));
        let changed = changed(members);
        let mut with_token = self.workloads.pods_as(namespace, own_accounts);
        with_token.retain(|it| !pods().any(|(key, _)| *key.2 == **it));
        Names {
            certificates: vec![&self.basis.policy.settings.certificate_secret],
            tokens: sorted(tokens),
            records: sorted(self.records.in_secrets(namespace)),
            accounts: sorted(accounts()),
            pods: sorted(pods().map(|(key, _)| &*key.2)),
            nodes: sorted(nodes.filter(|it| !it.is_empty())),
            services: sorted(self.exposures.services_of(namespace, labels).into_iter()),
            with_token: with_token.into_iter().collect(),
            makers: self.workloads.makers(namespace, &changed),
            workloads: by_resource(changed.iter().map(|key| (key.0, &*key.2))),
        }
    }

    /// The Secrets with tokens of an account. Where they are not listed, those that Kubernetes before 1.24 made and noted in the account.
    fn tokens_of(&self, namespace: &str, account: &str) -> impl Iterator<Item = &str> {
        let noted = self.lacks(Listed::Tokens);
        let noted = noted.then(|| self.openers.noted_tokens_of(namespace, account));
        let tokens = self.openers.tokens_of(namespace, account);
        tokens.chain(noted.into_iter().flatten())
    }

    /// The lists that lack names of objects: rights to one of these objects by its name are unknown.
    pub(super) fn unnamed(&self) -> Vec<&'static str> {
        let is_named = |listed: &Listed| {
            matches!(
                listed,
                Listed::Workloads(_) | Listed::Tokens | Listed::Exposure(ExposureKind::Service)
            )
        };
        let lists = Listed::ALL.into_iter();
        let lists = lists.filter(|it| is_named(it) && self.lacks(*it));
        let records = self.records.lacks_secrets();
        let records = records.then_some("release records in secrets");
        lists.map(Listed::as_str).chain(records).collect()
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
fn changed<'n>(members: &[(&'n Key, &'n Kept)]) -> BTreeSet<&'n Key> {
    let each = members.iter().enumerate();
    let counts = |(number, (_, kept)): &(usize, &(&Key, &Kept))| {
        matches!(number, 0) || !(kept.finished || kept.idle)
    };
    each.filter(counts).map(|(_, (key, _))| *key).gather()
}

fn sorted<'n>(names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let names: BTreeSet<&str> = names.gather();
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
    let own = access.bindings_of(account, namespace);
    let granted = powers.map(|power| {
        let allows = |bound: &&&Bound| power.questions().any(|it| access.allows(bound, &it));
        let bindings = own.iter().filter(allows);
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
