//! The bindings that the API server itself makes for parts of Kubernetes.
//!
//! Source: `plugin/pkg/auth/authorizer/rbac/bootstrappolicy`: what a 1.20.2 and a 1.36.2 server make, and some of what older ones do. A
//! binding that is only called so, or only labelled so, is somebody's own: who writes bindings can write both. So can the binding's
//! subjects be changed; only those that it is made with are meant here.

use super::subject::Subject;

/// The label of what the API server makes, with its value.
pub(super) const LABEL: (&str, &str) = ("kubernetes.io/bootstrapping", "rbac-defaults");

/// The namespace of Kubernetes' own parts.
const OWN: &str = "kube-system";

/// The controllers. Each has a ClusterRoleBinding `system:controller:NAME` and a service account NAME.
const CONTROLLERS: [&str; 39] = [
    "attachdetach-controller",
    "certificate-controller",
    "clusterrole-aggregation-controller",
    "cronjob-controller",
    "daemon-set-controller",
    "deployment-controller",
    "device-taint-eviction-controller",
    "disruption-controller",
    "endpoint-controller",
    "endpointslice-controller",
    "endpointslicemirroring-controller",
    "ephemeral-volume-controller",
    "expand-controller",
    "generic-garbage-collector",
    "horizontal-pod-autoscaler",
    "job-controller",
    "legacy-service-account-token-cleaner",
    "namespace-controller",
    "node-controller",
    "persistent-volume-binder",
    "pod-garbage-collector",
    "pv-protection-controller",
    "pvc-protection-controller",
    "replicaset-controller",
    "replication-controller",
    "resource-claim-controller",
    "resourcequota-controller",
    "root-ca-cert-publisher",
    "route-controller",
    "selinux-warning-controller",
    "service-account-controller",
    "service-ca-cert-publisher",
    "service-cidrs-controller",
    "service-controller",
    "statefulset-controller",
    "ttl-after-finished-controller",
    "ttl-controller",
    "validatingadmissionpolicy-status-controller",
    "volumeattributesclass-protection-controller",
];

/// Controllers with a RoleBinding in their own namespace.
const OWN_CONTROLLERS: [&str; 3] = ["bootstrap-signer", "cloud-provider", "token-cleaner"];

/// Whether a binding that is called so has this subject from the API server. `namespace` is the binding's, if it has one.
pub(super) fn is_stock(namespace: Option<&str>, name: &str, subject: &Subject) -> bool {
    let controller = name.strip_prefix("system:controller:");
    let is_account = |called: &str| match subject {
        Subject::ServiceAccount(of, name) => **of == *OWN && **name == *called,
        Subject::User(_) | Subject::Group(_) => false,
    };
    let is_user = |called: &str| matches!(subject, Subject::User(name) if **name == *called);
    let is_group = |called: &str| matches!(subject, Subject::Group(name) if **name == *called);
    match (namespace, controller, name) {
        (None, Some(controller), _) => CONTROLLERS.contains(&controller) && is_account(controller),
        (Some(OWN), Some(controller), _) => {
            OWN_CONTROLLERS.contains(&controller) && is_account(controller)
        }
        (None, _, "system:kube-controller-manager") => is_user("system:kube-controller-manager"),
        (None, _, "system:kube-scheduler" | "system:volume-scheduler") => {
            is_user("system:kube-scheduler")
        }
        (None, _, "system:node-proxier") => is_user("system:kube-proxy"),
        (None, _, "system:kube-dns") => is_account("kube-dns"),
        (None, _, "system:node") => is_group("system:nodes"),
        (None, _, "system:monitoring") => is_group("system:monitoring"),
        (Some(OWN), _, "system::leader-locking-kube-controller-manager") => {
            is_user("system:kube-controller-manager") || is_account("kube-controller-manager")
        }
        (Some(OWN), _, "system::leader-locking-kube-scheduler") => {
            is_user("system:kube-scheduler") || is_account("kube-scheduler")
        }
        (Some(OWN), _, "system::extension-apiserver-authentication-reader") => {
            is_user("system:kube-controller-manager") || is_user("system:kube-scheduler")
        }
        _ => false,
    }
}
