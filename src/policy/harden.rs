//! From the edits that findings ask for to one RFC 6902 patch.
//!
//! An edit says what has to be so; this file knows what is there already, makes parents that are missing,
//! and orders the operations so that no index moves under another.

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, Patch, PatchOperation, RemoveOperation, ReplaceOperation};
use serde_json::{Value, json};

use super::canonical::{self, CERTIFICATE_DIRECTORY, PROGRAM, SCRATCH_DIRECTORY};
use super::case::{Case, TillerContainer};
use super::rules::is_readable;
use crate::pod::VolumeSource;
use crate::tiller::ContainerList;

/// Something that has to be so. Container edits name the Tiller by its path.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Edit {
    /// The canonical command line.
    Launch { tiller: String },
    /// A variable with this value, once.
    Variable {
        tiller: String,
        name: &'static str,
        value: Variable,
    },
    /// No variable at this index of `env`.
    NoVariable { tiller: String, index: usize },
    /// The Secret with the certificates, mounted.
    Certificates { tiller: String },
    /// An empty directory at `/tmp`.
    Scratch { tiller: String },
    /// A field of the container's security context.
    ContainerSecurity {
        tiller: String,
        field: &'static str,
        value: Value,
    },
    /// A field of the pod's security context.
    PodSecurity { field: &'static str, value: Value },
    /// An annotation of the pod.
    Annotation {
        key: &'static str,
        value: &'static str,
    },
    /// A field whose parent is there.
    Field { path: String, value: Value },
    /// No such field.
    NoField { path: String },
}

/// What a variable is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Variable {
    /// This text.
    Literal(String),
    /// The pod's namespace, by the kubelet.
    PodNamespace,
}

/// The patch that makes these edits.
pub(super) fn patch(case: &Case<'_>, edits: Vec<Edit>) -> Patch {
    let mut assembly = Assembly {
        case,
        operations: Vec::new(),
        made: Vec::new(),
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
        assembly.remove(&format!("{tiller}/env/{index}"));
    }
    Patch(assembly.operations)
}

struct Assembly<'a> {
    case: &'a Case<'a>,
    operations: Vec<PatchOperation>,
    /// Parents that an operation made.
    made: Vec<String>,
}

// === impl Assembly ===

