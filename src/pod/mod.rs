//! The fields of a `core/v1` Pod that say what a container runs and what it may reach, borrowed from
//! the JSON they were read from. What no rule reads has no field here and is skipped, not built.
//!
//! Absent and `null` are the same, as they are to Kubernetes; a field of another type than the API's
//! is an error, as it is there. A field given twice is an error: JSON leaves open which one counts.
//!
//! Source: the API reference of `Pod` v1, Kubernetes 1.10 to 1.36.

mod json;
mod security;
mod storage;

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, Unexpected, Visitor};

pub use json::{Items, Text};
pub use security::{
    Capabilities, PodSecurityContext, SeccompProfile, SecurityContext, WindowsOptions,
};
pub use storage::{
    EmptyDirVolume, KeyPath, Projection, SecretVolume, Volume, VolumeMount, VolumeSource,
};

/// The most containers that a list of a pod is read with.
pub const MAX_CONTAINERS: usize = 128;

/// The most volumes of a pod, and mounts of a container, that are read: each mount looks for its volume.
pub const MAX_VOLUMES: usize = 256;

/// A pod's specification.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "'de: 'a"))]
pub struct PodSpec<'a> {
    /// The containers that run for as long as the pod does.
    pub containers: Items<Container<'a>, MAX_CONTAINERS>,
    /// The containers that run before, or as sidecars beside, the others.
    pub init_containers: Items<Container<'a>, MAX_CONTAINERS>,
    /// The containers added to a running pod by `kubectl debug`.
    pub ephemeral_containers: Items<Container<'a>, MAX_CONTAINERS>,
    /// What can be mounted.
    pub volumes: Items<Volume<'a>, MAX_VOLUMES>,
    /// The account whose token the pod carries.
    pub service_account_name: Text<'a>,
    /// The deprecated alias of `serviceAccountName`; the API server keeps both equal.
    pub service_account: Text<'a>,
    /// Whether the pod shares the node's network.
    pub host_network: Option<bool>,
    /// Whether the pod sees the node's processes.
    #[serde(rename = "hostPID")]
    pub host_pid: Option<bool>,
    /// Whether the pod shares the node's inter-process communication.
    #[serde(rename = "hostIPC")]
    pub host_ipc: Option<bool>,
    /// Whether the pod's containers see one another's processes.
    pub share_process_namespace: Option<bool>,
    /// Settings that hold for each container that does not override them.
    pub security_context: Option<PodSecurityContext<'a>>,
}

/// A container of any of a pod's three lists.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "'de: 'a"))]
pub struct Container<'a> {
    /// The name, unique in the pod.
    pub name: Text<'a>,
    /// The image reference.
    pub image: Text<'a>,
    /// Replaces the image's `ENTRYPOINT` when not empty.
    pub command: Items<Text<'a>>,
    /// Replaces the image's `CMD` when not empty.
    pub args: Items<Text<'a>>,
    /// Replaces the image's `WORKDIR` when not empty.
    pub working_dir: Text<'a>,
    /// The environment, in order; of two entries of one name the later counts.
    pub env: Items<EnvVar<'a>>,
    /// Whole `ConfigMap`s and Secrets as environment; `env` beats it.
    pub env_from: Items<EnvFrom>,
    /// Declared ports; informational, except for `hostPort`.
    pub ports: Items<Port<'a>>,
    /// Where volumes appear.
    pub volume_mounts: Items<VolumeMount<'a>, MAX_VOLUMES>,
    /// Where raw block volumes appear.
    pub volume_devices: Items<Presence>,
    /// Settings that override the pod's.
    pub security_context: Option<Box<SecurityContext<'a>>>,
    /// The probe that restarts the container.
    pub liveness_probe: Option<Box<Probe<'a>>>,
    /// The probe that takes the pod out of Services.
    pub readiness_probe: Option<Box<Probe<'a>>>,
    /// The probe that holds the others back (Kubernetes 1.16 and later).
    pub startup_probe: Option<Box<Probe<'a>>>,
    /// Commands run after the start and before the stop.
    pub lifecycle: Option<Lifecycle>,
    /// Whether a standard input is kept open.
    pub stdin: Option<bool>,
    /// Whether a terminal is allocated.
    pub tty: Option<bool>,
}

/// An environment variable.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "'de: 'a"))]
pub struct EnvVar<'a> {
    /// The name.
    pub name: Text<'a>,
    /// The literal value; `$(NAME)` in it is expanded by the kubelet.
    pub value: Text<'a>,
    /// Where the value comes from, if not from `value`.
    pub value_from: Option<Box<EnvVarSource<'a>>>,
}

/// Where an environment variable's value comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "'de: 'a"))]
pub struct EnvVarSource<'a> {
    /// A field of the pod.
    pub field_ref: Option<FieldRef<'a>>,
    /// A resource request or limit of a container.
    pub resource_field_ref: Option<Presence>,
    /// A key of a `ConfigMap`.
    pub config_map_key_ref: Option<KeySelector<'a>>,
    /// A key of a Secret.
    pub secret_key_ref: Option<KeySelector<'a>>,
}

/// A field of the pod, by its path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "'de: 'a"))]
pub struct FieldRef<'a> {
    /// The path, such as `metadata.namespace`.
    pub field_path: Text<'a>,
}

/// A key of a `ConfigMap` or Secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct KeySelector<'a> {
    /// The object's name.
    pub name: Text<'a>,
    /// The key in it.
    pub key: Text<'a>,
}

/// A whole `ConfigMap` or Secret as environment. What it holds is not in the pod.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EnvFrom {
    /// From a `ConfigMap`.
    pub config_map_ref: Option<Presence>,
    /// From a Secret.
    pub secret_ref: Option<Presence>,
}

/// A declared port.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "'de: 'a"))]
pub struct Port<'a> {
    /// The name that Services may target.
    pub name: Text<'a>,
    /// The port in the pod.
    pub container_port: Option<i64>,
    /// The port on the node.
    pub host_port: Option<i64>,
}

/// A probe.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "'de: 'a"))]
pub struct Probe<'a> {
    /// A command run in the container.
    pub exec: Option<Presence>,
    /// An HTTP request.
    pub http_get: Option<HttpGet<'a>>,
}

/// An HTTP request of a probe.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct HttpGet<'a> {
    /// The path.
    pub path: Text<'a>,
    /// The port, a number or a port's name.
    pub port: PortReference<'a>,
}

/// A port's number or name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortReference<'a> {
    /// By number.
    Number(i64),
    /// By the name of a declared port.
    Name(Text<'a>),
}

impl Default for PortReference<'_> {
    fn default() -> Self {
        Self::Number(0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for PortReference<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PortReferenceVisitor)
    }
}

struct PortReferenceVisitor;

impl<'de> Visitor<'de> for PortReferenceVisitor {
    type Value = PortReference<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a port's number or name")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(PortReference::Number(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        i64::try_from(number)
            .map(PortReference::Number)
            .map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(PortReference::Name(Text::from(name)))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(PortReference::Name(Text::from(name.to_owned())))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(PortReference::default())
    }
}

/// Commands run after the start and before the stop.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Lifecycle {
    /// Run in the container right after it starts.
    pub post_start: Option<Presence>,
    /// Run in the container before it stops.
    pub pre_stop: Option<Presence>,
}

/// A value that is there; what it is, is skipped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Presence;

impl<'de> Deserialize<'de> for Presence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}
