//! What a rule is given, and where it puts what it finds.

use std::borrow::Cow;

use super::exception::{Exception, Exemptions};
use super::harden::{Edit, canonical};
use super::pointer::Place;
use super::{
    Action, Excepted, Finding, Injector, Knowledge, Pointer, Rule, Settings, Workload, WorkloadKind,
};
use crate::pod::{Container, VolumeMount};
use crate::tiller::{
    ContainerList, ImageReference, Recognised, Tiller, Unknown, clean_path, signs,
};

/// The refusals of one rule on one object that are told one by one: a manifest of a million bad variables is
/// as refused as one of seventeen. What is hardened is told in full, as its patch is.
const TOLD_PER_RULE: usize = 16;

/// What is found in the Deployment of `helm init`.
const USUAL: usize = 16;

/// A workload with at least one Tiller, as a rule sees it.
#[derive(Debug)]
pub(super) struct Case<'a> {
    pub(super) workload: &'a Workload<'a>,
    pub(super) settings: &'a Settings,
    pub(super) exemptions: Exemptions<'a>,
    pub(super) knowledge: &'a Knowledge,
}

/// A container taken for a Tiller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TillerContainer<'a> {
    /// The kind of the object that carries the pod.
    pub kind: WorkloadKind,
    /// The list it stands in.
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

/// Where rules put what they find. Bounded: see [`TOLD_PER_RULE`].
#[derive(Debug)]
pub(super) struct Findings<'a> {
    settings: &'a Settings,
    told: Vec<Finding>,
    edits: Vec<Edit<'a>>,
    excepted: Vec<Excepted<'a>>,
    /// How much was told and asked for when the rule at work began.
    begun: (usize, usize),
    /// How many refusals the rule at work has found.
    refused: usize,
}

// === impl TillerContainer ===

impl<'a> TillerContainer<'a> {
    pub(super) fn new(recognised: Recognised<'a>, kind: WorkloadKind, tiller: Tiller<'a>) -> Self {
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
    pub(super) fn mounts(&self) -> impl Iterator<Item = (&str, &'a VolumeMount<'a>)> {
        let paths = self.mount_paths.iter().map(AsRef::as_ref);
        paths.zip(self.container.volume_mounts.iter())
    }

    /// Its JSON pointer in the object.
    pub fn path(&self) -> Pointer {
        self.at("")
    }

    pub(super) fn place(&self) -> Place {
        Place::Container(self.kind, self.list, self.index)
    }

    /// Whether the command line is known and Tiller's parser accepts it, so that its settings mean
    /// something.
    pub(super) fn is_readable(&self) -> bool {
        self.tiller.launch.known().is_some()
            && self.tiller.effective.storage.unknown() != Some(&Unknown::Exits)
    }

    /// Whether the command line is readable and the canonical one may take its place: to a Tiller that is
    /// known to be too old, some of its flags are unknown, and it would exit.
    pub(super) fn has_open_launch(&self) -> bool {
        self.is_readable()
            && self
                .tiller
                .version
                .known()
                .is_none_or(|version| *version >= canonical::OLDEST)
    }

    /// The words that a setting is read from: `args` where there are any.
    pub(super) fn words(&self) -> Pointer {
        if !self.container.args.is_empty() {
            self.at("args")
        } else if !self.container.command.is_empty() {
            self.at("command")
        } else {
            self.path()
        }
    }

    /// A field of the container.
    pub(super) fn at(&self, field: impl Into<Cow<'static, str>>) -> Pointer {
        Pointer::new(self.place(), field)
    }
}

// === impl Case ===

impl<'a> Case<'a> {
    /// Every container of the pod, with its place.
    pub(super) fn containers(&self) -> impl Iterator<Item = (Place, &'a Container<'a>)> {
        let Workload { kind, pod, .. } = self.workload;
        ContainerList::ALL.into_iter().flat_map(move |list| {
            let containers = list.of(pod).iter().enumerate();
            containers.map(move |(index, it)| (Place::Container(*kind, list, index), it))
        })
    }

    /// Whether the pod says that it is Helm's Tiller, by its labels or by an image that Tillers may run from: who wrote it
    /// knows `helm init`. Others may not know that they start a Tiller, or start none.
    pub(super) fn is_helms(&self) -> bool {
        let traits = self.workload.traits();
        let labelled =
            traits.app_label == signs::APP_LABEL && traits.name_label == signs::NAME_LABEL;
        let mut images = self.containers().map(|(_, it)| it.image.as_str());
        labelled || images.any(|image| self.settings.allows_image(&ImageReference::parse(image)))
    }

