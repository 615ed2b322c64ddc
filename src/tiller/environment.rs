//! The environment variables that Tiller reads.

use std::borrow::Cow;

use super::expansion::expand;
use super::{Setting, Surroundings, Unknown};
use crate::pod::{Container, EnvVarSource};

/// The namespace of the release records.
pub(super) const NAMESPACE: &str = "TILLER_NAMESPACE";
/// The default of `--tls`: any value but the empty one is on.
pub(super) const TLS_ENABLE: &str = "TILLER_TLS_ENABLE";
/// The default of `--tls-verify`: any value but the empty one is on.
pub(super) const TLS_VERIFY: &str = "TILLER_TLS_VERIFY";
/// The directory of the default certificate paths.
pub(super) const TLS_CERTS: &str = "TILLER_TLS_CERTS";
/// The default of `--history-max`.
pub(super) const HISTORY_MAX: &str = "TILLER_HISTORY_MAX";

/// A container's environment, as far as its manifest tells it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Environment<'a> {
    pub(super) container: &'a Container<'a>,
    pub(super) surroundings: Surroundings<'a>,
}

impl<'a> Environment<'a> {
    /// A variable's value; one that is not set is empty, as `os.Getenv` has it.
    ///
    /// The variables that the kubelet adds for Services (`NAME_SERVICE_HOST`, `NAME_PORT_…`) cannot have
    /// the name of one that Tiller reads.
    pub(super) fn variable(&self, name: &'static str) -> Setting<Cow<'a, str>> {
        let entries = self.container.env.as_slice();
        // The kubelet builds a map: the last entry of a name wins, and any beats `envFrom`.
        let entry = entries.iter().rev().find(|entry| entry.name == name);
        match entry {
            Some(entry) => match &entry.value_from {
                None => expand(entry.value.as_str()),
                Some(source) => self.sourced(name, source),
            },
            None if self.container.env_from.as_slice().is_empty() => Setting::Known("".into()),
            None => Setting::Unknown(Unknown::EnvironmentFrom { variable: name }),
        }
    }

    /// The namespace that Tiller keeps its records in where the environment decides it: that of the
    /// service account, which is the pod's, unless `TILLER_NAMESPACE` names another.
    pub(super) fn namespace(&self) -> Setting<Cow<'a, str>> {
        match self.variable(NAMESPACE) {
            Setting::Known(name) if name.is_empty() => self.pod_namespace(),
            setting => setting,
        }
    }

    fn sourced(&self, name: &str, source: &EnvVarSource<'a>) -> Setting<Cow<'a, str>> {
        let EnvVarSource {
            field_ref,
            resource_field_ref,
            config_map_key_ref,
            secret_key_ref,
        } = source;
        let source_kind = if let Some(field) = field_ref {
            if field.field_path == "metadata.namespace" {
                return self.pod_namespace();
            }
            "fieldRef"
        } else if secret_key_ref.is_some() {
            "secretKeyRef"
        } else if config_map_key_ref.is_some() {
            "configMapKeyRef"
        } else if resource_field_ref.is_some() {
            "resourceFieldRef"
        } else {
            "valueFrom"
        };
        Setting::Unknown(Unknown::VariableSource {
            variable: name.to_owned(),
            source_kind,
        })
    }

    fn pod_namespace(&self) -> Setting<Cow<'a, str>> {
        match self.surroundings.namespace {
            Some(namespace) if !namespace.is_empty() => Setting::Known(namespace.into()),
            _ => Setting::Unknown(Unknown::Namespace),
        }
    }
}
