//! The hardening of an object, as the operations of an RFC 6902 patch.
//!
//! Values borrow from the object and from constants, and are written once, into the answer; [`json_patch`]
//! applies them where a patch is applied here.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use super::Pointer;

/// An RFC 6902 patch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patch<'a> {
    operations: Vec<Operation<'a>>,
}

/// One operation of a patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operation<'a> {
    /// Adds to a list, or sets a member of an object, which `add` replaces where it is there (4.1).
    Add(Pointer, Content<'a>),
    /// Replaces an element of a list.
    Replace(Pointer, Content<'a>),
    /// Removes what is there.
    Remove(Pointer),
}

/// What an operation puts in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum Content<'a> {
    Boolean(bool),
    Number(i64),
    Text(Cow<'a, str>),
    Words(Vec<Cow<'a, str>>),
    List(Vec<Self>),
    #[serde(serialize_with = "members")]
    Object(Vec<(&'static str, Self)>),
    Variable {
        name: &'static str,
        value: Cow<'a, str>,
    },
    #[serde(rename_all = "camelCase")]
    VariableFrom {
        name: &'static str,
        value_from: FieldRef,
    },
    Secret {
        name: Cow<'a, str>,
        secret: Secret<'a>,
    },
    #[serde(rename_all = "camelCase")]
    EmptyDirectory {
        name: Cow<'a, str>,
        empty_dir: Nothing,
    },
    #[serde(rename_all = "camelCase")]
    Mount {
        name: Cow<'a, str>,
        mount_path: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        read_only: Option<bool>,
    },
    DropAll {
        drop: [&'static str; 1],
    },
    Typed {
        r#type: &'static str,
    },
}

fn members<S: Serializer>(
    members: &[(&'static str, Content<'_>)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(members.iter().map(|(name, value)| (name, value)))
}

/// An object without members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Nothing {}

/// A variable's value from a field of the pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FieldRef {
    pub(super) field_ref: FieldPath,
}

/// A field of the pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FieldPath {
    pub(super) field_path: &'static str,
}

/// A Secret as files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Secret<'a> {
    pub(super) secret_name: Cow<'a, str>,
    pub(super) default_mode: i64,
}

// === impl Patch ===

impl<'a> Patch<'a> {
    pub(super) fn new(operations: Vec<Operation<'a>>) -> Self {
        Self { operations }
    }

    /// Whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// The patch in the terms of the crate that applies it.
    pub fn to_json_patch(&self) -> Result<json_patch::Patch, serde_json::Error> {
        serde_json::from_slice(&self.to_json()?)
    }

    /// The patch as JSON.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut json = Vec::with_capacity(128 * self.operations.len() + 2);
        json.push(b'[');
        for (index, operation) in self.operations.iter().enumerate() {
            if index > 0 {
                json.push(b',');
            }
            operation.write(&mut json)?;
        }
        json.push(b']');
        Ok(json)
    }
}

// === impl Operation ===

impl Operation<'_> {
    /// Pointers of operations are field names of the Kubernetes API and numbers: no JSON writer would
    /// escape anything in them.
    fn write(&self, json: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        let (verb, path, content) = match self {
            Self::Add(path, content) => ("add", path, Some(content)),
            Self::Replace(path, content) => ("replace", path, Some(content)),
            Self::Remove(path) => ("remove", path, None),
        };
        for piece in [r#"{"op":""#, verb, r#"","path":""#] {
            json.extend_from_slice(piece.as_bytes());
        }
        path.write(|piece| json.extend_from_slice(piece.as_bytes()));
        json.push(b'"');
        if let Some(content) = content {
            json.extend_from_slice(br#","value":"#);
            serde_json::to_writer(&mut *json, content)?;
        }
        json.push(b'}');
        Ok(())
    }
}
