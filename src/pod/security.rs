//! Security contexts of pods and containers.

use super::{Items, Text};
use crate::json::{Presence, fields};

/// A pod's security context.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodSecurityContext<'a> {
    /// The user that processes run as.
    pub run_as_user: Option<i64>,
    /// Whether the kubelet refuses to start a container as root.
    pub run_as_non_root: Option<bool>,
    /// The group that processes run as.
    pub run_as_group: Option<i64>,
    /// The group that owns mounted volumes.
    pub fs_group: Option<i64>,
    /// Groups that processes are in beside these.
    pub supplemental_groups: Items<i64>,
    /// The system call filter (Kubernetes 1.19 and later; an annotation before).
    pub seccomp_profile: Option<SeccompProfile<'a>>,
    /// How AppArmor confines processes (Kubernetes 1.30 and later; an annotation before).
    pub app_armor_profile: Option<AppArmorProfile<'a>>,
    /// How SELinux labels processes.
    pub se_linux_options: Option<SeLinuxOptions<'a>>,
    /// Windows settings, of which `hostProcess` gives the node away.
    pub windows_options: Option<WindowsOptions>,
    /// Kernel parameters.
    pub sysctls: Items<Presence>,
}

fields!(PodSecurityContext<'a> {
    "runAsUser" => run_as_user,
    "runAsNonRoot" => run_as_non_root,
    "runAsGroup" => run_as_group,
    "fsGroup" => fs_group,
    "supplementalGroups" => supplemental_groups,
    "seccompProfile" => seccomp_profile,
    "appArmorProfile" => app_armor_profile,
    "seLinuxOptions" => se_linux_options,
    "windowsOptions" => windows_options,
    "sysctls" => sysctls,
});

/// A container's security context.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecurityContext<'a> {
    /// The user that the process runs as.
    pub run_as_user: Option<i64>,
    /// The group that the process runs as.
    pub run_as_group: Option<i64>,
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
    /// How AppArmor confines the process (Kubernetes 1.30 and later; an annotation before).
    pub app_armor_profile: Option<AppArmorProfile<'a>>,
    /// How SELinux labels the process.
    pub se_linux_options: Option<SeLinuxOptions<'a>>,
    /// How `/proc` is mounted.
    pub proc_mount: Text<'a>,
    /// Windows settings, of which `hostProcess` gives the node away.
    pub windows_options: Option<WindowsOptions>,
}

fields!(SecurityContext<'a> {
    "runAsUser" => run_as_user,
    "runAsGroup" => run_as_group,
    "runAsNonRoot" => run_as_non_root,
    "privileged" => privileged,
    "allowPrivilegeEscalation" => allow_privilege_escalation,
    "readOnlyRootFilesystem" => read_only_root_filesystem,
    "capabilities" => capabilities,
    "seccompProfile" => seccomp_profile,
    "appArmorProfile" => app_armor_profile,
    "seLinuxOptions" => se_linux_options,
    "procMount" => proc_mount,
    "windowsOptions" => windows_options,
});

/// Linux capabilities added to and dropped from the runtime's default set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities<'a> {
    /// Added.
    pub add: Items<Text<'a>>,
    /// Dropped.
    pub drop: Items<Text<'a>>,
}

fields!(Capabilities<'a> {
    "add" => add,
    "drop" => drop,
});

/// A system call filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeccompProfile<'a> {
    /// `RuntimeDefault`, `Localhost` or `Unconfined`.
    pub kind: Text<'a>,
    /// The file on the node where the kind is `Localhost`.
    pub localhost_profile: Text<'a>,
}

fields!(SeccompProfile<'a> {
    "type" => kind,
    "localhostProfile" => localhost_profile,
});

/// A profile of AppArmor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppArmorProfile<'a> {
    /// `RuntimeDefault`, `Localhost` or `Unconfined`.
    pub kind: Text<'a>,
}

fields!(AppArmorProfile<'a> {
    "type" => kind,
});

/// A label of SELinux. Its level, which keeps pods from one another, is not read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeLinuxOptions<'a> {
    /// The user.
    pub user: Text<'a>,
    /// The role.
    pub role: Text<'a>,
    /// The type, which says what a process may do.
    pub kind: Text<'a>,
}

fields!(SeLinuxOptions<'a> {
    "user" => user,
    "role" => role,
    "type" => kind,
});

// === impl SeccompProfile ===

impl<'a> SeccompProfile<'a> {
    /// The filter that an annotation means: `seccomp.security.alpha.kubernetes.io/pod`, or
    /// `container.seccomp.security.alpha.kubernetes.io/NAME`.
    ///
    /// Source: `SeccompFieldForAnnotation` in Kubernetes 1.19 to 1.26.
    pub fn of_annotation(value: &'a str) -> Self {
        let (kind, file) = match value {
            "runtime/default" | "docker/default" => ("RuntimeDefault", ""),
            _ => match value.strip_prefix("localhost/") {
                Some(file) => ("Localhost", file),
                None => ("Unconfined", ""),
            },
        };
        Self {
            kind: kind.into(),
            localhost_profile: file.into(),
        }
    }

    /// Whether it keeps anything from the process.
    pub fn is_filter(&self) -> bool {
        matches!(self.kind.as_str(), "RuntimeDefault" | "Localhost")
    }
}

/// Settings for Windows nodes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WindowsOptions {
    /// Whether the container runs as a process of the node.
    pub host_process: Option<bool>,
}

fields!(WindowsOptions {
    "hostProcess" => host_process,
});
