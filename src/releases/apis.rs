//! The versions of APIs that Kubernetes has stopped to serve, and what took their place.
//!
//! Source: the "Deprecated API Migration Guide" of Kubernetes' documentation, and the change logs of 1.16, 1.22, 1.25,
//! 1.26, 1.27, 1.29 and 1.32 that it is based on. For 1.34 and 1.37: the API types of the crate `k8s-openapi`, compared with those of
//! the version before. Alpha versions are not in this table, because API servers do not serve them by default.

use super::scan::{Scanned, scan};

/// An API version of some kinds that is no longer served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemovedApi {
    /// Group and version.
    pub api_version: &'static str,
    /// The kinds.
    pub kinds: &'static [&'static str],
    /// The first Kubernetes 1.x that does not serve it.
    pub removed_in: u16,
    /// What serves these kinds since before that.
    pub replacement: Replacement,
}

/// What took the place of an API version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replacement {
    /// This version, with the same fields.
    Same(&'static str),
    /// This version, which wants `spec.selector`: the one before took the labels of the pod template for it.
    Selector(&'static str),
    /// This version, whose backends are written otherwise, and whose paths have a type.
    Ingress(&'static str),
    /// This version, with other fields: a person must look at them.
    OtherFields(&'static str),
    /// Nothing.
    Nothing,
}

/// An object whose API version is not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unserved {
    /// Group and version, as the manifest has it.
    pub api: &'static RemovedApi,
    /// The kind.
    pub kind: String,
}

const fn removed(
    api_version: &'static str,
    kinds: &'static [&'static str],
    removed_in: u16,
    replacement: Replacement,
) -> RemovedApi {
    RemovedApi {
        api_version,
        kinds,
        removed_in,
        replacement,
    }
}

const APPS: Replacement = Replacement::Selector("apps/v1");
const RBAC: &[&str] = &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"];
const FLOW: &[&str] = &["FlowSchema", "PriorityLevelConfiguration"];
const REVIEWS: &[&str] = &[
    "LocalSubjectAccessReview",
    "SelfSubjectAccessReview",
    "SelfSubjectRulesReview",
    "SubjectAccessReview",
];

/// All of them, the first to go first.
pub static REMOVED: [RemovedApi; 35] = {
    use Replacement::{Ingress, Nothing, OtherFields, Same};
    [
        removed(
            "extensions/v1beta1",
            &["DaemonSet", "Deployment", "ReplicaSet"],
            16,
            APPS,
        ),
        removed(
            "extensions/v1beta1",
            &["NetworkPolicy"],
            16,
            Same("networking.k8s.io/v1"),
        ),
        removed(
            "extensions/v1beta1",
            &["PodSecurityPolicy"],
            16,
            Same("policy/v1beta1"),
        ),
        removed("apps/v1beta1", &["Deployment", "StatefulSet"], 16, APPS),
        removed("apps/v1beta1", &["ControllerRevision"], 16, Same("apps/v1")),
        removed(
            "apps/v1beta2",
            &["DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"],
            16,
            APPS,
        ),
        removed("apps/v1beta2", &["ControllerRevision"], 16, Same("apps/v1")),
        removed(
            "admissionregistration.k8s.io/v1beta1",
            &[
                "MutatingWebhookConfiguration",
                "ValidatingWebhookConfiguration",
            ],
            22,
            OtherFields("admissionregistration.k8s.io/v1"),
        ),
        removed(
            "apiextensions.k8s.io/v1beta1",
            &["CustomResourceDefinition"],
            22,
            OtherFields("apiextensions.k8s.io/v1"),
        ),
        removed(
            "apiregistration.k8s.io/v1beta1",
            &["APIService"],
            22,
            Same("apiregistration.k8s.io/v1"),
        ),
        removed(
            "authentication.k8s.io/v1beta1",
            &["TokenReview"],
            22,
            Same("authentication.k8s.io/v1"),
        ),
        removed(
            "authorization.k8s.io/v1beta1",
            REVIEWS,
            22,
            Same("authorization.k8s.io/v1"),
        ),
        removed(
            "certificates.k8s.io/v1beta1",
            &["CertificateSigningRequest"],
            22,
            OtherFields("certificates.k8s.io/v1"),
        ),
        removed(
            "coordination.k8s.io/v1beta1",
            &["Lease"],
            22,
            Same("coordination.k8s.io/v1"),
        ),
        removed(
            "extensions/v1beta1",
            &["Ingress"],
            22,
            Ingress("networking.k8s.io/v1"),
        ),
        removed(
            "networking.k8s.io/v1beta1",
            &["Ingress"],
            22,
            Ingress("networking.k8s.io/v1"),
        ),
        removed(
            "networking.k8s.io/v1beta1",
            &["IngressClass"],
            22,
            Same("networking.k8s.io/v1"),
        ),
        removed(
            "rbac.authorization.k8s.io/v1beta1",
            RBAC,
            22,
            Same("rbac.authorization.k8s.io/v1"),
        ),
        removed(
            "scheduling.k8s.io/v1beta1",
            &["PriorityClass"],
            22,
            Same("scheduling.k8s.io/v1"),
        ),
        removed(
            "storage.k8s.io/v1beta1",
            &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"],
            22,
            Same("storage.k8s.io/v1"),
        ),
        removed("batch/v1beta1", &["CronJob"], 25, Same("batch/v1")),
        removed(
            "discovery.k8s.io/v1beta1",
            &["EndpointSlice"],
            25,
            OtherFields("discovery.k8s.io/v1"),
        ),
        removed(
            "events.k8s.io/v1beta1",
            &["Event"],
            25,
            OtherFields("events.k8s.io/v1"),
        ),
        removed(
            "autoscaling/v2beta1",
            &["HorizontalPodAutoscaler"],
            25,
            OtherFields("autoscaling/v2"),
        ),
        removed(
            "policy/v1beta1",
            &["PodDisruptionBudget"],
            25,
            Same("policy/v1"),
        ),
        removed("policy/v1beta1", &["PodSecurityPolicy"], 25, Nothing),
        removed(
            "node.k8s.io/v1beta1",
            &["RuntimeClass"],
            25,
            Same("node.k8s.io/v1"),
        ),
        removed(
            "autoscaling/v2beta2",
            &["HorizontalPodAutoscaler"],
            26,
            Same("autoscaling/v2"),
        ),
        removed(
            "flowcontrol.apiserver.k8s.io/v1beta1",
            FLOW,
            26,
            Same("flowcontrol.apiserver.k8s.io/v1"),
        ),
        removed(
            "storage.k8s.io/v1beta1",
            &["CSIStorageCapacity"],
            27,
            Same("storage.k8s.io/v1"),
        ),
        removed(
            "flowcontrol.apiserver.k8s.io/v1beta2",
            FLOW,
            29,
            Same("flowcontrol.apiserver.k8s.io/v1"),
        ),
        removed(
            "flowcontrol.apiserver.k8s.io/v1beta3",
            FLOW,
            32,
            Same("flowcontrol.apiserver.k8s.io/v1"),
        ),
        removed(
            "admissionregistration.k8s.io/v1beta1",
            &[
                "ValidatingAdmissionPolicy",
                "ValidatingAdmissionPolicyBinding",
            ],
            34,
            Same("admissionregistration.k8s.io/v1"),
        ),
        removed(
            "networking.k8s.io/v1beta1",
            &["IPAddress", "ServiceCIDR"],
            37,
            Same("networking.k8s.io/v1"),
        ),
        removed(
            "storage.k8s.io/v1beta1",
            &["VolumeAttributesClass"],
            37,
            Same("storage.k8s.io/v1"),
        ),
    ]
};

/// What of this a Kubernetes 1.`minor` does not serve.
pub fn removed_api(api_version: &str, kind: &str, minor: u16) -> Option<&'static RemovedApi> {
    REMOVED.iter().find(|api| {
        api.removed_in <= minor && api.api_version == api_version && api.kinds.contains(&kind)
    })
}

