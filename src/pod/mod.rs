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

use crate::json::{Presence, Read, ReadError, Source, Type, fields};

pub use json::{Items, Many, Text};
pub use security::{
    AppArmorProfile, Capabilities, PodSecurityContext, SeLinuxOptions, SeccompProfile,
    SecurityContext, WindowsOptions,
};
pub use storage::{
    ConfigMapProjection, EmptyDirVolume, FieldFile, ImageVolume, KeyPath, Projection, SecretVolume,
    TokenProjection, Volume, VolumeMount, VolumeSource,
};

/// The most containers that a list of a Tiller's pod is read with.
pub const MAX_CONTAINERS: usize = 128;

/// The most volumes of a Tiller's pod, and mounts of a container in it, that are read: each mount looks for its volume.
pub const MAX_VOLUMES: usize = 256;

/// A pod's specification.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodSpec<'a> {
    /// The containers that run for as long as the pod does.
    pub containers: Many<Container<'a>, MAX_CONTAINERS>,
    /// The containers that run before, or as sidecars beside, the others.
    pub init_containers: Many<Container<'a>, MAX_CONTAINERS>,
    /// The containers added to a running pod by `kubectl debug`.
    pub ephemeral_containers: Many<Container<'a>, MAX_CONTAINERS>,
    /// What can be mounted.
    pub volumes: Many<Volume<'a>, MAX_VOLUMES>,
    /// The account whose token the pod carries.
    pub service_account_name: Text<'a>,
    /// The deprecated alias of `serviceAccountName`; the API server keeps both equal.
    pub service_account: Text<'a>,
    /// Whether the pod shares the node's network.
    pub host_network: Option<bool>,
    /// Whether the pod sees the node's processes.
    pub host_pid: Option<bool>,
    /// Whether the pod shares the node's inter-process communication.
    pub host_ipc: Option<bool>,
    /// Whether the pod's containers see one another's processes.
    pub share_process_namespace: Option<bool>,
    /// Settings that hold for each container that does not override them.
    pub security_context: Option<PodSecurityContext<'a>>,
}

fields!(PodSpec<'a> {
    "containers" => containers,
    "initContainers" => init_containers,
    "ephemeralContainers" => ephemeral_containers,
    "volumes" => volumes,
    "serviceAccountName" => service_account_name,
    "serviceAccount" => service_account,
    "hostNetwork" => host_network,
    "hostPID" => host_pid,
    "hostIPC" => host_ipc,
    "shareProcessNamespace" => share_process_namespace,
    "securityContext" => security_context,
});

// === impl Container ===

impl Container<'_> {
    fn held(&self) -> Result<(), ReadError> {
        within("command", self.command.held())?;
        within("args", self.args.held())?;
        within("env", self.env.held())?;
        within("envFrom", self.env_from.held())?;
        within("ports", self.ports.held())?;
        within("volumeMounts", self.volume_mounts.held())?;
        within("volumeDevices", self.volume_devices.held())?;
        self.beside()
            .try_for_each(|it| within("command", it.command.held()))
    }
}

impl<'a> Container<'a> {
    /// The commands that are run in the container beside its own: by lifecycle hooks and probes.
    pub fn beside(&self) -> impl Iterator<Item = &Exec<'a>> {
        let hooks = self.lifecycle.as_deref().into_iter();
        let hooks = hooks.flat_map(|it| [&it.post_start, &it.pre_stop]);
        let probes = [
            &self.liveness_probe,
            &self.readiness_probe,
            &self.startup_probe,
        ];
        let hooks = hooks.flatten().filter_map(|hook| hook.exec.as_ref());
        let probes = probes.into_iter().flatten();
        hooks.chain(probes.filter_map(|probe| probe.exec.as_ref()))
    }
}

// === impl PodSpec ===

impl PodSpec<'_> {
    /// An error where a list is longer than a Tiller's may be. Other pods are looked at in a time that grows with their length
    /// alone.
    pub fn held(&self) -> Result<(), ReadError> {
        within("volumes", self.volumes.held())?;
        let lists = [
            ("containers", &self.containers),
            ("initContainers", &self.init_containers),
            ("ephemeralContainers", &self.ephemeral_containers),
        ];
        for (name, list) in lists {
            let each = |(index, it): (usize, &Container<'_>)| {
                it.held().map_err(|error| error.in_element(index))
            };
            let held = list.held();
            within(
                name,
                held.and_then(|()| list.iter().enumerate().try_for_each(each)),
            )?;
        }
        Ok(())
    }
}

fn within(name: &str, held: Result<(), ReadError>) -> Result<(), ReadError> {
    held.map_err(|error| error.in_member(name))
}

impl<'a> PodSpec<'a> {
    /// The group of the pod's volumes, where it has one.
    pub fn fs_group(&self) -> Option<i64> {
        self.security_context.as_ref()?.fs_group
    }

    /// The account that the pod gets, empty where none is named.
    pub fn account(&self) -> &Text<'a> {
        if self.service_account_name.is_empty() {
            &self.service_account
        } else {
            &self.service_account_name
        }
    }
}

