//! From an object of any kind that is judged to what is read of it: the one reader, for every door.

use super::{custody, exposure, rbac, workload};
use crate::json::{ReadError, Source};
use crate::pod::Text;
use crate::policy::connection::Connection;
use crate::policy::custody::CustodyKind;
use crate::policy::{Object, ObjectKind};

/// An object is not what its kind says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {kind} cannot be read: {reason}")]
pub struct Malformed {
    /// The kind it was read as.
    pub kind: &'static str,
    /// What is wrong, with its place where known.
    pub reason: String,
}

/// Reads an object of this kind, borrowed from where the object stands.
pub fn read<'j, S: Source<'j>>(
    kind: impl Into<ObjectKind>,
    mut object: S,
) -> Result<Object<'j>, Malformed> {
    let kind = kind.into();
    read_from(kind, &mut object).map_err(|error| Malformed::new(kind, &error))
}

/// The same, with the error of the source.
pub(super) fn read_from<'j, S: Source<'j>>(
    kind: ObjectKind,
    object: &mut S,
) -> Result<Object<'j>, ReadError> {
    Ok(match kind {
        ObjectKind::Workload(kind) => workload::read(kind, object)?.into(),
        ObjectKind::Rbac(kind) => rbac::read(kind, object)?.into(),
        ObjectKind::Exposure(kind) => exposure::read(kind, object)?.into(),
        ObjectKind::Custody(kind) => custody::read(kind, object)?.into(),
        // Where it leads stands in the request.
        ObjectKind::Connection(kind) => {
            object.skip()?;
            Object::Connection(Connection {
                kind,
                namespace: Text::default(),
                target: Text::default(),
            })
        }
    })
}

// === impl Malformed ===

impl Malformed {
    /// An error of reading an object. What is wrong with a Secret may be secret, and is not shown.
    pub(super) fn new(kind: ObjectKind, error: &ReadError) -> Self {
        Self {
            kind: kind.as_str(),
            reason: match kind {
                ObjectKind::Custody(CustodyKind::Secret) => {
                    "a field does not match the API".to_owned()
                }
                _ => error.to_string(),
            },
        }
    }
}
