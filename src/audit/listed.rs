//! What is listed, in the order in which it has to come: what is judged comes after what it is judged by.

use crate::policy::exposure::ExposureKind;
use crate::policy::rbac::RbacKind;
use crate::policy::{ObjectKind, WorkloadKind};

/// A kind of object that an audit reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Listed {
    /// ConfigMaps that register teams.
    Teams,
    /// What carries a pod.
    Workloads(WorkloadKind),
    /// Roles and bindings.
    Rbac(RbacKind),
    /// Services, and what leads to them.
    Exposure(ExposureKind),
    /// What lets routes lead to Services of other namespaces.
    ReferenceGrants,
    /// Service accounts, for the names of the token Secrets that Kubernetes created for them.
    ServiceAccounts,
    /// Secrets with tokens of service accounts. Only their metadata is listed.
    Tokens,
    /// Secrets with Tillers' certificates.
    Certificates,
}

impl Listed {
    /// Every one, in order. Records of releases are listed beside these.
    pub const ALL: [Self; 23] = [
        Self::Teams,
        Self::Workloads(WorkloadKind::Deployment),
        Self::Workloads(WorkloadKind::ReplicaSet),
        Self::Workloads(WorkloadKind::StatefulSet),
        Self::Workloads(WorkloadKind::DaemonSet),
        Self::Workloads(WorkloadKind::ReplicationController),
        Self::Workloads(WorkloadKind::CronJob),
        Self::Workloads(WorkloadKind::Job),
        Self::Workloads(WorkloadKind::Pod),
        Self::Rbac(RbacKind::Role),
        Self::Rbac(RbacKind::ClusterRole),
        Self::Rbac(RbacKind::RoleBinding),
        Self::Rbac(RbacKind::ClusterRoleBinding),
        Self::Exposure(ExposureKind::Service),
        Self::Exposure(ExposureKind::Ingress),
        Self::Exposure(ExposureKind::HttpRoute),
        Self::Exposure(ExposureKind::GrpcRoute),
        Self::Exposure(ExposureKind::TlsRoute),
        Self::Exposure(ExposureKind::TcpRoute),
        Self::ReferenceGrants,
        Self::ServiceAccounts,
        Self::Tokens,
        Self::Certificates,
    ];

    /// Its name in the report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Teams => "teams",
            Self::Workloads(kind) => ObjectKind::from(kind).resource(),
            Self::Rbac(kind) => ObjectKind::from(kind).resource(),
            Self::Exposure(kind) => ObjectKind::from(kind).resource(),
            Self::ReferenceGrants => "referencegrants",
            Self::ServiceAccounts => "serviceaccounts",
            Self::Tokens => "token secrets",
            Self::Certificates => "certificate secrets",
        }
    }

    /// The kind in the API.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Teams => "ConfigMap",
            Self::Workloads(kind) => kind.as_str(),
            Self::Rbac(kind) => kind.as_str(),
            Self::Exposure(kind) => kind.as_str(),
            Self::ReferenceGrants => "ReferenceGrant",
            Self::ServiceAccounts => "ServiceAccount",
            Self::Tokens | Self::Certificates => "Secret",
        }
    }

    /// Whether rights are unknown without this list.
    pub(super) fn is_of_rights(self) -> bool {
        matches!(self, Self::Rbac(_))
    }
}
