//! Every kind of object that is judged, and where the API serves it: the one table of kinds.

use super::connection::ConnectionKind;
use super::custody::CustodyKind;
use super::exposure::ExposureKind;
use super::rbac::RbacKind;
use super::workload::WorkloadKind;

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
    /// A connection into a pod, or to its ports.
    Connection(ConnectionKind),
}

/// A kind in one group of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Api {
    /// The kind.
    pub kind: ObjectKind,
    /// The group; empty for the core's.
    pub group: &'static str,
    /// The versions by which a watch asks for it, the best first: of workloads all that some Kubernetes from 1.10 on serves; none
    /// for what is not watched.
    pub versions: &'static [&'static str],
    /// The resources whose writes carry the kind, subresources after a slash, as a webhook's rules name them.
    pub resources: &'static [&'static str],
}

/// The group of roles and bindings.
const RBAC: &str = RbacKind::GROUP;
/// The group of the Gateway API's routes.
const GATEWAY: &str = "gateway.networking.k8s.io";

/// Every one, as Kubernetes 1.10 to 1.36 have them.
///
/// Left out are the subresources that cannot change a pod: `status` (the API server keeps the stored
/// specification) and `scale` (a number of pods, each of which is judged when it is made).
#[rustfmt::skip]
pub static APIS: [Api; 34] = [
    // `pods/resize` is of 1.32.
    Api::workload(WorkloadKind::Pod, "", &["v1"], &["pods", "pods/ephemeralcontainers", "pods/resize"]),
    Api::workload(WorkloadKind::EphemeralContainers, "", &["v1"], &["pods/ephemeralcontainers"]),
    Api::workload(WorkloadKind::PodTemplate, "", &["v1"], &["podtemplates"]),
    Api::workload(WorkloadKind::ReplicationController, "", &["v1"], &["replicationcontrollers"]),
    Api::workload(WorkloadKind::Deployment, "apps", &["v1", "v1beta2", "v1beta1"], &["deployments"]),
    Api::workload(WorkloadKind::Deployment, "extensions", &["v1beta1"], &["deployments"]),
    Api::workload(WorkloadKind::ReplicaSet, "apps", &["v1", "v1beta2"], &["replicasets"]),
    Api::workload(WorkloadKind::ReplicaSet, "extensions", &["v1beta1"], &["replicasets"]),
    Api::workload(WorkloadKind::StatefulSet, "apps", &["v1", "v1beta2", "v1beta1"], &["statefulsets"]),
    Api::workload(WorkloadKind::DaemonSet, "apps", &["v1", "v1beta2"], &["daemonsets"]),
    Api::workload(WorkloadKind::DaemonSet, "extensions", &["v1beta1"], &["daemonsets"]),
    Api::workload(WorkloadKind::Job, "batch", &["v1"], &["jobs"]),
    Api::workload(WorkloadKind::CronJob, "batch", &["v1", "v1beta1", "v2alpha1"], &["cronjobs"]),
    // `v1` is there from Kubernetes 1.8 on.
    Api::rbac(RbacKind::Role, &["roles"]),
    Api::rbac(RbacKind::ClusterRole, &["clusterroles"]),
    Api::rbac(RbacKind::RoleBinding, &["rolebindings"]),
    Api::rbac(RbacKind::ClusterRoleBinding, &["clusterrolebindings"]),
    Api::exposure(ExposureKind::Service, "", &["services"]),
    Api::exposure(ExposureKind::Endpoints, "", &["endpoints"]),
    Api::exposure(ExposureKind::EndpointSlice, "discovery.k8s.io", &["endpointslices"]),
    Api::exposure(ExposureKind::Ingress, "networking.k8s.io", &["ingresses"]),
    // Up to 1.21.
    Api::exposure(ExposureKind::Ingress, "extensions", &["ingresses"]),
    Api::exposure(ExposureKind::HttpRoute, GATEWAY, &["httproutes"]),
    Api::exposure(ExposureKind::GrpcRoute, GATEWAY, &["grpcroutes"]),
    Api::exposure(ExposureKind::TlsRoute, GATEWAY, &["tlsroutes"]),
    Api::exposure(ExposureKind::TcpRoute, GATEWAY, &["tcproutes"]),
    Api::custody(CustodyKind::TokenRequest, "authentication.k8s.io", &["serviceaccounts/token"]),
    Api::custody(CustodyKind::Secret, "", &["secrets"]),
    Api::custody(CustodyKind::ConfigMap, "", &["configmaps"]),
    Api::connection(ConnectionKind::Exec, &["pods/exec"]),
    Api::connection(ConnectionKind::Attach, &["pods/attach"]),
    Api::connection(ConnectionKind::PortForward, &["pods/portforward"]),
    Api::connection(ConnectionKind::PodProxy, &["pods/proxy"]),
    Api::connection(ConnectionKind::ServiceProxy, &["services/proxy"]),
];

