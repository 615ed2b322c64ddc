//! A workload with Tillers, as its rules see it.

use std::borrow::Cow;

use crate::pod::{Container, VolumeMount};
use crate::policy::exception::Exemptions;
use crate::policy::finding::LaunchPart;
use crate::policy::harden::canonical::OLDEST;
use crate::policy::injector::Injector;
use crate::policy::knowledge::Knowledge;
use crate::policy::pointer::{Place, Pointer};
use crate::policy::settings::Settings;
use crate::policy::workload::{Workload, WorkloadKind};
use crate::tiller::{
    ContainerList, Effective, ImageReference, Recognised, Storage, Tiller, Unknown, clean_path,
    signs,
};

/// A workload with at least one Tiller, as a rule sees it.
#[derive(Debug)]
pub(in crate::policy) struct Case<'a> {
    pub(in crate::policy) workload: &'a Workload<'a>,
    pub(in crate::policy) settings: &'a Settings,
    pub(in crate::policy) exemptions: Exemptions<'a>,
    pub(in crate::policy) knowledge: &'a Knowledge,
}

/// A container taken for a Tiller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TillerContainer<'a> {
    /// The kind of the object that carries the pod.
    pub kind: WorkloadKind,
    /// The list that holds it.
    pub list: ContainerList,
    /// Its index in the list.
    pub index: usize,
    /// What the manifest says.
    pub container: &'a Container<'a>,
    /// What it does.
    pub tiller: Tiller<'a>,
    /// Where its volumes are mounted, as clean paths, in the order of the mounts.
    pub mount_paths: Vec<Cow<'a, str>>,
}

// === impl TillerContainer ===

impl<'a> TillerContainer<'a> {
    pub(in crate::policy) fn new(
        recognised: Recognised<'a>,
        kind: WorkloadKind,
        tiller: Tiller<'a>,
    ) -> Self {
        let Recognised {
            list,
            index,
            container,
        } = recognised;
        let mounts = container.volume_mounts.iter();
        let mount_paths = mounts.map(|mount| clean_path(&mount.mount_path)).collect();
        Self {
            kind,
            list,
            index,
            container,
            tiller,
            mount_paths,
        }
    }

    /// Its mounts with their clean paths.
    pub(in crate::policy) fn mounts(&self) -> impl Iterator<Item = (&str, &'a VolumeMount<'a>)> {
        let paths = self.mount_paths.iter().map(AsRef::as_ref);
        paths.zip(self.container.volume_mounts.iter())
    }

    /// Its JSON pointer in the object.
    pub fn path(&self) -> Pointer {
        self.at("")
    }

    pub(in crate::policy) fn place(&self) -> Place {
        Place::Container(self.kind, self.list, self.index)
    }

    /// Whether the command line is known and Tiller's parser accepts it, so that its settings mean
    /// something.
    pub(in crate::policy) fn is_readable(&self) -> bool {
        self.tiller.launch.known().is_some()
            && self.tiller.effective.storage.unknown() != Some(&Unknown::Exits)
    }

    /// Whether the command line is readable and the canonical one may take its place: to a Tiller that is
    /// known to be too old, some of its flags are unknown, and it would exit.
    pub(in crate::policy) fn has_open_launch(&self) -> bool {
        self.is_readable()
            && self
                .tiller
                .version
                .known()
                .is_none_or(|version| *version >= OLDEST)
    }

    /// The words that a setting is read from: `args` where there are any.
    pub(in crate::policy) fn words(&self) -> Pointer {
        if !self.container.args.is_empty() {
            self.at("args")
        } else if !self.container.command.is_empty() {
            self.at("command")
        } else {
            self.path()
        }
    }

    /// A field of the container.
    pub(in crate::policy) fn at(&self, field: impl Into<Cow<'static, str>>) -> Pointer {
        Pointer::new(self.place(), field)
    }
}

// === impl Case ===

impl<'a> Case<'a> {
    /// Every container of the pod, with its place.
    pub(in crate::policy) fn containers(&self) -> impl Iterator<Item = (Place, &'a Container<'a>)> {
        let Workload { kind, pod, .. } = self.workload;
        ContainerList::ALL.into_iter().flat_map(move |list| {
            let containers = list.of(pod).iter().enumerate();
            containers.map(move |(index, it)| (Place::Container(*kind, list, index), it))
        })
    }

    /// Whether the pod says that it is Helm's Tiller, by its labels or by an image that Tillers may run from: who wrote it
    /// knows `helm init`. Others may not know that they start a Tiller, or start none.
    pub(in crate::policy) fn is_helms(&self) -> bool {
        let traits = self.workload.traits();
        let labelled =
            traits.app_label == signs::APP_LABEL && traits.name_label == signs::NAME_LABEL;
        let mut images = self.containers().map(|(_, it)| it.image.as_str());
        labelled || images.any(|image| self.settings.allows_image(&ImageReference::parse(image)))
    }

    /// Whether hardening leaves the storage as it is: another would hide what is recorded in it.
    pub(in crate::policy) fn holds_storage(&self, effective: &Effective<'_>) -> bool {
        let namespace = self.workload.namespace.as_deref();
        let records = || namespace.map_or(0, |it| self.knowledge.release_records_in(it));
        let hidden = match effective.storage.known() {
            Some(Storage::ConfigMap) => records() > 0,
            Some(Storage::Sql) => true,
            Some(Storage::Secret | Storage::Memory) | None => false,
        };
        hidden && !self.exemptions.set(LaunchPart::Storage)
    }

    /// Whose webhook has put something into this pod as it was made. Injectors change pods, so that what stands in a
    /// template was written there.
    pub(in crate::policy) fn injected(
        &self,
        by: impl FnOnce() -> Option<Injector>,
    ) -> Option<Injector> {
        by().filter(|_| self.workload.kind == WorkloadKind::Pod)
    }

    /// A field of what holds the pod's `metadata` and `spec`.
    pub(in crate::policy) fn template(&self, field: impl Into<Cow<'static, str>>) -> Pointer {
        Pointer::new(Place::Template(self.workload.kind), field)
    }

    /// The pod's `spec`.
    pub(in crate::policy) fn pod_place(&self) -> Place {
        Place::Pod(self.workload.kind)
    }

    /// A field of the pod's `spec`.
    pub(in crate::policy) fn pod(&self, field: impl Into<Cow<'static, str>>) -> Pointer {
        Pointer::new(self.pod_place(), field)
    }
}
