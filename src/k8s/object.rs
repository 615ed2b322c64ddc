//! From an object of a known kind to the pod it carries.

use serde::de::Deserializer;

use crate::policy::{Kind, Subject};

/// An object is not what its kind says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {kind} cannot be read: {reason}")]
pub struct Malformed {
    /// The kind it was read as.
    pub kind: &'static str,
    /// What is wrong, with its place where known.
    pub reason: String,
}

/// Reads the subject of an object of this kind, borrowed where the deserialiser lends (JSON text, or a
/// `&serde_json::Value`).
pub fn subject<'de, D: Deserializer<'de>>(
    kind: Kind,
    object: D,
) -> Result<Subject<'de>, Malformed> {
    let _ = object;
    todo!("{kind:?}")
}