impl Assembly<'_> {
    fn make(&mut self, edit: Edit) {
        match edit {
            Edit::Launch { tiller } => self.launch(&tiller),
            Edit::Variable {
                tiller,
                name,
                value,
            } => self.variable(&tiller, name, &value),
            Edit::NoVariable { tiller, index } => self.remove(&format!("{tiller}/env/{index}")),
            Edit::Certificates { tiller } => self.certificates(&tiller),
            Edit::Scratch { tiller } => self.scratch(&tiller),
            Edit::ContainerSecurity {
                tiller,
                field,
                value,
            } => {
                let given = self
                    .tiller(&tiller)
                    .is_some_and(|tiller| tiller.container.security_context.is_some());
                self.member(&format!("{tiller}/securityContext"), given, field, value);
            }
            Edit::PodSecurity { field, value } => {
                let given = self.case.subject.pod.security_context.is_some();
                let parent = format!("{}/securityContext", self.case.pod_path);
                self.member(&parent, given, field, value);
            }
            Edit::Annotation { key, value } => self.annotation(key, value),
            Edit::Field { path, value } => self.add(&path, value),
            Edit::NoField { path } => self.remove(&path),
        }
    }

    fn launch(&mut self, path: &str) {
        if !self.once(format!("{path}/args")) {
            return;
        }
        let Some(arguments) = self
            .tiller(path)
            .map(|tiller| json!(canonical::arguments(&tiller.tiller.effective)))
        else {
            return;
        };
        self.add(&format!("{path}/command"), json!([PROGRAM]));
        self.add(&format!("{path}/args"), arguments);
    }

    fn variable(&mut self, path: &str, name: &'static str, value: &Variable) {
        let entry = match value {
            Variable::Literal(text) => json!({ "name": name, "value": text }),
            Variable::PodNamespace => json!({
                "name": name,
                "valueFrom": { "fieldRef": { "fieldPath": "metadata.namespace" } },
            }),
        };
        let place = self.tiller(path).and_then(|tiller| {
            tiller
                .container
                .env
                .iter()
                .rposition(|variable| variable.name == name)
        });
        if let Some(index) = place {
            self.replace(&format!("{path}/env/{index}"), entry);
        } else {
            let given = self
                .tiller(path)
                .is_some_and(|tiller| !tiller.container.env.is_empty());
            self.append(&format!("{path}/env"), given, entry);
        }
    }

    fn certificates(&mut self, path: &str) {
        if !self.once(format!("{path}/volumeMounts{CERTIFICATE_DIRECTORY}")) {
            return;
        }
        let secret = self.case.settings.certificate_secret.as_str();
        let pod = &self.case.subject.pod;
        let fitting = pod.volumes.iter().find(|volume| {
            let named_so = pod.volumes.iter().filter(|other| other.name == volume.name).count();
            matches!(&volume.source, VolumeSource::Secret(source)
                if source.secret_name == secret && source.items.is_empty() && is_readable(source, pod))
                && named_so == 1
        });
        let volume = if let Some(volume) = fitting {
            volume.name.to_string()
        } else {
            let name = self.free_volume_name("tiller-certs");
            self.add_volume(json!({
                "name": name,
                "secret": { "secretName": secret, "defaultMode": 0o444 },
            }));
            name
        };
        self.add_mount(
            path,
            json!({ "name": volume, "mountPath": CERTIFICATE_DIRECTORY, "readOnly": true }),
        );
    }

    fn scratch(&mut self, path: &str) {
        if !self.once(format!("{path}/volumeMounts{SCRATCH_DIRECTORY}")) {
            return;
        }
        let name = self.free_volume_name("tmp");
        self.add_volume(json!({ "name": name, "emptyDir": {} }));
        self.add_mount(
            path,
            json!({ "name": name, "mountPath": SCRATCH_DIRECTORY }),
        );
    }

    fn annotation(&mut self, key: &str, value: &str) {
        let template = self.case.subject.kind.pod_pointer();
        let metadata = self.case.subject.metadata.as_ref();
        let annotated = metadata.is_some_and(|metadata| metadata.annotations.is_some());
        self.parent(
            &format!("{template}/metadata"),
            metadata.is_some(),
            json!({}),
        );
        let key = key.replace('~', "~0").replace('/', "~1");
        self.member(
            &format!("{template}/metadata/annotations"),
            annotated,
            &key,
            value.into(),
        );
    }

    /// A name that no volume has yet, and no mount asks for: a mount of a volume that is not there must not
    /// find this one.
    fn free_volume_name(&self, wish: &str) -> String {
        let pod = &self.case.subject.pod;
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
            return wish.to_owned();
        }
        // There are fewer volumes and mounts than numbers.
        (1..=u32::MAX)
            .map(|number| format!("{wish}-{number}"))
            .find(|name| !taken(name))
            .unwrap_or_default()
    }

    fn add_volume(&mut self, volume: Value) {
        let given = !self.case.subject.pod.volumes.is_empty();
        self.append(&format!("{}/volumes", self.case.pod_path), given, volume);
    }

    fn add_mount(&mut self, path: &str, mount: Value) {
        let given = self
            .tiller(path)
            .is_some_and(|tiller| !tiller.container.volume_mounts.is_empty());
        self.append(&format!("{path}/volumeMounts"), given, mount);
    }

    fn tiller(&self, path: &str) -> Option<&TillerContainer<'_>> {
        self.case.tillers.iter().find(|tiller| tiller.path == path)
    }

    /// Whether this is the first edit of its kind for the place.
    fn once(&mut self, place: String) -> bool {
        let first = !self.made.contains(&place);
        if first {
            self.made.push(place);
        }
        first
    }

    fn parent(&mut self, path: &str, given: bool, empty: Value) {
        if !given && self.once(path.to_owned()) {
            self.add(path, empty);
        }
    }

    fn member(&mut self, parent: &str, given: bool, field: &str, value: Value) {
        self.parent(parent, given, json!({}));
        self.add(&format!("{parent}/{field}"), value);
    }

    fn append(&mut self, list: &str, given: bool, element: Value) {
        self.parent(list, given, json!([]));
        self.add(&format!("{list}/-"), element);
    }

    fn replace(&mut self, path: &str, value: Value) {
        self.operations
            .push(PatchOperation::Replace(ReplaceOperation {
                path: pointer(path),
                value,
            }));
    }

    /// In an object, `add` replaces a member that is there (RFC 6902, 4.1).
    fn add(&mut self, path: &str, value: Value) {
        self.operations.push(PatchOperation::Add(AddOperation {
            path: pointer(path),
            value,
        }));
    }

    fn remove(&mut self, path: &str) {
        self.operations
            .push(PatchOperation::Remove(RemoveOperation {
                path: pointer(path),
            }));
    }
}

fn pointer(path: &str) -> PointerBuf {
    PointerBuf::parse(path).unwrap_or_default()
}
