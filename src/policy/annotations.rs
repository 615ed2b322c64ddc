//! The annotations of a pod that a rule reads.

use std::collections::{BTreeMap, BTreeSet};

use crate::json::{Problem, Read, ReadError, Source, once, read};
use crate::pod::Text;

/// The annotations that a rule reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Annotations<'a> {
    /// The pod's system call filter before Kubernetes 1.19.
    pub seccomp: Option<Text<'a>>,
    /// There in the mirror of a static pod.
    pub mirror: Option<Text<'a>>,
    /// The containers that get no identity of AWS.
    pub aws: Option<Text<'a>>,
    /// The containers that get no identity of Azure.
    pub azure: Option<Text<'a>>,
    /// Whether Istio is wanted.
    pub istio: Option<Text<'a>>,
    /// Whether Linkerd is wanted.
    pub linkerd: Option<Text<'a>>,
    /// Whether Vault's agent is wanted.
    pub vault: Option<Text<'a>>,
    /// The system call filters of single containers before Kubernetes 1.19, by their names.
    pub container_seccomp: BTreeMap<String, Text<'a>>,
    /// The AppArmor profiles of single containers before Kubernetes 1.30, by their names.
    pub container_app_armor: BTreeMap<String, Text<'a>>,
}

/// What the annotation of a container's system call filter begins with; its name follows.
const CONTAINER_SECCOMP: &str = "container.seccomp.security.alpha.kubernetes.io/";
/// The same of a container's AppArmor profile.
const CONTAINER_APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

impl<'j: 'a, 'a> Read<'j> for Annotations<'a> {
    fn read<S: Source<'j>>(&mut self, source: &mut S) -> Result<(), ReadError> {
        let mut seen = BTreeSet::new();
        source.members(|key, value| {
            let place = match &**key {
                "seccomp.security.alpha.kubernetes.io/pod" => &mut self.seccomp,
                "kubernetes.io/config.mirror" => &mut self.mirror,
                "azure.workload.identity/skip-containers" => &mut self.azure,
                "eks.amazonaws.com/skip-containers" => &mut self.aws,
                "linkerd.io/inject" => &mut self.linkerd,
                "sidecar.istio.io/inject" => &mut self.istio,
                "vault.hashicorp.com/agent-inject" => &mut self.vault,
                key => return self.read_of_container(key, value),
            };
            once(&mut !seen.insert(key.to_string()))?;
            place.read(value)
        })
    }
}

// === impl Annotations ===

impl<'a> Annotations<'a> {
    /// Reads one that is of a container, and passes over others.
    fn read_of_container<'j: 'a, S: Source<'j>>(
        &mut self,
        key: &str,
        value: &mut S,
    ) -> Result<(), ReadError> {
        let (profiles, container) = if let Some(container) = key.strip_prefix(CONTAINER_SECCOMP) {
            (&mut self.container_seccomp, container)
        } else if let Some(container) = key.strip_prefix(CONTAINER_APP_ARMOR) {
            (&mut self.container_app_armor, container)
        } else {
            return value.skip();
        };
        match profiles.insert(container.to_owned(), read(value)?) {
            Some(_) => Err(Problem::Twice.into()),
            None => Ok(()),
        }
    }

    /// The value of an annotation that keeps another webhook away.
    pub(super) fn switch(&self, key: &str) -> Option<&Text<'a>> {
        let value = match key {
            "azure.workload.identity/skip-containers" => &self.azure,
            "eks.amazonaws.com/skip-containers" => &self.aws,
            "linkerd.io/inject" => &self.linkerd,
            "sidecar.istio.io/inject" => &self.istio,
            "vault.hashicorp.com/agent-inject" => &self.vault,
            _ => return None,
        };
        value.as_ref()
    }
}
