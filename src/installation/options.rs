//! What an installation depends on, and what all of its objects have in common.

use serde_json::{Value, json};

use super::platform::Platform;
use crate::k8s::webhook_configuration::NAME;

/// The namespace where none is given.
pub const NAMESPACE: &str = "tiller-guard";
/// The image where none is given.
pub const IMAGE: &str = concat!(
    "ghcr.io/tiller-guard/tiller-guard:v",
    env!("CARGO_PKG_VERSION")
);
/// The Secret with the CA of the serving certificates, which the guard makes itself.
pub const CA_SECRET: &str = "tiller-guard-ca";
/// The ConfigMap with the policy file.
pub const POLICY_FILE: &str = "tiller-guard-policy";
/// The keys of the labels by which an object is known to be an installation's.
pub const OWNER_LABELS: [&str; 2] = ["app.kubernetes.io/name", "app.kubernetes.io/managed-by"];
/// How many pods answer if nobody says otherwise: one may restart.
pub const REPLICAS: u16 = 2;
/// The policy where none is given.
pub const POLICY: &str = "apiVersion: tiller-guard.io/v1\nkind: Policy\nmode: enforce\n";

/// The port of the Service where none is given.
pub const SERVICE_PORT: u16 = 443;

/// What an installation depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// Kubernetes 1.`minor` is to run it.
    pub minor: u16,
    /// The guard's own namespace.
    pub namespace: String,
    /// The guard's image.
    pub image: String,
    /// How many pods answer.
    pub replicas: u16,
    /// The port of the Service; before Kubernetes 1.15 it is 443.
    pub service_port: u16,
    /// The content of the policy file.
    pub policy: String,
    /// The account patterns of that policy.
    pub account_patterns: Vec<String>,
    /// The name of the Secrets with Tillers' certificates, of that policy.
    pub certificate_secret: String,
    /// PEM in base64 of the CAs that the webhook configurations hold already, to be kept.
    pub ca_bundle: Option<String>,
    /// Whether a CronJob renews the certificates of teams.
    pub renew_certificates: bool,
    /// What the place where it runs asks for.
    pub place: Platform,
}

// === impl Installation ===

impl Installation {
    /// The metadata of an object in the guard's namespace.
    pub(super) fn metadata(&self, name: &str) -> Value {
        json!({ "name": name, "namespace": self.namespace, "labels": labels() })
    }
}

/// The metadata of an object in no namespace.
pub(super) fn cluster_metadata(name: &str) -> Value {
    json!({ "name": name, "labels": labels() })
}

pub(super) fn labels() -> Value {
    json!({ "app.kubernetes.io/name": NAME, "app.kubernetes.io/managed-by": NAME })
}

/// The labels by which Service, budget and policy find the pods.
pub(super) fn pod_labels() -> Value {
    json!({ "app.kubernetes.io/name": NAME })
}
