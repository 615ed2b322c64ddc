//! Where a finding is, put together when it is told.

use std::borrow::Cow;
use std::fmt;

use super::workload::WorkloadKind;
use crate::tiller::ContainerList;

/// A JSON pointer (RFC 6901) into an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    place: Place,
    /// What follows the place, without the slash between; empty for the place itself.
    field: Cow<'static, str>,
}

/// A part of an object that pointers begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// The object itself.
    Object,
    /// What holds the pod's `metadata` and `spec`.
    Template(WorkloadKind),
    /// The pod's `spec`.
    Pod(WorkloadKind),
    /// A container of the pod, by its list and index.
    Container(WorkloadKind, ContainerList, usize),
}

/// A member of an object below a place, by both of its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    /// Its pointer from the place on, such as `securityContext/runAsUser`.
    pub(super) path: &'static str,
    /// Its name in its object.
    pub(super) name: &'static str,
}

// === impl Pointer ===

impl Pointer {
    pub(super) fn new(place: Place, field: impl Into<Cow<'static, str>>) -> Self {
        Self {
            place,
            field: field.into(),
        }
    }

    /// Whether it is the object as a whole.
    pub fn is_whole(&self) -> bool {
        self.place == Place::Object && self.field.is_empty()
    }

    /// Hands out its text, piece by piece.
    pub fn write(&self, mut to: impl FnMut(&str)) {
        let Self { place, field } = self;
        match place {
            Place::Object => {}
            Place::Template(kind) => to(kind.pod_pointer()),
            Place::Pod(kind) => to(kind.pod_spec_pointer()),
            Place::Container(kind, list, index) => {
                to(kind.pod_spec_pointer());
                to(match list {
                    ContainerList::Regular => "/containers/",
                    ContainerList::Init => "/initContainers/",
                    ContainerList::Ephemeral => "/ephemeralContainers/",
                });
                match index {
                    0 => to("0"),
                    index => to(&index.to_string()),
                }
            }
        }
        if !field.is_empty() {
            to("/");
            to(field);
        }
    }

    /// A pointer to a place in the object, written out.
    pub fn from_text(text: &str) -> Self {
        let field = text.strip_prefix('/').unwrap_or(text);
        Self::new(Place::Object, field.to_owned())
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut written = Ok(());
        self.write(|piece| written = written.and_then(|()| formatter.write_str(piece)));
        written
    }
}
