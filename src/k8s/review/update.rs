//! What a request changes: whether it brings a Tiller in, or takes one out of use.

use super::request::{Object, Operation, Request};
use crate::json::{Presence, Reader, fields, read};
use crate::k8s::{custody, exposure, rbac, workload};
use crate::policy::custody::CustodyObject;
use crate::policy::exposure::ExposureObject;
use crate::policy::rbac::RbacObject;
use crate::policy::{
    Action, Arrival, Context, Knowledge, Settings, Verdict, Workload, WorkloadKind, Writer, decide,
};

impl Request<'_> {
    /// Whether the object is on its way out. Refusing its updates would keep it from ever going: finalizers are
    /// taken away by updates. The deletion time is read from the stored object, where only the API server sets
    /// it.
    fn is_leaving(&self) -> bool {
        self.old_object.is_some_and(|old| {
            read::<Stored, _>(&mut Reader::new(old))
                .is_ok_and(|stored| stored.metadata.deletion_timestamp.is_some())
        })
    }

    /// Whether what is asked leaves the pod as it was, and a refusal would only stand in the way:
    ///
    /// - of a status. The API server keeps the stored specification then, whatever was sent.
    /// - of an object's way out, or down to no pods. A Deployment is scaled down by updates of its
    ///   `ReplicaSet`s.
    /// - of a Pod or a Job whose pod stays as it is, with the labels that Helm's client looks for: finalizers, annotations and
    ///   owners are taken off and put on while it runs and after it has ended. Neither's pod can be hardened any more.
    /// - of a controller that scales the `ReplicaSet` it made. A Deployment does not tell of an update that
    ///   failed; of pods that were refused it does, in its conditions. Whose the `ReplicaSet` is, is read from
    ///   the stored object.
    pub(super) fn leaves_pod(&self) -> bool {
        if self.sub_resource == "status" {
            return true;
        }
        let Object::Workload(new) = &self.object else {
            return false;
        };
        let scales = |old: &Workload<'_>| {
            new.kind == WorkloadKind::ReplicaSet && old.is_copy() && old.metadata == new.metadata
        };
        let stays = |old: &Workload<'_>| {
            matches!(new.kind, WorkloadKind::Pod | WorkloadKind::Job)
                && old.labels() == new.labels()
                && (new.idle || !old.idle)
        };
        self.before().is_some_and(|old| {
            old.pod == new.pod && (new.idle || self.is_leaving() || scales(&old) || stays(&old))
        })
    }

    /// Whether the update of an object with a template changes its metadata alone: labels, annotations, owners, finalizers.
    /// What can be hardened is hardened all the same; a refusal would protect nothing.
    pub(super) fn leaves_template(&self, body: &str) -> bool {
        let is_template = matches!(&self.object, Object::Workload(new) if new.kind != WorkloadKind::Pod)
            && self.sub_resource.is_empty();
        if self.operation != Operation::Update || !is_template {
            return false;
        }
        let Ok(Review { request }) = serde_json::from_str::<Review>(body) else {
            return false;
        };
        let (Some(new), Some(old)) = (request.object, request.old_object) else {
            return false;
        };
        new.metadata != old.metadata && new.spec == old.spec && new.template == old.template
    }

    /// Whether what gives rights is on its way out and gives what it gave.
    pub(super) fn leaves_rights(&self, new: &RbacObject<'_>) -> bool {
        let (Operation::Update, Some(old)) = (self.operation, self.old_object) else {
            return false;
        };
        let before = rbac::read(new.kind(), &mut Reader::new(old));
        self.is_leaving()
            && before.is_ok_and(|mut old| {
                if self.is_of_first_version() {
                    rbac::of_first_version(&mut old);
                }
                old == *new
            })
    }

    /// Whether these are the addresses of a Service as a controller keeps them: those of the pods that it selects, or
    /// a copy of Endpoints that were judged.
    pub(super) fn follows_service(&self, new: &ExposureObject<'_>) -> bool {
        new.kind().is_addresses() && self.user.is_controller()
    }

    /// Whether what opens a port is on its way out and opens what it opened.
    pub(super) fn leaves_exposure(&self, new: &ExposureObject<'_>) -> bool {
        let (Operation::Update, Some(old)) = (self.operation, self.old_object) else {
            return false;
        };
        let before = exposure::read(new.kind(), &mut Reader::new(old));
        self.is_leaving() && before.is_ok_and(|old| old == *new)
    }

    /// Whether what holds something of a Tiller's holds what it held. Labels, owners and finalizers of a Secret may
    /// change.
    pub(super) fn leaves_custody(&self, new: &CustodyObject<'_>) -> bool {
        let (Operation::Update, Some(old)) = (self.operation, self.old_object) else {
            return false;
        };
        let before = custody::read(new.kind(), &mut Reader::new(old));
        before.is_ok_and(|mut old| {
            old.stand_in(self.namespace.clone());
            old == *new
        })
    }

    /// Whether what is updated holds a Tiller in which nothing is left to harden. `kubectl apply` of the manifest that it
    /// was made from sends what was hardened since.
    pub(super) fn was_hardened(&self, settings: &Settings, context: &Context<'_>) -> bool {
        self.before().is_some_and(|old| {
            let Verdict {
                tillers, findings, ..
            } = decide(&old, settings, context);
            let open = findings
                .iter()
                .any(|finding| finding.action == Action::Harden);
            !tillers.is_empty() && !open
        })
    }

    /// Whether the Tiller of the object is a new one.
    ///
    /// The controllers of StatefulSets and DaemonSets make pods of ControllerRevisions, which a tenant may write and no
    /// webhook judges: such a pod is a restart where its maker is known for a Tiller.
    pub(super) fn arrival(
        &self,
        workload: &Workload<'_>,
        settings: &Settings,
        knowledge: &Knowledge,
    ) -> Arrival {
        let before = || {
            self.before()
                .is_some_and(|old| settings.takes_for_tiller(&old))
        };
        match self.operation {
            Operation::Create
                if self.user.is_controller() && is_made(workload, settings, knowledge) =>
            {
                Arrival::Made
            }
            Operation::Update if before() => Arrival::Known,
            _ => Arrival::New,
        }
    }

    /// Tells a pod what the request knows of where it comes from: who makes it, or where the Tiller that it takes the
    /// place of keeps its records.
    pub(super) fn tell_workload(&mut self, settings: &Settings, knowledge: &Knowledge) {
        let Object::Workload(workload) = &self.object else {
            return;
        };
        let updates = self.operation == Operation::Update;
        let writer = if self.arrival(workload, settings, knowledge) == Arrival::Made {
            Writer::Maker
        } else if self.user.is_controller() {
            Writer::Controller
        } else {
            Writer::Other
        };
        let former_storage = if updates && workload.holds_tiller() {
            self.before().and_then(|old| old.storage())
        } else {
            None
        };
        if let Object::Workload(workload) = &mut self.object {
            workload.writer = writer;
            workload.former_storage = former_storage;
        }
    }

    /// What is updated, as it was.
    fn before(&self) -> Option<Workload<'_>> {
        let (Operation::Update, Some(old)) = (self.operation, self.old_object) else {
            return None;
        };
        workload::read(self.workload()?, &mut Reader::new(old)).ok()
    }
}

