//! What a Tiller's account can reach, and who can reach the Tiller.

use std::collections::{BTreeMap, BTreeSet};

use super::access::{Access, Question};
use super::listed::Listed;
use super::questions::{Names, POWERS, Power, ways, webhook_changes};
use super::report::{AuditedPod, CanReach, Grant, Reacher};
use super::take::Audit;
use super::workloads::Key;
use crate::policy::ObjectKind;
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

    /// Who can reach a Tiller, beside its own account and the parts of Kubernetes.
    pub(super) fn reached_by(
        &self,
        (kind, namespace, name): &Key,
        account: Account<'_>,
        (pods, labels): (&[AuditedPod], &BTreeMap<String, String>),
    ) -> Maybe<Vec<Reacher>> {
        let kind = ObjectKind::from(*kind);
        let group = kind.apis().next().map_or("", |api| api.group);
        let pods: Vec<&str> = pods.iter().map(|it| &*it.name).collect();
        let services = self.exposures.services_of(namespace, labels);
        let names = Names {
            certificates: &self.basis.policy.settings.certificate_secret,
            account: account.name,
            pods: &pods,
            services: &services,
            workload: [group, kind.resource(), name],
        };
        let own = format!("ServiceAccount {account}");
        self.known(RIGHTS, || {
            let mut reachers = Reachers::default();
            for (way, questions) in ways(names) {
                for question in questions {
                    reachers.add(&self.access, Some(namespace), way, &question);
                }
            }
            reachers.0.remove(&own);
            reachers.list()
        })
    }

    /// Who may change webhook configurations.
    pub fn changed_by(&self) -> Maybe<Vec<Reacher>> {
        let of_cluster = [RbacKind::ClusterRole, RbacKind::ClusterRoleBinding];
        self.known(of_cluster.map(Listed::Rbac), || {
            let mut reachers = Reachers::default();
            for question in webhook_changes() {
                reachers.add(&self.access, None, "change-webhooks", &question);
            }
            reachers.list()
        })
    }
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

/// Those who can reach something, as they are found.
#[derive(Default)]
struct Reachers(BTreeMap<String, (Vec<&'static str>, BTreeSet<String>)>);

impl Reachers {
    /// Adds all who may do this in a namespace, or everywhere.
    fn add(
        &mut self,
        access: &Access,
        namespace: Option<&str>,
        way: &'static str,
        question: &Question<'_>,
    ) {
        for (subject, bound) in access.people(namespace, question) {
            let (ways, bindings) = self.0.entry(subject.to_string()).or_default();
            if !ways.contains(&way) {
                ways.push(way);
            }
            bindings.insert(bound.to_string());
        }
    }

    fn list(self) -> Vec<Reacher> {
        let each = self.0.into_iter();
        each.map(|(who, (ways, by))| Reacher { who, ways, by })
            .collect()
    }
}
