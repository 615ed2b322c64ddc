//! How a binding gives an account more than its team allows.

use std::fmt;

use super::platform;
use crate::policy::knowledge::{KnownBinding, KnownRole};
use crate::policy::rbac::{Account, Excessive, Holder, RoleKind};
use crate::policy::{Knowledge, Settings};

/// A binding's place and its role, whether it is known or just coming.
#[derive(Debug, Clone, Copy)]
pub(in crate::policy) struct Bound<'a> {
    pub(in crate::policy) cluster_wide: bool,
    pub(in crate::policy) namespace: Option<&'a str>,
    pub(in crate::policy) name: &'a str,
    pub(in crate::policy) role_kind: RoleKind,
    pub(in crate::policy) role_name: &'a str,
}

/// What a binding gives an account beyond what its team allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::policy) struct Excess<'a> {
    /// Rights where its team has no business.
    pub(in crate::policy) scope: Option<Scope<'a>>,
    /// Rights that no Tiller may have.
    pub(in crate::policy) role: Option<RoleExcess>,
}

/// Where a team has no business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) enum Scope<'a> {
    /// Everywhere.
    Cluster,
    /// In a protected namespace.
    Protected(&'a str),
    /// In another namespace.
    Outside(&'a str),
    /// In its own namespace, which a team has that it is not of: the namespace and the team.
    OfTeam(&'a str, &'a str),
    /// In a namespace that the manifest does not tell.
    Untold,
}

/// What is wrong with a role that a Tiller's account is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) enum RoleExcess {
    /// It grants these.
    Rights(Excessive),
    /// It takes in the rules of others.
    Aggregated,
    /// It is not known.
    Unknown,
    /// It is there, and cannot be read.
    Unreadable,
}

/// The ClusterRoles that Kubernetes itself, or OpenShift, binds to groups that hold every account; they grant nothing
/// but finding the API and questions about oneself.
const EVERYBODYS: [&str; 9] = [
    "cluster-status",
    "self-access-reviewer",
    "system:basic-user",
    "system:discovery",
    "system:openshift:discovery",
    "system:openshift:public-info-viewer",
    "system:public-info-viewer",
    "system:scope-impersonation",
    "system:service-account-issuer-discovery",
];

/// The ClusterRoles of Kubernetes that take in the rules of others.
const AGGREGATED: [&str; 3] = ["admin", "edit", "view"];

/// What a binding gives an account, which it holds by this holder, beyond what the account's team allows;
/// the role is as it is known, or as it will be.
pub(in crate::policy) fn excess<'a>(
    account: Account<'_>,
    holder: Holder<'_>,
    bound: Bound<'a>,
    role: Option<KnownRole>,
    settings: &Settings,
    knowledge: &'a Knowledge,
) -> Excess<'a> {
    let of_group = !matches!(holder, Holder::Account(_));
    if of_group
        && (is_everybodys(bound, role, settings) || platform::is_its_own(holder, bound, role))
    {
        return Excess::default();
    }
    Excess {
        scope: scope(account, bound, settings, knowledge),
        role: role_excess(account, bound, role, settings),
    }
}

/// Whether the role grants nothing that everybody does not have: then it matters to nobody which groups are
/// bound to it.
pub(super) fn is_everybodys(
    bound: Bound<'_>,
    role: Option<KnownRole>,
    settings: &Settings,
) -> bool {
    let Bound {
        role_kind,
        role_name,
        ..
    } = bound;
    let named = |names: &[String]| names.iter().any(|name| name == role_name);
    role.is_some_and(|role| role.rights.are_everybodys())
        || role_kind == RoleKind::ClusterRole
            && (named(&settings.common_cluster_roles)
                || role.is_none() && EVERYBODYS.contains(&role_name))
}

fn scope<'a>(
    account: Account<'_>,
    bound: Bound<'a>,
    settings: &Settings,
    knowledge: &'a Knowledge,
) -> Option<Scope<'a>> {
    if bound.cluster_wide {
        return Some(Scope::Cluster);
    }
    let Some(namespace) = bound.namespace else {
        return Some(Scope::Untold);
    };
    let own = knowledge.team_of(account);
    let reached = own.map_or(account.namespace == namespace, |team| {
        team.reaches(namespace)
    });
    if !reached {
        Some(Scope::Outside(namespace))
    } else if let (None, Some(team)) = (own, knowledge.team_reaching(namespace)) {
        Some(Scope::OfTeam(namespace, &team.name))
    } else if settings.protects(namespace) {
        Some(Scope::Protected(namespace))
    } else {
        None
    }
}

fn role_excess(
    account: Account<'_>,
    bound: Bound<'_>,
    role: Option<KnownRole>,
    settings: &Settings,
) -> Option<RoleExcess> {
    let Bound {
        namespace,
        role_kind,
        role_name,
        ..
    } = bound;
    let in_cluster = role_kind == RoleKind::ClusterRole;
    if in_cluster && settings.allows_cluster_role(role_name) {
        return None;
    }
    let excessive = |role: KnownRole| {
        let own_namespace = bound.cluster_wide || namespace == Some(account.namespace);
        role.rights.excessive(own_namespace)
    };
    match role {
        Some(KnownRole {
            unreadable: true, ..
        }) => Some(RoleExcess::Unreadable),
        Some(KnownRole {
            aggregated: true, ..
        }) => Some(RoleExcess::Aggregated),
        Some(role) => excessive(role).map(RoleExcess::Rights),
        None if in_cluster && AGGREGATED.contains(&role_name) => Some(RoleExcess::Aggregated),
        None if in_cluster && role_name == "cluster-admin" => {
            Some(RoleExcess::Rights(Excessive::ALL))
        }
        None => Some(RoleExcess::Unknown),
    }
}

// === impl Bound ===

impl<'a> Bound<'a> {
    pub(in crate::policy) fn known(binding: &'a KnownBinding) -> Self {
        let KnownBinding {
            namespace,
            name,
            role_kind,
            role_name,
            ..
        } = binding;
        Self {
            cluster_wide: namespace.is_none(),
            namespace: namespace.as_deref(),
            name,
            role_kind: *role_kind,
            role_name,
        }
    }

    /// What is known of its role.
    pub(in crate::policy) fn role(&self, knowledge: &Knowledge) -> Option<KnownRole> {
        knowledge.role(self.role_kind, self.namespace, self.role_name)
    }
}

/// `RoleBinding NAMESPACE/NAME`, or `ClusterRoleBinding NAME`.
impl fmt::Display for Bound<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace.filter(|_| !self.cluster_wide) {
            Some(namespace) => write!(formatter, "RoleBinding {namespace}/{}", self.name),
            None if self.cluster_wide => write!(formatter, "ClusterRoleBinding {}", self.name),
            None => write!(formatter, "RoleBinding {}", self.name),
        }
    }
}

// === impl Scope ===

/// Where, with a preposition.
impl fmt::Display for Scope<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster => formatter.write_str("in the whole cluster"),
            Self::Protected(namespace) => {
                write!(formatter, "in the protected namespace {namespace}")
            }
            Self::Outside(namespace) => {
                write!(
                    formatter,
                    "in {namespace}, which is not one of its team's namespaces"
                )
            }
            Self::OfTeam(namespace, team) => {
                write!(
                    formatter,
                    "in {namespace}, which belongs to the Tiller of team {team}"
                )
            }
            Self::Untold => formatter.write_str("in a namespace that the manifest does not name"),
        }
    }
}
