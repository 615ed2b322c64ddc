//! The object of a request, read as its kind.

use std::fmt;

use serde::Deserialize as _;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, Visitor};
use serde_json::value::RawValue;

use super::Malformed;
use super::request::Object;
use crate::k8s::{access, custody, exposure, object};
use crate::pod::Text;
use crate::policy::Kind;
use crate::policy::access::AccessKind;
use crate::policy::connection::{Connection, ConnectionKind};
use crate::policy::custody::CustodyKind;
use crate::policy::exposure::ExposureKind;

/// The kinds of objects that are read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reading {
    Workload(Kind),
    /// And whether it is of its group's first version.
    Access(AccessKind, bool),
    Exposure(ExposureKind),
    Custody(CustodyKind),
    Connection(ConnectionKind),
}

impl Reading {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Workload(kind) => kind.as_str(),
            Self::Access(kind, _) => kind.as_str(),
            Self::Exposure(kind) => kind.as_str(),
            Self::Custody(kind) => kind.as_str(),
            Self::Connection(kind) => kind.as_str(),
        }
    }
}

/// Reads an object of a kind, or `null`.
pub(super) struct InPlace(pub(super) Reading);

impl<'de> DeserializeSeed<'de> for InPlace {
    type Value = Object<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for InPlace {
    type Value = Object<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.as_str())
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Object::Absent)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        match self.0 {
            Reading::Workload(kind) => {
                object::read(kind, deserializer).map(|subject| Object::Subject(Box::new(subject)))
            }
            Reading::Access(kind, is_first) => {
                let mut object = access::read(kind, deserializer)?;
                if is_first {
                    access::of_first_version(&mut object);
                }
                Ok(Object::Access(Box::new(object)))
            }
            Reading::Exposure(kind) => {
                exposure::read(kind, deserializer).map(|object| Object::Exposure(Box::new(object)))
            }
            Reading::Custody(kind) => {
                custody::read(kind, deserializer).map(|object| Object::Custody(Box::new(object)))
            }
            // Where it leads stands in the request.
            Reading::Connection(kind) => {
                IgnoredAny::deserialize(deserializer)?;
                Ok(Object::Connection(Connection {
                    kind,
                    namespace: Text::default(),
                    target: Text::default(),
                }))
            }
        }
    }
}

/// Reads an object by itself.
pub(super) fn read_apart(reading: Reading, object: &RawValue) -> Object<'_> {
    let mut deserializer = serde_json::Deserializer::from_str(object.get());
    match InPlace(reading).deserialize(&mut deserializer) {
        Ok(object) => object,
        Err(error) => Object::Malformed(match reading {
            Reading::Custody(kind) => custody::malformed(kind, &error),
            _ => Malformed {
                kind: reading.as_str(),
                reason: error.to_string(),
            },
        }),
    }
}
