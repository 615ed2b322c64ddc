//! What findings ask for.

use std::borrow::Cow;

use super::patch::Content;
use crate::policy::injector::Switch;
use crate::policy::pointer::{Field, Place, Pointer};

/// Something that must be so. Edits of a container name the Tiller by its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::policy) enum Edit<'a> {
    /// The canonical command line.
    Launch(Place),
    /// A variable with this value, once.
    Variable {
        tiller: Place,
        name: &'static str,
        value: Variable<'a>,
    },
    /// No variable at this index of `env`.
    NoVariable { tiller: Place, index: usize },
    /// The Secret with the certificates, mounted.
    Certificates(Place),
    /// An empty directory at `/tmp`.
    Scratch(Place),
    /// A field of the security context of the pod or of a container.
    Security {
        of: Place,
        field: Field,
        value: Content<'a>,
    },
    /// This service account, by both of its names.
    Account(&'a str),
    /// An annotation of the pod.
    Annotation { field: Field, value: Cow<'a, str> },
    /// A label or an annotation by which another webhook leaves the Tiller in this container as it is.
    Switch(Switch, &'a str),
    /// A field whose parent is there.
    Field { path: Pointer, value: Content<'a> },
    /// No such field.
    NoField { path: Pointer },
}

/// What a variable is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::policy) enum Variable<'a> {
    /// This text.
    Literal(Cow<'a, str>),
    /// The pod's namespace, by the kubelet.
    PodNamespace,
}
