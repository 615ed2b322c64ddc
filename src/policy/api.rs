//! Where the API serves the kinds that carry a pod.

use super::WorkloadKind;

/// A kind in one group of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Api {
    /// The kind.
    pub kind: WorkloadKind,
    /// The group; empty for the core's.
    pub group: &'static str,
    /// The versions that some Kubernetes from 1.10 on serves.
    pub versions: &'static [&'static str],
    /// The resources whose writes carry the kind, subresources after a slash, as a webhook's rules name
    /// them.
    pub resources: &'static [&'static str],
}

/// Every one, as Kubernetes 1.10 to 1.36 have them.
///
/// Left out are the subresources that cannot change a pod: `status` (the API server keeps the stored
/// specification) and `scale` (a number of pods, each of which is judged when it is made).
#[rustfmt::skip]
pub static APIS: [Api; 13] = [
    // `pods/resize` is of 1.32.
    Api::new(WorkloadKind::Pod, "", &["v1"], &["pods", "pods/ephemeralcontainers", "pods/resize"]),
    Api::new(WorkloadKind::EphemeralContainers, "", &["v1"], &["pods/ephemeralcontainers"]),
    Api::new(WorkloadKind::PodTemplate, "", &["v1"], &["podtemplates"]),
    Api::new(WorkloadKind::ReplicationController, "", &["v1"], &["replicationcontrollers"]),
    Api::new(WorkloadKind::Deployment, "apps", &["v1", "v1beta2", "v1beta1"], &["deployments"]),
    Api::new(WorkloadKind::Deployment, "extensions", &["v1beta1"], &["deployments"]),
    Api::new(WorkloadKind::ReplicaSet, "apps", &["v1", "v1beta2"], &["replicasets"]),
    Api::new(WorkloadKind::ReplicaSet, "extensions", &["v1beta1"], &["replicasets"]),
    Api::new(WorkloadKind::StatefulSet, "apps", &["v1", "v1beta2", "v1beta1"], &["statefulsets"]),
    Api::new(WorkloadKind::DaemonSet, "apps", &["v1", "v1beta2"], &["daemonsets"]),
    Api::new(WorkloadKind::DaemonSet, "extensions", &["v1beta1"], &["daemonsets"]),
    Api::new(WorkloadKind::Job, "batch", &["v1"], &["jobs"]),
    Api::new(WorkloadKind::CronJob, "batch", &["v1", "v1beta1", "v2alpha1"], &["cronjobs"]),
];

// === impl Api ===

impl Api {
    const fn new(
        kind: WorkloadKind,
        group: &'static str,
        versions: &'static [&'static str],
        resources: &'static [&'static str],
    ) -> Self {
        Self {
            kind,
            group,
            versions,
            resources,
        }
    }
}