    /// Whose webhook has put something into this pod as it was made. Injectors change pods, so that what stands in a
    /// template was written there.
    pub(super) fn injected(&self, by: impl FnOnce() -> Option<Injector>) -> Option<Injector> {
        by().filter(|_| self.workload.kind == WorkloadKind::Pod)
    }

    /// A field of what holds the pod's `metadata` and `spec`.
    pub(super) fn template(&self, field: impl Into<Cow<'static, str>>) -> Pointer {
        Pointer::new(Place::Template(self.workload.kind), field)
    }

    /// The pod's `spec`.
    pub(super) fn pod_place(&self) -> Place {
        Place::Pod(self.workload.kind)
    }

    /// A field of the pod's `spec`.
    pub(super) fn pod(&self, field: impl Into<Cow<'static, str>>) -> Pointer {
        Pointer::new(self.pod_place(), field)
    }
}

// === impl Findings ===

impl<'a> Findings<'a> {
    pub(super) fn new(settings: &'a Settings) -> Self {
        Self {
            settings,
            told: Vec::new(),
            edits: Vec::new(),
            excepted: Vec::new(),
            begun: (0, 0),
            refused: 0,
        }
    }

    /// A finding that a person has to deal with.
    pub(super) fn refuse(
        &mut self,
        rule: &'static Rule,
        path: Pointer,
        message: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
    ) {
        self.refused += 1;
        if self.refused <= TOLD_PER_RULE {
            self.tell(rule, path, message.into(), remedy.into(), Action::Refuse);
        }
    }

    /// A finding that a person has to deal with, of what another webhook has put into a pod whose Tiller is in this
    /// container.
    pub(super) fn refuse_injected(
        &mut self,
        rule: &'static Rule,
        path: Pointer,
        message: impl Into<Cow<'static, str>>,
        (injector, container): (Injector, &str),
    ) {
        let told = self.told.len();
        self.refuse(rule, path, message, injector.kept_away_from(container));
        for finding in self.told.iter_mut().skip(told) {
            finding.injector = Some(injector);
        }
    }

    /// A finding that is told and let pass.
    pub(super) fn report(
        &mut self,
        rule: &'static Rule,
        path: Pointer,
        message: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
    ) {
        self.tell(rule, path, message.into(), remedy.into(), Action::Report);
    }

    /// A finding that this edit answers.
    pub(super) fn harden(
        &mut self,
        rule: &'static Rule,
        path: Pointer,
        message: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
        edit: Edit<'a>,
    ) {
        self.tell(rule, path, message.into(), remedy.into(), Action::Harden);
        if self.edits.is_empty() {
            self.edits.reserve(USUAL);
        }
        self.edits.push(edit);
    }

    /// A finding that the canonical command line answers.
    pub(super) fn relaunch(
        &mut self,
        rule: &'static Rule,
        tiller: &TillerContainer<'_>,
        message: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
    ) {
        let edit = Edit::Launch(tiller.place());
        self.harden(rule, tiller.words(), message, remedy, edit);
    }

    fn tell(
        &mut self,
        rule: &'static Rule,
        path: Pointer,
        message: Cow<'static, str>,
        remedy: Cow<'static, str>,
        action: Action,
    ) {
        if self.told.is_empty() {
            self.told.reserve(USUAL);
        }
        self.told.push(Finding {
            rule,
            severity: self.settings.severity(rule),
            path,
            message,
            remedy,
            action,
            injector: None,
        });
    }

    /// Whether the rule at work has found something.
    pub(super) fn has_found(&self) -> bool {
        self.told.len() > self.begun.0
    }

    /// Ends a rule's turn: an exception takes back what it found and asked for, and what it found beyond the
    /// bound is told as a number, of the object.
    pub(super) fn end_rule(
        &mut self,
        rule: &'static Rule,
        exception: Option<&'a Exception>,
        object: Pointer,
    ) {
        let (told, edits) = self.begun;
        if self.has_found()
            && let Some(exception) = exception
        {
            self.told.truncate(told);
            self.edits.truncate(edits);
            self.excepted.push(Excepted {
                rule,
                reason: &exception.reason,
            });
        } else if let Some(untold @ 1..) = self.refused.checked_sub(TOLD_PER_RULE) {
            self.tell(
                rule,
                object,
                format!("{untold} more of the same rule").into(),
                "see the ones above".into(),
                Action::Refuse,
            );
        }
        self.refused = 0;
        self.begun = (self.told.len(), self.edits.len());
    }

    pub(super) fn into_parts(self) -> (Vec<Finding>, Vec<Edit<'a>>, Vec<Excepted<'a>>) {
        let Self {
            settings: _,
            told,
            edits,
            excepted,
            begun: _,
            refused: _,
        } = self;
        (told, edits, excepted)
    }
}
