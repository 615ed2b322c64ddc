//! From the edits that findings ask for to one RFC 6902 patch.
//!
//! An edit says what has to be so; this file knows what is there already, makes parents that are missing
//! with all that goes into them, and orders the operations so that no index moves under another.

use std::borrow::Cow;

use super::canonical::{self, CERTIFICATE_DIRECTORY, PROGRAM, SCRATCH_DIRECTORY};
use super::edit::{Edit, Variable};
use super::patch::{Content, Operation, Patch};
use crate::pod::{Volume, VolumeSource};
use crate::policy::Pointer;
use crate::policy::case::{Case, TillerContainer};
use crate::policy::injector::{MetadataList, Switch};
use crate::policy::pointer::{Field, Place};
use crate::tiller::ContainerList;

/// The patch that makes these edits.
pub(in crate::policy) fn patch<'a>(
    case: &Case<'a>,
    tillers: &[TillerContainer<'a>],
    edits: Vec<Edit<'a>>,
) -> Patch<'a> {
    let mut assembly = Assembly {
        case,
        tillers,
        operations: Vec::with_capacity(2 * edits.len()),
        certificates: None,
        scratch: None,
        made: Vec::new(),
        done: Vec::new(),
    };
    let mut removals = Vec::new();
    for edit in edits {
        match edit {
            Edit::NoVariable { tiller, index } => removals.push((tiller, index)),
            edit => assembly.make(edit),
        }
    }
    // From the end, so that an index still names what it named.
    removals.sort_unstable_by(|left, right| right.cmp(left));
    removals.dedup();
    for (tiller, index) in removals {
        assembly.remove(Pointer::new(tiller, format!("env/{index}")));
    }
    Patch::new(assembly.operations)
}