/// A container of any of a pod's three lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Container<'a> {
    /// The name, unique in the pod.
    pub name: Text<'a>,
    /// The image reference.
    pub image: Text<'a>,
    /// Replaces the image's `ENTRYPOINT` when not empty.
    pub command: Many<Text<'a>>,
    /// Replaces the image's `CMD` when not empty.
    pub args: Many<Text<'a>>,
    /// Replaces the image's `WORKDIR` when not empty.
    pub working_dir: Text<'a>,
    /// The environment, in order; of two entries of one name the later counts.
    pub env: Many<EnvVar<'a>>,
    /// Whole `ConfigMap`s and Secrets as environment; `env` beats it.
    pub env_from: Many<EnvFrom>,
    /// Declared ports; informational, except for `hostPort`.
    pub ports: Many<Port<'a>>,
    /// Where volumes appear.
    pub volume_mounts: Many<VolumeMount<'a>, MAX_VOLUMES>,
    /// Where raw block volumes appear.
    pub volume_devices: Many<Presence>,
    /// Settings that override the pod's.
    pub security_context: Option<Box<SecurityContext<'a>>>,
    /// The probe that restarts the container.
    pub liveness_probe: Option<Box<Probe<'a>>>,
    /// The probe that takes the pod out of Services.
    pub readiness_probe: Option<Box<Probe<'a>>>,
    /// The probe that holds the others back (Kubernetes 1.16 and later).
    pub startup_probe: Option<Box<Probe<'a>>>,
    /// What is done after the start and before the stop.
    pub lifecycle: Option<Box<Lifecycle<'a>>>,
    /// Whether a standard input is kept open.
    pub stdin: Option<bool>,
    /// Whether a terminal is allocated.
    pub tty: Option<bool>,
    /// Where the kubelet mounts a file for the container's last words.
    pub termination_message_path: Text<'a>,
}

fields!(Container<'a> {
    "name" => name,
    "image" => image,
    "command" => command,
    "args" => args,
    "workingDir" => working_dir,
    "env" => env,
    "envFrom" => env_from,
    "ports" => ports,
    "volumeMounts" => volume_mounts,
    "volumeDevices" => volume_devices,
    "securityContext" => security_context,
    "livenessProbe" => liveness_probe,
    "readinessProbe" => readiness_probe,
    "startupProbe" => startup_probe,
    "lifecycle" => lifecycle,
    "stdin" => stdin,
    "tty" => tty,
    "terminationMessagePath" => termination_message_path,
});

/// An environment variable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnvVar<'a> {
    /// The name.
    pub name: Text<'a>,
    /// The literal value; `$(NAME)` in it is expanded by the kubelet.
    pub value: Text<'a>,
    /// Where the value comes from, if not from `value`.
    pub value_from: Option<Box<EnvVarSource<'a>>>,
}

fields!(EnvVar<'a> {
    "name" => name,
    "value" => value,
    "valueFrom" => value_from,
});

/// Where an environment variable's value comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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

fields!(EnvVarSource<'a> {
    "fieldRef" => field_ref,
    "resourceFieldRef" => resource_field_ref,
    "configMapKeyRef" => config_map_key_ref,
    "secretKeyRef" => secret_key_ref,
});

/// A field of the pod, by its path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldRef<'a> {
    /// The path, such as `metadata.namespace`.
    pub field_path: Text<'a>,
}

fields!(FieldRef<'a> {
    "fieldPath" => field_path,
});

/// A key of a `ConfigMap` or Secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeySelector<'a> {
    /// The object's name.
    pub name: Text<'a>,
    /// The key in it.
    pub key: Text<'a>,
}

fields!(KeySelector<'a> {
    "name" => name,
    "key" => key,
});

/// A whole `ConfigMap` or Secret as environment. What it holds is not in the pod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnvFrom {
    /// From a `ConfigMap`.
    pub config_map_ref: Option<Presence>,
    /// From a Secret.
    pub secret_ref: Option<Presence>,
}

fields!(EnvFrom {
    "configMapRef" => config_map_ref,
    "secretRef" => secret_ref,
});

/// A declared port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Port<'a> {
    /// The name that Services may target.
    pub name: Text<'a>,
    /// The port in the pod.
    pub container_port: Option<i64>,
    /// The port on the node.
    pub host_port: Option<i64>,
}

fields!(Port<'a> {
    "name" => name,
    "containerPort" => container_port,
    "hostPort" => host_port,
});

/// A probe.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Probe<'a> {
    /// A command run in the container.
    pub exec: Option<Exec<'a>>,
    /// An HTTP request.
    pub http_get: Option<HttpGet<'a>>,
}

fields!(Probe<'a> {
    "exec" => exec,
    "httpGet" => http_get,
});

/// A command that is run in a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exec<'a> {
    /// The program and its words. No shell reads them.
    pub command: Many<Text<'a>>,
}

fields!(Exec<'a> {
    "command" => command,
});

/// An HTTP request of a probe.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpGet<'a> {
    /// The path.
    pub path: Text<'a>,
    /// The port, a number or a port's name.
    pub port: PortReference<'a>,
}

fields!(HttpGet<'a> {
    "path" => path,
    "port" => port,
});

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

impl<'j: 'a, 'a> Read<'j> for PortReference<'a> {
    fn read<S: Source<'j>>(&mut self, source: &mut S) -> Result<(), ReadError> {
        match source.what()? {
            Type::Null => return source.skip(),
            Type::Text => *self = Self::Name(source.text()?.into()),
            _ => *self = Self::Number(source.integer()?),
        }
        Ok(())
    }
}

/// What is done after the start and before the stop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lifecycle<'a> {
    /// Done right after the container starts.
    pub post_start: Option<Hook<'a>>,
    /// Done before the container stops.
    pub pre_stop: Option<Hook<'a>>,
}

fields!(Lifecycle<'a> {
    "postStart" => post_start,
    "preStop" => pre_stop,
});

/// What is done at one end of a container's life.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hook<'a> {
    /// A command run in the container.
    pub exec: Option<Exec<'a>>,
}

fields!(Hook<'a> {
    "exec" => exec,
});