/// The objects of a manifest that Kubernetes 1.`minor` does not serve, each API once.
pub fn unserved(manifest: &[u8], minor: u16) -> Vec<Unserved> {
    let mut found: Vec<Unserved> = Vec::new();
    for Scanned { api_version, kind } in scan(manifest) {
        let Some(api) = removed_api(&api_version, &kind, minor) else {
            continue;
        };
        let kind = kind.into_owned();
        let unserved = Unserved { api, kind };
        if !found.contains(&unserved) {
            found.push(unserved);
        }
    }
    found
}

// === impl Replacement ===

impl Replacement {
    /// Group and version of what took its place.
    pub fn api_version(self) -> Option<&'static str> {
        match self {
            Self::Same(version)
            | Self::Selector(version)
            | Self::Ingress(version)
            | Self::OtherFields(version) => Some(version),
            Self::Nothing => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_a_version_goes_once_and_leads_to_one_that_is_served() {
        for (index, api) in REMOVED.iter().enumerate() {
            for kind in api.kinds {
                let found = removed_api(api.api_version, kind, u16::MAX);
                assert_eq!(found, REMOVED.get(index), "{} {kind}", api.api_version);
                assert_eq!(removed_api(api.api_version, kind, api.removed_in - 1), None);
                let next = api.replacement.api_version();
                let next = next.and_then(|next| removed_api(next, kind, api.removed_in));
                assert_eq!(next, None, "{kind}");
            }
        }
        assert!(REMOVED.is_sorted_by_key(|api| api.removed_in));
    }

    #[test]
    fn what_1_37_ceased_to_serve_is_known() {
        let manifest = b"apiVersion: networking.k8s.io/v1beta1\nkind: ServiceCIDR\n";
        assert_eq!(unserved(manifest, 36), []);
        assert_eq!(unserved(manifest, 37).len(), 1);
    }

    #[test]
    fn objects_are_found_however_they_are_written() {
        let manifest = "
---
# Source: a/templates/a.yaml
apiVersion: extensions/v1beta1
kind: Deployment
metadata: {name: a}
---
kind: \"Ingress\"
apiVersion: 'extensions/v1beta1' # old
---
{\"apiVersion\": \"batch/v1beta1\", \"kind\": \"CronJob\"}
---
apiVersion: v1
kind: List
items:
- apiVersion: policy/v1beta1
  kind: PodDisruptionBudget
---
apiVersion: v1
kind: ConfigMap
data:
  text: |
    apiVersion: apps/v1beta1
    kind: Deployment
";
        let found = unserved(manifest.as_bytes(), 36);
        let told: Vec<_> = found
            .iter()
            .map(|it| format!("{} {}", it.api.api_version, it.kind))
            .collect();
        let expected = [
            "extensions/v1beta1 Deployment",
            "extensions/v1beta1 Ingress",
            "batch/v1beta1 CronJob",
            "policy/v1beta1 PodDisruptionBudget",
        ];
        assert_eq!(told, expected);
        assert_eq!(unserved(manifest.as_bytes(), 16).len(), 1);
        assert_eq!(unserved(manifest.as_bytes(), 15), []);
    }
}
