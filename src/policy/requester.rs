//! Who asks, and lists of those who may.

use super::rbac::{Account, Holder};
use crate::pod::Text;

/// Who asks the API server for something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requester<'a> {
    /// The user's name.
    pub name: Text<'a>,
    /// The groups that he is in.
    pub groups: Vec<Text<'a>>,
}

/// Users and groups, by exact name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct People {
    /// Names of users.
    pub users: Vec<String>,
    /// Names of groups.
    pub groups: Vec<String>,
}

/// The accounts of those of Kubernetes' own controllers that make workloads of one another, keep the addresses of
/// Services, or fill token Secrets.
///
/// Source: `bootstrappolicy/controller_policy.go`, Kubernetes 1.10 to 1.36.
const CONTROLLERS: [&str; 11] = [
    "cronjob-controller",
    "daemon-set-controller",
    "deployment-controller",
    "endpoint-controller",
    "endpointslice-controller",
    "endpointslicemirroring-controller",
    "job-controller",
    "replicaset-controller",
    "replication-controller",
    "statefulset-controller",
    "tokens-controller",
];

/// Whether this is one of the controllers that come with Kubernetes. Each has an account of its own in `kube-system`,
/// where only administrators write, or all act as their manager (`--use-service-account-credentials`).
pub fn is_controller(user: &str) -> bool {
    user == "system:kube-controller-manager"
        || user
            .strip_prefix("system:serviceaccount:kube-system:")
            .is_some_and(|account| CONTROLLERS.contains(&account))
}

// === impl Requester ===

impl Requester<'_> {
    /// Whether this is the kubelet of a node: `NodeRestriction` lets it ask for tokens of its own pods only.
    pub(super) fn is_kubelet(&self) -> bool {
        self.name.starts_with("system:node:")
            && self.groups.iter().any(|group| group == "system:nodes")
    }

    /// The service account that asks, if it is one.
    pub(super) fn account(&self) -> Option<Account<'_>> {
        match Holder::of_user(&self.name)? {
            Holder::Account(account) => Some(account),
            Holder::Namespace(_) | Holder::ServiceAccounts | Holder::Authenticated => None,
        }
    }

    /// Whether he is one of these users, or in one of these groups.
    pub(super) fn is_among<N: AsRef<str>>(&self, users: &[N], groups: &[N]) -> bool {
        let in_group = |group: &N| self.groups.iter().any(|own| own == group.as_ref());
        users.iter().any(|user| self.name == user.as_ref()) || groups.iter().any(in_group)
    }
}

// === impl People ===

impl People {
    /// Whether who asks is one of them.
    pub fn include(&self, requester: &Requester<'_>) -> bool {
        let Self { users, groups } = self;
        requester.is_among(users, groups)
    }
}
