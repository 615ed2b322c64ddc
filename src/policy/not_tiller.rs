//! What an administrator says is no Tiller, though it has the signs of one.

use super::exception::is_made_of;
use super::{Settings, Workload, WorkloadKind};
use crate::tiller::{ImageReference, Recognised, Signs, recognise};

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
    signs: Signs,
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
    fn is_image(&self, image: &str) -> bool {
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

    fn is_workload(&self, workload: Named<'_>) -> bool {
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

// === impl Settings ===

impl Settings {
    /// The containers that are taken for Tillers, in the order of the lists.
    pub fn recognise<'a>(&self, workload: &'a Workload<'a>) -> Vec<Recognised<'a>> {
        if self.spares(workload).is_some() {
            return Vec::new();
        }
        recognise(&workload.pod, workload.traits(), |image| {
            self.is_other_image(image)
        })
    }

    /// Whether a container of the pod is taken for a Tiller.
    pub fn takes_for_tiller(&self, workload: &Workload<'_>) -> bool {
        !self.recognise(workload).is_empty()
    }

    /// Why a workload with the signs of a Tiller is none.
    pub fn reason_against(&self, workload: &Workload<'_>) -> Option<&str> {
        if self.not_tillers.is_empty()
            || !workload.holds_tiller()
            || self.takes_for_tiller(workload)
        {
            return None;
        }
        let lists = crate::tiller::ContainerList::ALL.into_iter();
        let mut containers = lists.flat_map(|list| list.of(&workload.pod));
        let by_image = || {
            let mut entries = self.not_tillers.iter();
            entries.find(|it| containers.any(|container| it.what.is_image(&container.image)))
        };
        let entry = self.spares(workload).or_else(by_image)?;
        Some(&entry.reason)
    }

    /// Whether an image is said to be no Tiller's.
    pub fn is_other_image(&self, image: &str) -> bool {
        self.not_tillers.iter().any(|it| it.what.is_image(image))
    }

    /// Whether a known workload with a Tiller's signs is said to be none.
    pub(super) fn acquits(&self, workload: Named<'_>, evidence: &Evidence) -> bool {
        let mut entries = self.not_tillers.iter();
        entries.any(|it| it.what.is_workload(workload))
            || !evidence
                .signs
                .make_tiller(|image| self.is_other_image(image))
    }

    /// The entry that names this workload. Who owns it counts only where a controller of Kubernetes' own makes it: a tenant may
    /// write an owner too.
    fn spares(&self, workload: &Workload<'_>) -> Option<&NotTiller> {
        let workload = Named {
            kind: workload.kind,
            namespace: workload.namespace.as_deref()?,
            name: &workload.name,
            maker: workload.controller().filter(|_| workload.by_controller),
        };
        let mut entries = self.not_tillers.iter();
        entries.find(|it| it.what.is_workload(workload))
    }
}
