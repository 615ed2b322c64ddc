//! What an administrator decides, as plain data.

use std::collections::BTreeMap;

use super::{Exception, Modes, Rule, Severity};
use crate::tiller::{ImageReference, Version};

/// All that an administrator decides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// What the rules are told.
    pub settings: Settings,
    /// What becomes of a verdict.
    pub modes: Modes,
    /// Who may pass where others are refused.
    pub break_glass: BreakGlass,
}

/// Who may pass where others are refused, on the record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BreakGlass {
    /// Names of users.
    pub users: Vec<String>,
    /// Names of groups.
    pub groups: Vec<String>,
}

/// What the rules are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Namespaces in which no Tiller may run.
    pub protected_namespaces: Vec<String>,
    /// The oldest Tiller that may run; 2.7.2 is the oldest that can be hardened.
    pub version_floor: Version,
    /// Repositories that Tiller images may come from, without tag, such as `ghcr.io/helm/tiller`.
    pub allowed_repositories: Vec<String>,
    /// Single images that Tiller may run from beside those of the repositories.
    pub allowed_images: Vec<String>,
    /// What images hold whose reference does not tell it.
    pub image_versions: Vec<ImageVersion>,
    /// Variables that Tiller's container may have beside those that Tiller needs.
    pub allowed_environment: Vec<String>,
    /// The Secret with Tiller's key and certificates.
    pub certificate_secret: String,
    /// Severities of rules that are other than the rule's own, by the rule's id.
    pub severities: BTreeMap<&'static str, Severity>,
    /// What single objects are let off.
    pub exceptions: Vec<Exception>,
}

/// The version of Tiller that an image holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageVersion {
    /// The image's reference, with digest or tag.
    pub image: String,
    /// The version in it.
    pub version: Version,
}

// === impl Settings ===

impl Settings {
    /// How bad what a rule finds is here.
    pub fn severity(&self, rule: &Rule) -> Severity {
        self.severities
            .get(rule.id)
            .map_or(rule.severity, |severity| *severity)
    }

    /// The version that an administrator says an image holds.
    pub(super) fn version_of(&self, image: &str) -> Option<Version> {
        let image = ImageReference::parse(image);
        self.image_versions
            .iter()
            .find(|it| ImageReference::parse(&it.image).names_same_image(&image))
            .map(|it| it.version)
    }
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
            allowed_images: Vec::new(),
            image_versions: Vec::new(),
            allowed_environment: Vec::new(),
            certificate_secret: "tiller-tls".to_owned(),
            severities: BTreeMap::new(),
            exceptions: Vec::new(),
        }
    }
}
