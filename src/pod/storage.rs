//! Volumes and where they are mounted.

use super::{Items, Text};
use crate::json::{Presence, Read, ReadError, Source, Type, fields, read};

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
    /// The files of an image (Kubernetes 1.31 and later).
    Image(ImageVolume<'a>),
    /// Any other source, by its field's name, such as `hostPath` or `csi`.
    Other(Text<'a>),
}

/// A directory made for the pod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EmptyDirVolume<'a> {
    /// The medium, `Memory` or the node's default.
    pub medium: Text<'a>,
}

fields!(EmptyDirVolume<'a> {
    "medium" => medium,
});

/// The files of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageVolume<'a> {
    /// The image's reference.
    pub reference: Text<'a>,
}

fields!(ImageVolume<'a> {
    "reference" => reference,
});

/// A Secret as files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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

fields!(SecretVolume<'a> {
    "secretName" => secret_name,
    "defaultMode" => default_mode,
    "items" => items,
    "optional" => optional,
});

/// A key of a Secret and the file it becomes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyPath<'a> {
    /// The key.
    pub key: Text<'a>,
    /// The file.
    pub path: Text<'a>,
}

fields!(KeyPath<'a> {
    "key" => key,
    "path" => path,
});

/// One source of a projected volume.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Projection {
    /// A service account token.
    pub service_account_token: Option<Presence>,
    /// A `ConfigMap`.
    pub config_map: Option<Presence>,
    /// Fields of the pod.
    pub downward_api: Option<Presence>,
    /// A Secret.
    pub secret: Option<Presence>,
    /// A bundle of trust anchors.
    pub cluster_trust_bundle: Option<Presence>,
    /// A certificate of the pod.
    pub pod_certificate: Option<Presence>,
}

fields!(Projection {
    "serviceAccountToken" => service_account_token,
    "configMap" => config_map,
    "downwardAPI" => downward_api,
    "secret" => secret,
    "clusterTrustBundle" => cluster_trust_bundle,
    "podCertificate" => pod_certificate,
});

/// Where a volume appears in a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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

fields!(VolumeMount<'a> {
    "name" => name,
    "mountPath" => mount_path,
    "readOnly" => read_only,
    "subPath" => sub_path,
    "subPathExpr" => sub_path_expr,
});

/// A volume's source is the one field beside its name, under a name of its kind.
impl<'j: 'a, 'a> Read<'j> for Volume<'a> {
    fn read<S: Source<'j>>(&mut self, source: &mut S) -> Result<(), ReadError> {
        source.members(|field, value| {
            let source = match &**field {
                "name" => return self.name.read(value),
                _ if value.what()? == Type::Null => return value.skip(),
                "emptyDir" => VolumeSource::EmptyDir(read(value)?),
                "secret" => VolumeSource::Secret(read(value)?),
                "image" => VolumeSource::Image(read(value)?),
                "projected" => VolumeSource::Projected(read::<ProjectedVolume, _>(value)?.sources),
                _ => {
                    value.skip()?;
                    VolumeSource::Other(field.clone().into())
                }
            };
            // The API server refuses a volume with two sources: the less trusted one is kept here.
            if !matches!(self.source, VolumeSource::Other(_) | VolumeSource::Image(_)) {
                self.source = source;
            }
            Ok(())
        })
    }
}

#[derive(Default)]
struct ProjectedVolume {
    sources: Items<Projection>,
}

fields!(ProjectedVolume {
    "sources" => sources,
});
