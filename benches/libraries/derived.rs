//! A review and its workload as `serde_json` reads them by derived code: the fields that a Tiller's own review makes the rules
//! read, borrowed where the JSON lets them.
#![expect(
    dead_code,
    clippy::struct_field_names,
    reason = "it is read only, and the names are the API's"
)]

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, Visitor};
use serde_json::value::RawValue;

/// A string; an empty one for `null`.
#[derive(Debug, Default)]
pub(crate) struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor(PhantomData))
    }
}

struct TextVisitor<'a>(PhantomData<&'a str>);

impl<'de: 'a, 'a> Visitor<'de> for TextVisitor<'a> {
    type Value = Text<'a>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(text.into()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(text.to_owned().into()))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Text::default())
    }
}

/// A list, or `null`.
type Items<T> = Option<Vec<T>>;

macro_rules! derived {
    ($($name:ident { $($field:ident: $type:ty),+ $(,)? })+) => {$(
        #[derive(Debug, Default, Deserialize)]
        #[serde(default, rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
        pub(crate) struct $name<'a> { $($field: $type),+ }
    )+};
}

/// The review of a Deployment.
pub(crate) type TillerReview<'a> = Review<'a, Deployment<'a>>;
/// A review whose object is skipped.
pub(crate) type SkippedReview<'a> = Review<'a, IgnoredAny>;

#[derive(Debug, Deserialize)]
#[serde(
    rename_all = "camelCase",
    bound(deserialize = "'de: 'a, O: Deserialize<'de>")
)]
pub(crate) struct Review<'a, O> {
    api_version: Text<'a>,
    kind: Text<'a>,
    request: Request<'a, O>,
}

#[derive(Debug, Deserialize)]
#[serde(
    rename_all = "camelCase",
    bound(deserialize = "'de: 'a, O: Deserialize<'de>")
)]
struct Request<'a, O> {
    uid: Text<'a>,
    kind: ObjectType<'a>,
    #[serde(default)]
    sub_resource: Text<'a>,
    #[serde(default)]
    name: Text<'a>,
    #[serde(default)]
    namespace: Text<'a>,
    operation: Text<'a>,
    #[serde(borrow)]
    user_info: Option<&'a RawValue>,
    dry_run: Option<bool>,
    object: Option<O>,
    old_object: Option<IgnoredAny>,
}

derived! {
    ObjectType { group: Text<'a>, version: Text<'a>, kind: Text<'a> }
    Deployment { metadata: ObjectMetadata<'a>, spec: DeploymentSpec<'a> }
    ObjectMetadata { name: Text<'a>, namespace: Text<'a>, owner_references: Items<OwnerReference<'a>> }
    OwnerReference { api_version: Text<'a>, kind: Text<'a>, name: Text<'a>, controller: Option<bool> }
    DeploymentSpec { replicas: Option<i64>, suspend: Option<bool>, template: Template<'a> }
    Template { metadata: Option<PodMetadata<'a>>, spec: PodSpec<'a> }
    PodMetadata { labels: Option<Labels<'a>>, annotations: Option<Annotations<'a>> }
    Labels { app: Text<'a>, name: Text<'a> }
    Annotations { mirror: Option<Text<'a>> }
    PodSpec {
        containers: Items<Container<'a>>,
        init_containers: Items<Container<'a>>,
        ephemeral_containers: Items<Container<'a>>,
        volumes: Items<Volume<'a>>,
        service_account_name: Text<'a>,
        service_account: Text<'a>,
        host_network: Option<bool>,
        host_pid: Option<bool>,
        host_ipc: Option<bool>,
        share_process_namespace: Option<bool>,
        security_context: Option<SecurityContext<'a>>,
    }
    Container {
        name: Text<'a>,
        image: Text<'a>,
        command: Items<Text<'a>>,
        args: Items<Text<'a>>,
        working_dir: Text<'a>,
        env: Items<EnvVar<'a>>,
        env_from: Items<IgnoredAny>,
        ports: Items<Port<'a>>,
        volume_mounts: Items<VolumeMount<'a>>,
        volume_devices: Items<IgnoredAny>,
        security_context: Option<Box<SecurityContext<'a>>>,
        liveness_probe: Option<Box<Probe<'a>>>,
        readiness_probe: Option<Box<Probe<'a>>>,
        startup_probe: Option<Box<Probe<'a>>>,
        lifecycle: Option<Lifecycle<'a>>,
        stdin: Option<bool>,
        tty: Option<bool>,
    }
    EnvVar { name: Text<'a>, value: Text<'a>, value_from: Option<Box<EnvVarSource<'a>>> }
    EnvVarSource { field_ref: Option<FieldRef<'a>>, secret_key_ref: Option<KeySelector<'a>> }
    FieldRef { field_path: Text<'a> }
    KeySelector { name: Text<'a>, key: Text<'a> }
    Port { name: Text<'a>, container_port: Option<i64>, host_port: Option<i64> }
    Probe { exec: Option<Exec<'a>>, http_get: Option<HttpGet<'a>> }
    Exec { command: Items<Text<'a>> }
    HttpGet { path: Text<'a>, port: Option<IgnoredAny> }
    Lifecycle { post_start: Option<Hook<'a>>, pre_stop: Option<Hook<'a>> }
    Hook { exec: Option<Exec<'a>> }
    SecurityContext {
        run_as_user: Option<i64>,
        run_as_group: Option<i64>,
        run_as_non_root: Option<bool>,
        privileged: Option<bool>,
        allow_privilege_escalation: Option<bool>,
        read_only_root_filesystem: Option<bool>,
        capabilities: Option<Capabilities<'a>>,
        seccomp_profile: Option<SeccompProfile<'a>>,
        proc_mount: Text<'a>,
    }
    Capabilities { add: Items<Text<'a>>, drop: Items<Text<'a>> }
    SeccompProfile { localhost_profile: Text<'a> }
    Volume { name: Text<'a>, empty_dir: Option<EmptyDir<'a>>, secret: Option<SecretVolume<'a>>, projected: Option<IgnoredAny> }
    EmptyDir { medium: Text<'a> }
    SecretVolume { secret_name: Text<'a>, default_mode: Option<i64>, items: Items<KeyPath<'a>>, optional: Option<bool> }
    KeyPath { key: Text<'a>, path: Text<'a> }
    VolumeMount { name: Text<'a>, mount_path: Text<'a>, read_only: Option<bool>, sub_path: Text<'a>, sub_path_expr: Text<'a> }
}
