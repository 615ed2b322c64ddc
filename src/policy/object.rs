//! Every kind of object that is judged, by one name each.

use super::custody::CustodyKind;
use super::exposure::ExposureKind;
use super::rbac::RbacKind;
use super::rules::{custody_rules, exposure_rules, rbac_rules, workload_rules};
use super::{Rule, WorkloadKind};

/// A kind of object that is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectKind {
    /// What carries a pod.
    Workload(WorkloadKind),
    /// What gives rights.
    Rbac(RbacKind),
    /// What opens a port.
    Exposure(ExposureKind),
    /// What holds something of a Tiller's. A `TokenRequest` is called as the account is.
    Custody(CustodyKind),
}

/// An object by its kind and name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectName<'a> {
    /// The kind.
    pub kind: ObjectKind,
    /// The namespace; empty for what has none.
    pub namespace: &'a str,
    /// The name.
    pub name: &'a str,
}

// === impl ObjectKind ===

impl ObjectKind {
    /// Every kind.
    pub fn all() -> impl Iterator<Item = Self> {
        let workloads = WorkloadKind::ALL.into_iter().map(Self::Workload);
        let access = RbacKind::ALL.into_iter().map(Self::Rbac);
        let exposure = ExposureKind::ALL.into_iter().map(Self::Exposure);
        let custody = CustodyKind::ALL.into_iter().map(Self::Custody);
        workloads.chain(access).chain(exposure).chain(custody)
    }

    /// The kind's name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Workload(kind) => kind.as_str(),
            Self::Rbac(kind) => kind.as_str(),
            Self::Exposure(kind) => kind.as_str(),
            Self::Custody(kind) => kind.as_str(),
        }
    }

    /// Whether its objects are in a namespace.
    pub fn has_namespace(self) -> bool {
        !matches!(
            self,
            Self::Rbac(RbacKind::ClusterRole | RbacKind::ClusterRoleBinding)
        )
    }

    /// Whether this rule looks at such objects.
    pub fn is_judged_by(self, rule: &Rule) -> bool {
        match self {
            Self::Workload(_) => workload_rules().any(|it| it == rule),
            Self::Rbac(_) => rbac_rules().any(|it| it == rule),
            Self::Exposure(_) => exposure_rules().any(|it| it == rule),
            Self::Custody(_) => custody_rules().any(|it| it == rule),
        }
    }
}

impl From<WorkloadKind> for ObjectKind {
    fn from(kind: WorkloadKind) -> Self {
        Self::Workload(kind)
    }
}
