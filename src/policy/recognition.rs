//! What is taken for a Tiller here: what has the signs of one, unless an administrator says that it is none.

use super::not_tiller::{Evidence, Named, NotTiller};
use super::settings::Settings;
use super::workload::Workload;
use crate::tiller::{Recognised, recognise};

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
        let by_image = || {
            let taken = recognise(&workload.pod, workload.traits(), |_| false);
            let entries = self.not_tillers.iter();
            let mut pairs = taken
                .iter()
                .flat_map(|it| entries.clone().map(move |entry| (it, entry)));
            let (_, entry) = pairs.find(|(it, entry)| entry.what.is_image(&it.container.image))?;
            Some(entry)
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
