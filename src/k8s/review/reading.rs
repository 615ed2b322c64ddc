//! The object of a request, read as its kind.

use super::Malformed;
use super::request::Object;
use crate::json::{ReadError, Reader, Source as _, Type};
use crate::k8s::{custody, exposure, rbac, workload};
use crate::pod::Text;
use crate::policy::WorkloadKind;
use crate::policy::connection::{Connection, ConnectionKind};
use crate::policy::custody::CustodyKind;
use crate::policy::exposure::ExposureKind;
use crate::policy::rbac::RbacKind;

/// The kinds of objects that are read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reading {
    Workload(WorkloadKind),
    /// And whether it is of its group's first version.
    Rbac(RbacKind, bool),
    Exposure(ExposureKind),
    Custody(CustodyKind),
    Connection(ConnectionKind),
}

impl Reading {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Workload(kind) => kind.as_str(),
            Self::Rbac(kind, _) => kind.as_str(),
            Self::Exposure(kind) => kind.as_str(),
            Self::Custody(kind) => kind.as_str(),
            Self::Connection(kind) => kind.as_str(),
        }
    }

    /// Reads an object of the kind, or `null`. One that is JSON, and not what its kind says, is passed over.
    pub(super) fn read<'j>(self, reader: &mut Reader<'j>) -> Result<Object<'j>, ReadError> {
        let read = reader.attempt(|reader| self.object(reader))?;
        Ok(read.unwrap_or_else(|error| Object::Malformed(self.malformed(&error))))
    }

    fn object<'j>(self, reader: &mut Reader<'j>) -> Result<Object<'j>, ReadError> {
        if reader.what()? == Type::Null {
            return reader.skip().map(|()| Object::Absent);
        }
        Ok(match self {
            Self::Workload(kind) => Object::Workload(Box::new(workload::read(kind, reader)?)),
            Self::Rbac(kind, is_first) => {
                let mut object = rbac::read(kind, reader)?;
                if is_first {
                    rbac::of_first_version(&mut object);
                }
                Object::Rbac(Box::new(object))
            }
            Self::Exposure(kind) => Object::Exposure(Box::new(exposure::read(kind, reader)?)),
            Self::Custody(kind) => Object::Custody(Box::new(custody::read(kind, reader)?)),
            // Where it leads stands in the request.
            Self::Connection(kind) => {
                reader.skip()?;
                Object::Connection(Connection {
                    kind,
                    namespace: Text::default(),
                    target: Text::default(),
                })
            }
        })
    }

    fn malformed(self, error: &ReadError) -> Malformed {
        match self {
            Self::Custody(kind) => custody::malformed(kind, error),
            _ => Malformed {
                kind: self.as_str(),
                reason: error.to_string(),
            },
        }
    }
}
