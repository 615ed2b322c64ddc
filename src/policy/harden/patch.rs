//! The hardening of an object, as the operations of an RFC 6902 patch.
//!
//! Values borrow from the object and from constants, and are written once, into the answer; [`json_patch`]
//! applies them where a patch is applied here.

use std::borrow::Cow;

use crate::json::{ArrayWriter, ObjectWriter, write_boolean, write_number, write_text};
use crate::policy::Pointer;

/// An RFC 6902 patch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patch<'a> {
    operations: Vec<Operation<'a>>,
}

/// One operation of a patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::policy) enum Operation<'a> {
    /// Adds to a list, or sets a member of an object, which `add` replaces where it is there (4.1).
    Add(Pointer, Content<'a>),
    /// Replaces an element of a list.
    Replace(Pointer, Content<'a>),
    /// Removes what is there.
    Remove(Pointer),
}

/// What an operation puts in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::policy) enum Content<'a> {
    Boolean(bool),
    Number(i64),
    Text(Cow<'a, str>),
    Words(Vec<Cow<'a, str>>),
    List(Vec<Self>),
    Object(Vec<(&'static str, Self)>),
    Variable {
        name: &'static str,
        value: Cow<'a, str>,
    },
    /// A variable's value from a field of the pod.
    VariableFrom {
        name: &'static str,
        field_path: &'static str,
    },
    /// A Secret as files.
    SecretVolume {
        name: Cow<'a, str>,
        secret_name: Cow<'a, str>,
        default_mode: i64,
    },
    EmptyDirectory {
        name: Cow<'a, str>,
    },
    Mount {
        name: Cow<'a, str>,
        mount_path: &'static str,
        read_only: bool,
    },
    DropAll,
    Typed {
        r#type: &'static str,
    },
}

// === impl Patch ===

impl<'a> Patch<'a> {
    pub(in crate::policy) fn new(operations: Vec<Operation<'a>>) -> Self {
        Self { operations }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// The patch in the terms of the crate that applies it.
    pub fn to_json_patch(&self) -> Result<json_patch::Patch, serde_json::Error> {
        serde_json::from_slice(&self.to_json())
    }

    /// How many bytes the patch takes as JSON, about.
    pub fn room(&self) -> usize {
        128 * self.operations.len()
    }

    /// The patch as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = Vec::with_capacity(self.room());
        let mut operations = ArrayWriter::begin(&mut json);
        for operation in &self.operations {
            operation.write(operations.element());
        }
        operations.end();
        json
    }
}

// === impl Operation ===

impl Operation<'_> {
    /// Pointers of operations are field names of the Kubernetes API and numbers: nothing in them needs an escape.
    fn write(&self, json: &mut Vec<u8>) {
        let (begin, path, content): (&[u8], _, _) = match self {
            Self::Add(path, content) => (br#"{"op":"add","path":""#, path, Some(content)),
            Self::Replace(path, content) => (br#"{"op":"replace","path":""#, path, Some(content)),
            Self::Remove(path) => (br#"{"op":"remove","path":""#, path, None),
        };
        json.extend_from_slice(begin);
        path.write(|piece| json.extend_from_slice(piece.as_bytes()));
        if let Some(content) = content {
            json.extend_from_slice(br#"","value":"#);
            content.write(json);
            json.push(b'}');
        } else {
            json.extend_from_slice(br#""}"#);
        }
    }
}

// === impl Content ===

impl Content<'_> {
    fn write(&self, json: &mut Vec<u8>) {
        match self {
            Self::Boolean(value) => write_boolean(json, *value),
            Self::Number(value) => write_number(json, *value),
            Self::Text(text) => write_text(json, text),
            Self::Words(words) => {
                let mut list = ArrayWriter::begin(json);
                for word in words {
                    write_text(list.element(), word);
                }
                list.end();
            }
            Self::List(elements) => {
                let mut list = ArrayWriter::begin(json);
                for element in elements {
                    element.write(list.element());
                }
                list.end();
            }
            members => {
                let mut object = ObjectWriter::begin(json);
                members.write_members(&mut object);
                object.end();
            }
        }
    }

    /// Writes the members of what is an object.
    fn write_members(&self, object: &mut ObjectWriter<'_>) {
        match self {
            Self::Boolean(_) | Self::Number(_) | Self::Text(_) | Self::Words(_) | Self::List(_) => {
            }
            Self::Object(members) => {
                for (name, value) in members {
                    value.write(object.member(name));
                }
            }
            Self::Variable { name, value } => {
                object.text("name", name);
                object.text("value", value);
            }
            Self::VariableFrom { name, field_path } => {
                object.text("name", name);
                let mut source = ObjectWriter::begin(object.member("valueFrom"));
                let mut reference = ObjectWriter::begin(source.member("fieldRef"));
                reference.text("fieldPath", field_path);
                reference.end();
                source.end();
            }
            Self::SecretVolume {
                name,
                secret_name,
                default_mode,
            } => {
                object.text("name", name);
                let mut secret = ObjectWriter::begin(object.member("secret"));
                secret.text("secretName", secret_name);
                secret.number("defaultMode", *default_mode);
                secret.end();
            }
            Self::EmptyDirectory { name } => {
                object.text("name", name);
                ObjectWriter::begin(object.member("emptyDir")).end();
            }
            Self::Mount {
                name,
                mount_path,
                read_only,
            } => {
                object.text("name", name);
                object.text("mountPath", mount_path);
                if *read_only {
                    object.boolean("readOnly", true);
                }
            }
            Self::DropAll => {
                let mut dropped = ArrayWriter::begin(object.member("drop"));
                write_text(dropped.element(), "ALL");
                dropped.end();
            }
            Self::Typed { r#type } => object.text("type", r#type),
        }
    }
}
