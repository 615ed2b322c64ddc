//! Volumes and where they are mounted.

use super::{FieldRef, Items, Text};
use crate::json::{Read, ReadError, Source, Type, fields, read};

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
    Projected(Items<Projection<'a>>),
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

impl SecretVolume<'_> {
    /// Whether a user other than root can read its files in a pod of this `fsGroup`: mounted files belong to root and, where
    /// the pod has one, to that group.
    pub fn is_readable_in(&self, fs_group: Option<i64>) -> bool {
        let mode = self.default_mode.unwrap_or(0o644);
        mode & 0o004 != 0 || (mode & 0o040 != 0 && fs_group.is_some())
    }
}

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
pub enum Projection<'a> {
    /// None, or one that is not read here, such as a Secret; and two in one place.
    #[default]
    Other,
    /// A service account token.
    Token(TokenProjection<'a>),
    /// A `ConfigMap`.
    ConfigMap(ConfigMapProjection<'a>),
    /// Fields of the pod.
    Fields(Items<FieldFile<'a>>),
}

/// A service account token as a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenProjection<'a> {
    /// Whom the token is for; empty is the API server.
    pub audience: Text<'a>,
    /// The file.
    pub path: Text<'a>,
}

fields!(TokenProjection<'a> {
    "audience" => audience,
    "path" => path,
});

/// A `ConfigMap` as files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigMapProjection<'a> {
    /// The `ConfigMap`'s name.
    pub name: Text<'a>,
    /// Which keys, and under which names; empty is all keys under their own.
    pub items: Items<KeyPath<'a>>,
}

fields!(ConfigMapProjection<'a> {
    "name" => name,
    "items" => items,
});

/// A field of the pod and the file that it becomes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldFile<'a> {
    /// The file.
    pub path: Text<'a>,
    /// The field.
    pub field_ref: Option<FieldRef<'a>>,
}

fields!(FieldFile<'a> {
    "path" => path,
    "fieldRef" => field_ref,
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
                "projected" => {
                    VolumeSource::Projected(read::<ProjectedVolume<'_>, _>(value)?.sources)
                }
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
struct ProjectedVolume<'a> {
    sources: Items<Projection<'a>>,
}

fields!(ProjectedVolume<'a> {
    "sources" => sources,
});

#[derive(Default)]
struct DownwardProjection<'a> {
    items: Items<FieldFile<'a>>,
}

fields!(DownwardProjection<'a> {
    "items" => items,
});

/// A source is the one field, under a name of its kind.
impl<'j: 'a, 'a> Read<'j> for Projection<'a> {
    fn read<S: Source<'j>>(&mut self, source: &mut S) -> Result<(), ReadError> {
        let mut seen = 0;
        source.members(|field, value| {
            if value.what()? == Type::Null {
                return value.skip();
            }
            seen += 1;
            *self = match &**field {
                "serviceAccountToken" => Self::Token(read(value)?),
                "configMap" => Self::ConfigMap(read(value)?),
                "downwardAPI" => Self::Fields(read::<DownwardProjection<'_>, _>(value)?.items),
                _ => {
                    value.skip()?;
                    Self::Other
                }
            };
            if seen > 1 {
                *self = Self::Other;
            }
            Ok(())
        })
    }
}
