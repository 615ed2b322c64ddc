//! What an administrator decides, as plain data.

use std::collections::BTreeMap;

use super::exception::Exception;
use super::finding::{Rule, Severity};
use super::injector::Injector;
use super::mode::Modes;
use super::not_tiller::NotTiller;
use super::requester::People;
use crate::tiller::{ImageReference, Version, is_about_tiller};

/// All that an administrator decides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// The settings of the rules.
    pub settings: Settings,
    /// What becomes of a verdict.
    pub modes: Modes,
    /// Who may pass where others are refused, on the record.
    pub break_glass: People,
}

/// The settings of the rules.
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
    /// Names of accounts that are taken for Tillers' whatever is known of them; a `*` at the end stands for
    /// anything.
    pub account_patterns: Vec<String>,
    /// ClusterRoles that Tillers may be bound to in their teams' namespaces, whatever they grant and take in,
    /// such as `edit`.
    pub allowed_cluster_roles: Vec<String>,
    /// ClusterRoles that groups which hold Tillers' accounts may be bound to everywhere, such as one for a
    /// pod security policy.
    pub common_cluster_roles: Vec<String>,
    /// Whether a Tiller may run in the Tiller namespace of a registered team only.
    pub require_team: bool,
    /// Which user a Tiller runs as.
    pub run_as_user: RunAsUser,
    /// Other webhooks of the cluster that Tillers' pods are kept away from.
    pub injectors: Vec<Injector>,
    /// Who may write the Secrets with Tillers' certificates.
    pub administrators: People,
    /// Who may run commands in Tillers' pods.
    pub exec: People,
    /// Who may connect to the ports of every team's Tiller, beside the team's own.
    pub port_forward: People,
    /// Severities of rules that are other than the rule's own, by the rule's id.
    pub severities: BTreeMap<&'static str, Severity>,
    /// What single objects are let off.
    pub exceptions: Vec<Exception>,
    /// What has the signs of a Tiller and is none.
    pub not_tillers: Vec<NotTiller>,
}

/// Which user a Tiller runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RunAsUser {
    /// The user 65534 where a manifest names none: that of the official images from 2.13.0 on.
    #[default]
    Nobody,
    /// One of the range that OpenShift gives each project: manifests name none, and the admission of pods sets one.
    Project,
}

/// The version of Tiller that an image holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageVersion {
    /// The image's reference, with digest or tag.
    pub image: String,
    /// The version in it.
    pub version: Version,
}

/// Accounts that a pattern makes look like a Tiller's, alone or before a `-`: this guard's own, as `tiller-guard-audit`, and that
/// of kubeapps' client.
const NOT_TILLER: [&str; 2] = ["tiller-guard", "tiller-proxy"];

/// The pattern that every policy has. Accounts of programs about Tiller are none by it, such as `tiller-exporter`; a pattern
/// that an administrator writes covers what it says.
const OWN_PATTERN: &str = "tiller-*";

// === impl RunAsUser ===

impl RunAsUser {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Nobody, Self::Project];

    /// The lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Project => "project",
        }
    }
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
        let same = |it: &&ImageVersion| {
            ImageReference::parse(&it.image).names_same_image(&ImageReference::parse(image))
        };
        let known = self.image_versions.iter().find(same)?;
        Some(known.version)
    }

    /// Whether Tiller may run from this image.
    pub(super) fn allows_image(&self, image: &ImageReference<'_>) -> bool {
        let repositories = &self.allowed_repositories;
        // Allowed repositories are written in full; only short names of Docker Hub need resolving.
        repositories.iter().any(|it| it == image.repository)
            || repositories.contains(&image.familiar_name_resolved())
            || self
                .allowed_images
                .iter()
                .any(|it| ImageReference::parse(it).names_same_image(image))
    }

    /// Whether this names an image of Tiller's, or images among which there are some: the official ones, wherever they may run
    /// from, and those that this policy allows or tells the version of.
    pub fn has_tillers_image(&self, image: &ImageReference<'_>) -> bool {
        let repository = image.familiar_name_resolved();
        let names = |it: &str| {
            let other = ImageReference::parse(it);
            let is_one = other.tag.is_none() && other.digest.is_none();
            let is_all = image.tag.is_none() && image.digest.is_none();
            repository == other.familiar_name_resolved()
                && (is_one || is_all || other.names_same_image(image))
        };
        let versions = self.image_versions.iter().map(|it| &it.image);
        let mut told = self
            .allowed_repositories
            .iter()
            .chain(&self.allowed_images)
            .chain(versions);
        OFFICIAL_REPOSITORIES.into_iter().chain(MIRRORS).any(names) || told.any(|it| names(it))
    }

    /// Whether no Tiller may run in this namespace, or have rights there.
    pub(super) fn protects(&self, namespace: &str) -> bool {
        self.protected_namespaces.iter().any(|it| it == namespace)
    }

    /// Whether an account is taken for a Tiller's by its name alone.
    pub fn takes_for_tiller_account(&self, name: &str) -> bool {
        let matches = |pattern: &String| match pattern.strip_suffix('*') {
            Some(_) if pattern == OWN_PATTERN && is_about_tiller(name) => false,
            Some(start) => name.starts_with(start),
            None => pattern == name,
        };
        let is_other = NOT_TILLER.iter().any(|other| {
            let rest = name.strip_prefix(other);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        });
        !is_other && self.account_patterns.iter().any(matches)
    }

    /// Whether Tillers may be bound to this ClusterRole as it is.
    pub(super) fn allows_cluster_role(&self, name: &str) -> bool {
        self.allowed_cluster_roles.iter().any(|it| it == name)
    }
}

/// Where the Helm project published Tiller's images.
const OFFICIAL_REPOSITORIES: [&str; 4] = [
    "ghcr.io/helm/tiller",
    "gcr.io/kubernetes-helm/tiller",
    "docker.io/helmpack/tiller",
    "quay.io/helmpack/tiller",
];

/// The mirrors that Google keeps of the second.
const MIRRORS: [&str; 4] = [
    "asia.gcr.io/kubernetes-helm/tiller",
    "eu.gcr.io/kubernetes-helm/tiller",
    "us.gcr.io/kubernetes-helm/tiller",
    "mirror.gcr.io/kubernetes-helm/tiller",
];

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
            allowed_repositories: owned(&OFFICIAL_REPOSITORIES),
            allowed_images: Vec::new(),
            image_versions: Vec::new(),
            allowed_environment: Vec::new(),
            certificate_secret: "tiller-tls".to_owned(),
            severities: BTreeMap::new(),
            exceptions: Vec::new(),
            not_tillers: Vec::new(),
            account_patterns: owned(&["tiller", OWN_PATTERN]),
            allowed_cluster_roles: Vec::new(),
            common_cluster_roles: Vec::new(),
            require_team: false,
            run_as_user: RunAsUser::default(),
            injectors: Vec::new(),
            administrators: People {
                users: Vec::new(),
                groups: owned(&["system:masters"]),
            },
            exec: People::default(),
            port_forward: People::default(),
        }
    }
}
