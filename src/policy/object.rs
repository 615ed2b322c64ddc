//! What is judged: one object, of whichever family.

use super::connection::Connection;
use super::custody::CustodyObject;
use super::exposure::ExposureObject;
use super::object_kind::ObjectKind;
use super::rbac::RbacObject;
use super::workload::Workload;
use crate::pod::Text;

/// An object to judge, with all that is read of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object<'a> {
    /// One that carries a pod.
    Workload(Box<Workload<'a>>),
    /// One that gives rights.
    Rbac(Box<RbacObject<'a>>),
    /// One that opens a port.
    Exposure(Box<ExposureObject<'a>>),
    /// One that holds something of a Tiller's: its account's token, its certificates, its releases.
    Custody(Box<CustodyObject<'a>>),
    /// A connection to make.
    Connection(Connection<'a>),
}

// === impl Object ===

impl<'a> Object<'a> {
    /// The kind.
    pub fn kind(&self) -> ObjectKind {
        match self {
            Self::Workload(workload) => workload.kind.into(),
            Self::Rbac(object) => object.kind().into(),
            Self::Exposure(object) => object.kind().into(),
            Self::Custody(object) => object.kind().into(),
            Self::Connection(connection) => connection.kind.into(),
        }
    }

    /// The name; empty where the API server is to make one. Of a token it is the account's.
    pub fn name(&self) -> &str {
        match self {
            Self::Workload(workload) => &workload.name,
            Self::Rbac(object) => object.name(),
            Self::Exposure(object) => object.name(),
            Self::Custody(object) => object.name(),
            Self::Connection(connection) => connection.name(),
        }
    }

    /// The namespace, if the object or the request names it.
    pub fn namespace(&self) -> Option<&str> {
        match self {
            Self::Workload(workload) => workload.namespace.as_deref(),
            Self::Rbac(object) => object.namespace(),
            Self::Exposure(object) => object.namespace(),
            Self::Custody(object) => object.namespace(),
            Self::Connection(connection) => Some(&connection.namespace),
        }
    }

    /// Places it in a namespace, if it is of a kind that has one.
    pub fn place_in(&mut self, namespace: Text<'a>) {
        match self {
            Self::Workload(workload) => workload.namespace = Some(namespace),
            Self::Rbac(object) => object.place_in(namespace),
            Self::Exposure(object) => object.place_in(namespace),
            Self::Custody(object) => object.place_in(namespace),
            Self::Connection(connection) => connection.namespace = namespace,
        }
    }

    /// The workload, if it is one.
    pub fn workload(&self) -> Option<&Workload<'a>> {
        match self {
            Self::Workload(workload) => Some(workload),
            _ => None,
        }
    }
}

macro_rules! of_family {
    ($($family:ident => $variant:ident),+ $(,)?) => {
        $(impl<'a> From<$family<'a>> for Object<'a> {
            fn from(object: $family<'a>) -> Self {
                Self::$variant(Box::new(object))
            }
        })+
    };
}

of_family! {
    Workload => Workload,
    RbacObject => Rbac,
    ExposureObject => Exposure,
    CustodyObject => Custody,
}

impl<'a> From<Connection<'a>> for Object<'a> {
    fn from(connection: Connection<'a>) -> Self {
        Self::Connection(connection)
    }
}
