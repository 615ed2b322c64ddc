//! What an administrator decides, as plain data.

use crate::tiller::Version;

/// What the rules are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Namespaces in which no Tiller may run.
    pub protected_namespaces: Vec<String>,
    /// The oldest Tiller that may run; 2.7.2 is the oldest that can be hardened.
    pub version_floor: Version,
    /// Repositories that Tiller images may come from, without tag, such as `ghcr.io/helm/tiller`.
    pub allowed_repositories: Vec<String>,
    /// Variables that Tiller's container may have beside those that Tiller needs.
    pub allowed_environment: Vec<String>,
    /// The Secret with Tiller's key and certificates.
    pub certificate_secret: String,
}

impl Default for Settings {
    fn default() -> Self {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        Self {
            protected_namespaces: owned(&[
                "kube-system",
                "kube-public",
                "kube-node-lease",
                "default",
            ]),
            version_floor: Version {
                major: 2,
                minor: 7,
                patch: 2,
            },
            allowed_repositories: owned(&[
                "ghcr.io/helm/tiller",
                "gcr.io/kubernetes-helm/tiller",
                "docker.io/helmpack/tiller",
                "quay.io/helmpack/tiller",
            ]),
            allowed_environment: Vec::new(),
            certificate_secret: "tiller-tls".to_owned(),
        }
    }
}