/// What is watched of the core's kinds.
const V1: &[&str] = &["v1"];

// === impl Api ===

impl Api {
    const fn workload(
        kind: WorkloadKind,
        group: &'static str,
        versions: &'static [&'static str],
        resources: &'static [&'static str],
    ) -> Self {
        Self {
            kind: ObjectKind::Workload(kind),
            group,
            versions,
            resources,
        }
    }

    const fn rbac(kind: RbacKind, resources: &'static [&'static str]) -> Self {
        Self {
            kind: ObjectKind::Rbac(kind),
            group: RBAC,
            versions: V1,
            resources,
        }
    }

    const fn exposure(
        kind: ExposureKind,
        group: &'static str,
        resources: &'static [&'static str],
    ) -> Self {
        Self {
            kind: ObjectKind::Exposure(kind),
            group,
            versions: match kind {
                ExposureKind::Service => V1,
                _ => &[],
            },
            resources,
        }
    }

    const fn custody(
        kind: CustodyKind,
        group: &'static str,
        resources: &'static [&'static str],
    ) -> Self {
        Self {
            kind: ObjectKind::Custody(kind),
            group,
            versions: match kind {
                CustodyKind::TokenRequest => &[],
                CustodyKind::Secret | CustodyKind::ConfigMap => V1,
            },
            resources,
        }
    }

    const fn connection(kind: ConnectionKind, resources: &'static [&'static str]) -> Self {
        Self {
            kind: ObjectKind::Connection(kind),
            group: "",
            versions: &[],
            resources,
        }
    }

    /// The group of its resources: tokens are asked for at accounts, which are the core's.
    pub fn resource_group(&self) -> &'static str {
        match self.kind {
            ObjectKind::Custody(CustodyKind::TokenRequest) => "",
            _ => self.group,
        }
    }
}

// === impl ObjectKind ===

impl ObjectKind {
    /// Every kind.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::named().chain(ConnectionKind::ALL.into_iter().map(Self::Connection))
    }

    /// Every kind of object that has a name of its own, by which exceptions name it: all but connections.
    pub fn named() -> impl Iterator<Item = Self> {
        let workloads = WorkloadKind::ALL.into_iter().map(Self::Workload);
        let rbac = RbacKind::ALL.into_iter().map(Self::Rbac);
        let exposure = ExposureKind::ALL.into_iter().map(Self::Exposure);
        let custody = CustodyKind::ALL.into_iter().map(Self::Custody);
        workloads.chain(rbac).chain(exposure).chain(custody)
    }

    /// The kind of a group and a name, if it is one that is judged. Every version of it has what is read in the same place.
    pub fn find(group: &str, name: &str) -> Option<Self> {
        APIS.iter()
            .find(|api| api.kind.as_str() == name && api.group == group)
            .map(|api| api.kind)
    }

    /// The kind, if it is one that carries a pod.
    pub fn workload(self) -> Option<WorkloadKind> {
        match self {
            Self::Workload(kind) => Some(kind),
            _ => None,
        }
    }

    /// Where the API serves it, the best first.
    pub fn apis(self) -> impl Iterator<Item = &'static Api> {
        APIS.iter().filter(move |api| api.kind == self)
    }

    /// The resource that lists it, or that connects; the kind's name where there is none.
    pub fn resource(self) -> &'static str {
        let mut resources = self.apis().filter_map(|api| api.resources.first().copied());
        resources.next().unwrap_or(self.as_str())
    }

    /// The kind's name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Workload(kind) => kind.as_str(),
            Self::Rbac(kind) => kind.as_str(),
            Self::Exposure(kind) => kind.as_str(),
            Self::Custody(kind) => kind.as_str(),
            Self::Connection(kind) => kind.as_str(),
        }
    }

    /// Whether its objects are in a namespace.
    pub fn has_namespace(self) -> bool {
        !matches!(
            self,
            Self::Rbac(RbacKind::ClusterRole | RbacKind::ClusterRoleBinding)
        )
    }
}

macro_rules! of_family {
    ($($kind:ident => $family:ident),+ $(,)?) => {
        $(impl From<$kind> for ObjectKind {
            fn from(kind: $kind) -> Self {
                Self::$family(kind)
            }
        })+
    };
}

of_family! {
    WorkloadKind => Workload,
    RbacKind => Rbac,
    ExposureKind => Exposure,
    CustodyKind => Custody,
    ConnectionKind => Connection,
}