struct Assembly<'c, 'a> {
    case: &'c Case<'a>,
    tillers: &'c [TillerContainer<'a>],
    operations: Vec<Operation<'a>>,
    /// The volumes with the certificates and for `/tmp`, once they are found or made.
    certificates: Option<Cow<'a, str>>,
    scratch: Option<Cow<'a, str>>,
    /// Parents that are made here, by their operation.
    made: Vec<(Place, &'static str, usize)>,
    /// Edits that are made once for a place, however many findings ask for them.
    done: Vec<(Place, &'static str)>,
}

// === impl Assembly ===

impl<'c, 'a> Assembly<'c, 'a> {
    fn make(&mut self, edit: Edit<'a>) {
        match edit {
            Edit::Launch(tiller) => self.launch(tiller),
            Edit::Variable {
                tiller,
                name,
                value,
            } => self.variable(tiller, name, value),
            Edit::NoVariable { tiller, index } => {
                self.remove(Pointer::new(tiller, format!("env/{index}")));
            }
            Edit::Certificates(tiller) => self.certificates(tiller),
            Edit::Scratch(tiller) => self.scratch(tiller),
            Edit::Security { of, field, value } => self.security(of, field, value),
            Edit::Account(name) => self.account(name),
            Edit::Annotation { field, value } => {
                self.metadata(MetadataList::Annotations, field, value);
            }
            Edit::Switch(
                Switch {
                    list, field, off, ..
                },
                container,
            ) => {
                self.metadata(list, field, off.value(container));
            }
            Edit::Field { path, value } => self.add(path, value),
            Edit::NoField { path } => self.remove(path),
        }
    }

    fn launch(&mut self, place: Place) {
        let Some(tiller) = self.tiller(place) else {
            return;
        };
        if self.once(place, "args") {
            let arguments = canonical::arguments(self.case, &tiller.tiller.effective);
            let command = Content::Words(vec![PROGRAM.into()]);
            self.add(Pointer::new(place, "command"), command);
            self.add(Pointer::new(place, "args"), Content::Words(arguments));
        }
    }

    fn variable(&mut self, place: Place, name: &'static str, value: Variable<'a>) {
        let entry = match value {
            Variable::Literal(value) => Content::Variable { name, value },
            Variable::PodNamespace => Content::VariableFrom {
                name,
                field_path: "metadata.namespace",
            },
        };
        let given = self
            .tiller(place)
            .map_or(&[][..], |tiller| &tiller.container.env);
        match given.iter().rposition(|variable| variable.name == name) {
            Some(index) => {
                let path = Pointer::new(place, format!("env/{index}"));
                self.operations.push(Operation::Replace(path, entry));
            }
            None => self.append((place, "env", "env/-"), !given.is_empty(), entry),
        }
    }

    fn certificates(&mut self, place: Place) {
        if !self.once(place, CERTIFICATE_DIRECTORY) {
            return;
        }
        let name = match self.certificates.take() {
            Some(name) => name,
            None => self.certificate_volume(),
        };
        self.certificates = Some(name.clone());
        let mount = Content::Mount {
            name,
            mount_path: CERTIFICATE_DIRECTORY,
            read_only: true,
        };
        self.add_mount(place, mount);
    }

    /// A volume with the team's Secret: one that is there and whose name is its own, or a new one.
    fn certificate_volume(&mut self) -> Cow<'a, str> {
        let secret = self.case.settings.certificate_secret.as_str();
        let pod = &self.case.workload.pod;
        let fitting = pod.volumes.iter().find(|volume| {
            let named_so = |other: &&Volume<'_>| other.name == volume.name;
            matches!(&volume.source, VolumeSource::Secret(source)
                if source.secret_name == secret && source.items.is_empty() && source.is_readable_in(pod.fs_group()))
                && pod.volumes.iter().filter(named_so).count() == 1
        });
        if let Some(volume) = fitting {
            return volume.name.as_str().into();
        }
        let name = self.free_volume_name("tiller-certs");
        self.add_volume(Content::SecretVolume {
            name: name.clone(),
            secret_name: secret.into(),
            default_mode: 0o444,
        });
        name
    }

    fn scratch(&mut self, place: Place) {
        if !self.once(place, SCRATCH_DIRECTORY) {
            return;
        }
        let name = match self.scratch.take() {
            Some(name) => name,
            None => self.scratch_volume(),
        };
        self.scratch = Some(name.clone());
        let mount = Content::Mount {
            name,
            mount_path: SCRATCH_DIRECTORY,
            read_only: false,
        };
        self.add_mount(place, mount);
    }

    fn scratch_volume(&mut self) -> Cow<'a, str> {
        let name = self.free_volume_name("tmp");
        self.add_volume(Content::EmptyDirectory { name: name.clone() });
        name
    }

    fn security(&mut self, of: Place, field: Field, value: Content<'a>) {
        let given = match self.tiller(of) {
            Some(tiller) => tiller.container.security_context.is_some(),
            None => self.case.workload.pod.security_context.is_some(),
        };
        self.member((of, "securityContext", given), field, value);
    }

    fn account(&mut self, name: &'a str) {
        let place = Place::Pod(self.case.workload.kind);
        for field in ["serviceAccountName", "serviceAccount"] {
            self.add(Pointer::new(place, field), Content::Text(name.into()));
        }
    }

    fn metadata(&mut self, list: MetadataList, field: Field, value: Cow<'a, str>) {
        let place = Place::Template(self.case.workload.kind);
        let metadata = self.case.workload.metadata.as_ref();
        if metadata.is_none() && self.once(place, "metadata") {
            self.add(Pointer::new(place, "metadata"), Content::Object(Vec::new()));
        }
        let given = metadata.is_some_and(|metadata| match list {
            MetadataList::Labels => metadata.labels.is_some(),
            MetadataList::Annotations => metadata.annotations.is_some(),
        });
        let parent = (place, list.as_str(), given);
        self.member(parent, field, Content::Text(value));
    }

    /// A name that no volume has yet, and no mount asks for: a mount of a volume that is not there must not
    /// find this one.
    fn free_volume_name(&self, wish: &'static str) -> Cow<'a, str> {
        let pod = &self.case.workload.pod;
        let taken = |name: &str| {
            let mounted = ContainerList::ALL
                .into_iter()
                .flat_map(|list| list.of(pod))
                .any(|container| {
                    container
                        .volume_mounts
                        .iter()
                        .any(|mount| mount.name == name)
                });
            mounted || pod.volumes.iter().any(|volume| volume.name == name)
        };
        if !taken(wish) {
            return wish.into();
        }
        // There are fewer volumes and mounts than numbers.
        (1..=u32::MAX)
            .map(|number| format!("{wish}-{number}"))
            .find(|name| !taken(name))
            .unwrap_or_default()
            .into()
    }

    fn add_volume(&mut self, volume: Content<'a>) {
        let place = Place::Pod(self.case.workload.kind);
        let given = !self.case.workload.pod.volumes.is_empty();
        self.append((place, "volumes", "volumes/-"), given, volume);
    }

    fn add_mount(&mut self, place: Place, mount: Content<'a>) {
        let given = self
            .tiller(place)
            .is_some_and(|tiller| !tiller.container.volume_mounts.is_empty());
        self.append((place, "volumeMounts", "volumeMounts/-"), given, mount);
    }

    fn tiller(&self, place: Place) -> Option<&'c TillerContainer<'a>> {
        self.tillers.iter().find(|tiller| tiller.place() == place)
    }

    /// Whether this is the first edit of its kind for the place.
    fn once(&mut self, place: Place, what: &'static str) -> bool {
        let first = !self.done.contains(&(place, what));
        if first {
            self.done.push((place, what));
        }
        first
    }

    /// Sets a member of an object, which is made where it is not given.
    fn member(
        &mut self,
        (place, object, given): (Place, &'static str, bool),
        field: Field,
        value: Content<'a>,
    ) {
        if given {
            self.add(Pointer::new(place, field.path), value);
            return;
        }
        let made = self.made(place, object, Content::Object(Vec::new()));
        let Some(Content::Object(members)) = made else {
            return;
        };
        match members.iter_mut().find(|(name, _)| *name == field.name) {
            Some((_, set)) => *set = value,
            None => members.push((field.name, value)),
        }
    }

    /// Appends to a list, which is made where it is not given.
    fn append(
        &mut self,
        (place, list, end): (Place, &'static str, &'static str),
        given: bool,
        element: Content<'a>,
    ) {
        if given {
            self.add(Pointer::new(place, end), element);
            return;
        }
        let made = self.made(place, list, Content::List(Vec::new()));
        if let Some(Content::List(elements)) = made {
            elements.push(element);
        }
    }

    /// What the operation puts there that makes this parent, which is made now if it was not yet.
    fn made(
        &mut self,
        place: Place,
        field: &'static str,
        empty: Content<'a>,
    ) -> Option<&mut Content<'a>> {
        let made = self
            .made
            .iter()
            .find(|(at, name, _)| *at == place && *name == field);
        let index = if let Some((_, _, index)) = made {
            *index
        } else {
            self.made.push((place, field, self.operations.len()));
            self.add(Pointer::new(place, field), empty);
            self.operations.len() - 1
        };
        match self.operations.get_mut(index) {
            Some(Operation::Add(_, content)) => Some(content),
            _ => None,
        }
    }

    fn add(&mut self, path: Pointer, value: Content<'a>) {
        self.operations.push(Operation::Add(path, value));
    }

    /// What is gone cannot be removed again, however many findings ask for it.
    fn remove(&mut self, path: Pointer) {
        let removal = Operation::Remove(path);
        if !self.operations.contains(&removal) {
            self.operations.push(removal);
        }
    }
}
