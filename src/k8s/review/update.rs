//! What a request changes: whether it brings a Tiller in, or takes one out of use.

use super::request::{Asked, Operation, Request};
use crate::json::{Presence, Reader, fields, read};
use crate::policy::{
    Action, Arrival, Context, Knowledge, Object, Settings, Verdict, Workload, WorkloadKind, Writer,
    decide,
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
    /// - of a status. The API server keeps the stored specification then, and ignores what was sent.
    /// - of an object that is being deleted, or scaled to zero. A Deployment is scaled down by updates of its
    ///   `ReplicaSet`s.
    /// - of a Pod or a Job whose pod stays as it is, with the labels that Helm's client looks for: finalizers, annotations and
    ///   owners are taken off and put on while it runs and after it has ended. Neither's pod can be hardened any more.
    /// - of a controller that scales the `ReplicaSet` it made. A Deployment does not report an update that
    ///   failed; it does report refused pods, in its conditions. The owner of the `ReplicaSet` is read from
    ///   the stored object.
    fn leaves_pod(&self) -> bool {
        if self.sub_resource == "status" {
            return true;
        }
        let Some(new) = self.workload() else {
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
        self.workload_before().is_some_and(|old| {
            old.pod == new.pod && (new.idle || self.is_leaving() || scales(old) || stays(old))
        })
    }

    /// Whether the update of an object with a template changes only its metadata: labels, annotations, owners, finalizers.
    /// What can be hardened is hardened all the same; a refusal would protect nothing.
    pub(super) fn leaves_template(&self) -> bool {
        let is_template = self
            .workload()
            .is_some_and(|new| new.kind != WorkloadKind::Pod)
            && self.sub_resource.is_empty();
        let (Operation::Update, Some(old), true) = (self.operation, self.old_object, is_template)
        else {
            return false;
        };
        let carrier = |json| serde_json::from_str::<Carrier>(json).ok();
        let (Some(new), Some(old)) = (carrier(self.object_json), carrier(old)) else {
            return false;
        };
        new.metadata != old.metadata && new.spec == old.spec && new.template == old.template
    }

    /// Whether what is asked changes nothing that is judged, and a refusal would only stand in the way.
    ///
    /// The labels, owners and finalizers of what holds something of a Tiller's may change; the rest is let go when it is on its
    /// way out. The addresses of a Service as a controller keeps them are those of the pods that it selects, or a copy of
    /// Endpoints that were judged.
    pub(super) fn leaves(&self, new: &Object<'_>) -> bool {
        let is_as_before = || self.before().is_some_and(|old| old == new);
        match new {
            Object::Workload(_) => self.leaves_pod(),
            Object::Rbac(_) => self.is_leaving() && is_as_before(),
            Object::Exposure(object) => {
                object.kind().is_addresses() && self.user.is_controller()
                    || self.is_leaving() && is_as_before()
            }
            Object::Custody(_) => is_as_before(),
            Object::Connection(_) => false,
        }
    }

    /// Whether what is updated holds a Tiller in which nothing is left to harden. `kubectl apply` of the manifest that it
    /// was made from sends what was hardened since.
    pub(super) fn was_hardened(&self, settings: &Settings, context: &Context<'_>) -> bool {
        self.before().is_some_and(|old| {
            let Verdict {
                tillers, findings, ..
            } = decide(old, settings, context);
            let open = findings
                .iter()
                .any(|finding| finding.action == Action::Harden);
            !tillers.is_empty() && !open
        })
    }

    /// Whether the Tiller of the object is a new one.
    ///
    /// The controllers of StatefulSets and DaemonSets make pods of ControllerRevisions, which a tenant may write and no
    /// webhook judges: such a pod is a restart only if its owner is a known Tiller.
    pub(super) fn arrival(
        &self,
        workload: &Workload<'_>,
        settings: &Settings,
        knowledge: &Knowledge,
    ) -> Arrival {
        let before = || {
            self.workload_before()
                .is_some_and(|old| settings.takes_for_tiller(old))
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

    /// Completes a pod by what the request knows of its origin: who makes it, or where the Tiller that it replaces keeps its
    /// records.
    pub(super) fn tell_workload(&mut self, settings: &Settings, knowledge: &Knowledge) {
        let Some(workload) = self.workload() else {
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
            self.workload_before().and_then(Workload::storage)
        } else {
            None
        };
        if let Asked::Of(Object::Workload(workload)) = &mut self.object {
            workload.writer = writer;
            workload.former_storage = former_storage;
        }
    }

    /// What is updated, as it was, if it carries a pod.
    fn workload_before(&self) -> Option<&Workload<'_>> {
        self.before()?.workload()
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

/// What an object says of itself and of the pods that are made of it.
#[derive(serde::Deserialize)]
struct Carrier {
    metadata: Option<serde_json::Value>,
    spec: Option<serde_json::Value>,
    template: Option<serde_json::Value>,
}