/// Whether what it names as its maker is judged as it is written, or known for a Tiller.
fn is_made(workload: &Workload<'_>, settings: &Settings, knowledge: &Knowledge) -> bool {
    match workload.controller() {
        None => false,
        Some(maker @ (WorkloadKind::StatefulSet | WorkloadKind::DaemonSet, _)) => workload
            .namespace
            .as_deref()
            .is_some_and(|namespace| knowledge.holds_tiller(namespace, maker, settings)),
        Some(_) => true,
    }
}

/// A stored object, as far as its deletion goes.
#[derive(Default)]
struct Stored {
    metadata: StoredMetadata,
}

fields!(Stored {
    "metadata" => metadata,
});

#[derive(Default)]
struct StoredMetadata {
    deletion_timestamp: Option<Presence>,
}

fields!(StoredMetadata {
    "deletionTimestamp" => deletion_timestamp,
});

/// A review, as far as its objects tell of pods.
#[derive(serde::Deserialize)]
struct Review {
    request: Objects,
}

/// The object of a request as it is to be and as it was.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Objects {
    object: Option<Carrier>,
    old_object: Option<Carrier>,
}

/// What an object says of itself and of the pods that are made of it.
#[derive(serde::Deserialize)]
struct Carrier {
    metadata: Option<serde_json::Value>,
    spec: Option<serde_json::Value>,
    template: Option<serde_json::Value>,
}
