//! Security contexts of pods and containers.

use serde::Deserialize;

use super::{Items, Presence, Text};

/// A pod's security context.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "'de: 'a"))]
pub struct PodSecurityContext<'a> {
    /// The user that processes run as.
    pub run_as_user: Option<i64>,
    /// Whether the kubelet refuses to start a container as root.
    pub run_as_non_root: Option<bool>,
    /// The group that owns mounted volumes.
    pub fs_group: Option<i64>,
    /// The system call filter (Kubernetes 1.19 and later; an annotation before).
    pub seccomp_profile: Option<SeccompProfile<'a>>,
    /// Windows settings, of which `hostProcess` gives the node away.
    pub windows_options: Option<WindowsOptions>,
    /// Kernel parameters.
    pub sysctls: Items<Presence>,
}

/// A container's security context.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "'de: 'a"))]
pub struct SecurityContext<'a> {
    /// The user that the process runs as.
    pub run_as_user: Option<i64>,
    /// Whether the kubelet refuses to start the container as root.
    pub run_as_non_root: Option<bool>,
    /// Whether the process has every right on the node.
    pub privileged: Option<bool>,
    /// Whether a process may gain more rights than its parent.
    pub allow_privilege_escalation: Option<bool>,
    /// Whether the root file system cannot be written.
    pub read_only_root_filesystem: Option<bool>,
    /// Linux capabilities.
    pub capabilities: Option<Capabilities<'a>>,
    /// The system call filter.
    pub seccomp_profile: Option<SeccompProfile<'a>>,
    /// How `/proc` is mounted.
    pub proc_mount: Text<'a>,
    /// Windows settings, of which `hostProcess` gives the node away.
    pub windows_options: Option<WindowsOptions>,
}

/// Linux capabilities added to and dropped from the runtime's default set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct Capabilities<'a> {
    /// Added.
    pub add: Items<Text<'a>>,
    /// Dropped.
    pub drop: Items<Text<'a>>,
}

/// A system call filter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "'de: 'a"))]
pub struct SeccompProfile<'a> {
    /// `RuntimeDefault`, `Localhost` or `Unconfined`.
    #[serde(rename = "type")]
    pub kind: Text<'a>,
}

/// Settings for Windows nodes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WindowsOptions {
    /// Whether the container runs as a process of the node.
    pub host_process: Option<bool>,
}
