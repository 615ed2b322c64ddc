//! The object that keeps a record: a ConfigMap or a Secret, as the API has it.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::encoding::{DecodeError, decode};
use super::hapi::Release;
use super::movement::ASIDE;
use crate::gather::Gather as _;

/// The label by which Tiller finds its records, and its value.
pub const OWNER: (&str, &str) = ("OWNER", "TILLER");
/// The value of the label `OWNER` of Helm 2's record of a release that Helm 3 has now. Tiller does not find it.
pub const MIGRATED: &str = "MIGRATED";
/// The key that holds a record's text.
pub const KEY: &str = "release";
/// The bytes that all keys of a ConfigMap or Secret may hold together.
///
/// Source: `MaxSecretSize` of Kubernetes; tried on 1.10, 1.20 and 1.36.
pub const MAX_SIZE: usize = 1 << 20;

/// Where Tiller keeps its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Storage {
    /// In ConfigMaps: Tiller's default.
    ConfigMaps,
    /// In Secrets: what a hardened Tiller does.
    Secrets,
}

/// An object that is labelled as a record, or named as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Where it is kept.
    pub storage: Storage,
    /// Its namespace, which is Tiller's.
    pub namespace: String,
    /// Its name: `<release>.v<revision>`.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Its version.
    pub resource_version: String,
    /// What a Secret is for.
    pub secret_type: Option<String>,
    /// Whether it cannot be changed.
    pub immutable: bool,
    /// Its text: base64 of a compressed release.
    pub text: Result<Vec<u8>, Textless>,
    /// The names of its other keys, which Tiller does not read.
    pub other_keys: Vec<String>,
}

/// A record without a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Textless {
    /// It has no such key.
    Absent,
    /// A Secret's value is not base64.
    NotBase64,
}

/// An object is not a ConfigMap or Secret.
#[derive(Debug, thiserror::Error)]
pub enum NotRecord {
    /// It is of another kind.
    #[error("it is a {0}, and no ConfigMap or Secret")]
    Kind(String),
    /// It is not as the API has it.
    #[error("it is not as the API has it")]
    Malformed(#[from] serde_json::Error),
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Object {
    kind: Option<String>,
    metadata: Metadata,
    data: Option<Data>,
    binary_data: Option<Data>,
    string_data: Option<Data>,
    r#type: Option<String>,
    immutable: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    namespace: String,
    name: String,
    resource_version: String,
    labels: Option<Data>,
    annotations: Option<Data>,
}

#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

// === impl Storage ===

impl Storage {
    /// Both.
    pub const ALL: [Self; 2] = [Self::ConfigMaps, Self::Secrets];

    /// The word for it, which is the resource in the API too.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConfigMaps => "configmaps",
            Self::Secrets => "secrets",
        }
    }

    /// The kind of its objects.
    pub fn kind(self) -> &'static str {
        match self {
            Self::ConfigMaps => "ConfigMap",
            Self::Secrets => "Secret",
        }
    }

    /// The value of Tiller's flag `--storage`.
    pub fn flag(self) -> &'static str {
        match self {
            Self::ConfigMaps => "configmap",
            Self::Secrets => "secret",
        }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::ConfigMaps => Self::Secrets,
            Self::Secrets => Self::ConfigMaps,
        }
    }

    fn of_kind(kind: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|storage| storage.kind() == kind)
    }
}

/// Values by key; a key may be `null`.
type Data = BTreeMap<String, Option<String>>;

/// The values that are there.
fn present(data: Option<Data>) -> BTreeMap<String, String> {
    let members = data.into_iter().flatten();
    members
        .filter_map(|(key, value)| Some((key, value?)))
        .gather()
}

/// A value of a Secret. API servers pass over line breaks in it.
fn decoded(text: &str) -> Result<Vec<u8>, Textless> {
    let text: String = text.split(['\r', '\n']).collect();
    STANDARD.decode(text).map_err(|_| Textless::NotBase64)
}

// === impl Record ===

