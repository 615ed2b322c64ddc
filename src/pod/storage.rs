//! Volumes and where they are mounted.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::{Items, Presence, Text};

/// A volume.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Volume<'a> {
    /// The name, unique in the pod.
    pub name: Text<'a>,
    /// What it holds.
    pub source: VolumeSource<'a>,
}

/// What a volume holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum VolumeSource<'a> {
    /// None given: Kubernetes takes it for an empty directory.
    #[default]
    Unset,
    /// A directory made for the pod.
    EmptyDir(EmptyDirVolume<'a>),
    /// A Secret.
    Secret(SecretVolume<'a>),
    /// Several sources in one directory.
    Projected(Items<Projection>),
    /// Any other source, by its field's name, such as `hostPath` or `csi`.
    Other(Text<'a>),
}

/// A directory made for the pod.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct EmptyDirVolume<'a> {
    /// The medium, `Memory` or the node's default.
    pub medium: Text<'a>,
}

/// A Secret as files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "'de: 'a"))]
pub struct SecretVolume<'a> {
    /// The Secret's name.
    pub secret_name: Text<'a>,
    /// The files' mode; the API server's default is 0644.
    pub default_mode: Option<i64>,
    /// Which keys, and under which names; empty is all keys under their own.
    pub items: Items<KeyPath<'a>>,
    /// Whether the pod starts without the Secret.
    pub optional: Option<bool>,
}

/// A key of a Secret and the file it becomes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct KeyPath<'a> {
    /// The key.
    pub key: Text<'a>,
    /// The file.
    pub path: Text<'a>,
}

/// One source of a projected volume.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Projection {
    /// A service account token.
    pub service_account_token: Option<Presence>,
    /// A `ConfigMap`.
    pub config_map: Option<Presence>,
    /// Fields of the pod.
    #[serde(rename = "downwardAPI")]
    pub downward_api: Option<Presence>,
    /// A Secret.
    pub secret: Option<Presence>,
    /// A bundle of trust anchors.
    pub cluster_trust_bundle: Option<Presence>,
    /// A certificate of the pod.
    pub pod_certificate: Option<Presence>,
}

/// Where a volume appears in a container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "'de: 'a"))]
pub struct VolumeMount<'a> {
    /// The volume's name.
    pub name: Text<'a>,
    /// The directory, or the file with `subPath`.
    pub mount_path: Text<'a>,
    /// Whether it cannot be written.
    pub read_only: Option<bool>,
    /// The part of the volume that appears.
    pub sub_path: Text<'a>,
    /// The same, with `$(VAR)` expanded.
    pub sub_path_expr: Text<'a>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Volume<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(VolumeVisitor)
    }
}

/// A volume's source is the one field beside its name, under a name of its kind.
struct VolumeVisitor;

impl<'de> Visitor<'de> for VolumeVisitor {
    type Value = Volume<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a volume")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut volume = Volume::default();
        while let Some(field) = fields.next_key::<Text<'de>>()? {
            let source = match field.as_str() {
                "name" => {
                    volume.name = fields.next_value()?;
                    continue;
                }
                "emptyDir" => fields
                    .next_value::<Option<_>>()?
                    .map(VolumeSource::EmptyDir),
                "secret" => fields.next_value::<Option<_>>()?.map(VolumeSource::Secret),
                "projected" => fields
                    .next_value::<Option<ProjectedVolume>>()?
                    .map(|projected| VolumeSource::Projected(projected.sources)),
                _ => fields
                    .next_value::<Option<IgnoredAny>>()?
                    .map(|_| VolumeSource::Other(field)),
            };
            // The API server refuses a volume with two sources: the less trusted one is kept here.
            match (&volume.source, source) {
                (VolumeSource::Other(_), _) | (_, None) => {}
                (_, Some(source)) => volume.source = source,
            }
        }
        Ok(volume)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ProjectedVolume {
    sources: Items<Projection>,
}
