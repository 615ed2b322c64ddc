//! What an administrator says is no Tiller, though it has the signs of one.

use super::workload::{Workload, WorkloadKind, is_made_of};
use crate::tiller::{ImageReference, Signs};

/// An image or a workload that is no Tiller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotTiller {
    /// Which.
    pub what: Innocent,
    /// Why, for those who read a report.
    pub reason: String,
}

/// What is no Tiller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Innocent {
    /// Each container of an image, by its repository, or by one of its tags or digests. What the pod itself says (its labels,
    /// its name) counts all the same.
    Image(String),
    /// A workload, with what controllers make of it. Whoever may write it decides what runs there.
    Workload {
        /// Its kind.
        kind: WorkloadKind,
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

/// What tells whether a known Tiller is one, kept of a workload that is not kept itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    pub(super) signs: Signs,
    /// The kind and name of the controlling owner.
    maker: Option<(WorkloadKind, Box<str>)>,
}

/// A workload by its names, and by the kind and name of its controlling owner.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named<'a> {
    pub(super) kind: WorkloadKind,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    pub(super) maker: Option<(WorkloadKind, &'a str)>,
}

// === impl Innocent ===

impl Innocent {
    pub(super) fn is_image(&self, image: &str) -> bool {
        let Self::Image(reference) = self else {
            return false;
        };
        let (reference, image) = (
            ImageReference::parse(reference),
            ImageReference::parse(image),
        );
        if reference.tag.is_none() && reference.digest.is_none() {
            reference.familiar_name_resolved() == image.familiar_name_resolved()
        } else {
            reference.names_same_image(&image)
        }
    }

    pub(super) fn is_workload(&self, workload: Named<'_>) -> bool {
        let Self::Workload {
            kind,
            namespace,
            name,
        } = self
        else {
            return false;
        };
        let is_itself = workload.kind == *kind && workload.name == name;
        let is_made = workload.maker.is_some_and(|(maker, maker_name)| {
            let directly = maker == *kind && maker_name == name;
            directly || kind.makes() == Some(maker) && is_made_of(maker_name, name)
        });
        workload.namespace == namespace && (is_itself || is_made)
    }
}

// === impl Evidence ===

impl Evidence {
    /// That of a workload.
    pub fn of(workload: &Workload<'_>) -> Self {
        Self {
            signs: Signs::of(&workload.pod, workload.traits()),
            maker: workload
                .controller()
                .map(|(kind, name)| (kind, name.into())),
        }
    }

    /// The kind and name of the controlling owner.
    pub(super) fn maker(&self) -> Option<(WorkloadKind, &str)> {
        let (kind, name) = self.maker.as_ref()?;
        Some((*kind, name))
    }
}