impl Record {
    /// Reads an object; in a list of one kind it does not say which.
    pub fn read(object: &RawValue, storage: Option<Storage>) -> Result<Self, NotRecord> {
        let Object {
            kind,
            metadata,
            data,
            binary_data,
            string_data,
            r#type,
            immutable,
        } = match storage {
            // Objects of other kinds have other data.
            None => match serde_json::from_str(object.get())? {
                Kind { kind: Some(kind) } if Storage::of_kind(&kind).is_none() => {
                    return Err(NotRecord::Kind(kind));
                }
                Kind { .. } => serde_json::from_str(object.get())?,
            },
            Some(_) => serde_json::from_str(object.get())?,
        };
        let told = kind.as_deref().and_then(Storage::of_kind);
        let storage = match (kind, told.or(storage)) {
            (None, Some(storage)) => storage,
            (Some(_), Some(storage)) if told.is_some() => storage,
            (kind, _) => return Err(NotRecord::Kind(kind.unwrap_or_default())),
        };
        let keyed = data.iter().chain(&string_data).chain(&binary_data);
        let keys = keyed.flat_map(BTreeMap::keys);
        let other_keys = keys.filter(|key| *key != KEY).cloned().collect();
        let of = |data: Option<Data>| data.and_then(|mut data| data.remove(KEY)?);
        let text = of(data).ok_or(Textless::Absent);
        let text = match (storage, of(string_data)) {
            (Storage::ConfigMaps, _) => text.map(String::into_bytes),
            // API servers put it over `data`.
            (Storage::Secrets, Some(plain)) => Ok(plain.into_bytes()),
            (Storage::Secrets, None) => text.and_then(|text| decoded(&text)),
        };
        let Metadata {
            namespace,
            name,
            resource_version,
            labels,
            annotations,
        } = metadata;
        Ok(Self {
            storage,
            namespace,
            name,
            labels: present(labels),
            annotations: present(annotations),
            resource_version,
            secret_type: r#type,
            immutable: immutable.unwrap_or(false),
            text,
            other_keys,
        })
    }

    /// A label's value.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key).map(String::as_str)
    }

    /// Whether Tiller finds it.
    pub fn is_tillers(&self) -> bool {
        self.label(OWNER.0) == Some(OWNER.1)
    }

    /// Whether it is labelled for Tiller in another spelling, so that Tiller does not find it.
    fn is_misspelt(&self) -> bool {
        let mut labels = self.labels.iter();
        labels.any(|(key, value)| {
            key.eq_ignore_ascii_case(OWNER.0) && value.eq_ignore_ascii_case(OWNER.1)
        })
    }

    /// Whether its labels say that Tiller wrote it. In another spelling they may be somebody else's: then it holds a release.
    pub fn is_labelled(&self) -> bool {
        self.is_tillers() || self.is_misspelt() && self.decode().is_ok()
    }

    /// Whether a move or a migration has set it aside: another record has taken its place.
    pub fn is_aside(&self) -> bool {
        matches!(self.label(OWNER.0), Some(ASIDE | MIGRATED))
    }

    /// Whether Tiller wrote it and it still counts: by its labels, or where these are gone by its name and the release in it.
    /// `app.v1` with a key `release` is a name that others give too.
    pub fn is_one(&self) -> bool {
        let is_opaque = self.secret_type.as_deref().is_none_or(|it| it == "Opaque");
        let is_named = || !self.is_aside() && is_opaque && named(&self.name).is_some();
        self.is_labelled() || is_named() && self.decode().is_ok()
    }

    /// The release in it.
    pub fn decode(&self) -> Result<Release, DecodeError> {
        match &self.text {
            Ok(text) => decode(text),
            Err(Textless::Absent) => Err(DecodeError::Absent),
            Err(Textless::NotBase64) => {
                Err(DecodeError::Base64(base64::DecodeError::InvalidPadding))
            }
        }
    }

    /// The size of its text in bytes, which the API limits to [`MAX_SIZE`].
    pub fn size(&self) -> usize {
        self.text.as_ref().map_or(0, Vec::len)
    }
}

/// `Secret blue-tiller/web.v1`.
impl fmt::Display for Record {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            storage,
            namespace,
            name,
            ..
        } = self;
        write!(formatter, "{} {namespace}/{name}", storage.kind())
    }
}

/// The release and revision that an object's name tells: `web.v2` is revision 2 of `web`.
pub fn named(name: &str) -> Option<(&str, i32)> {
    let (release, revision) = name.rsplit_once(".v")?;
    Some((release, revision.parse().ok()?))
}
