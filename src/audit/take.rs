//! What an audit takes in, list by list.

use std::collections::{BTreeMap, BTreeSet};

use super::access::Access;
use super::basis::Basis;
use super::certificates::Certificates;
use super::exposures::Exposures;
use super::failure::Failure;
use super::listed::Listed;
use super::meta::Meta;
use super::openers::Openers;
use super::records::Records;
use super::report::{AuditReport, AuditSummary, AuditedTiller, GuardState, Unseen};
use super::workloads::Workloads;
use crate::json::Reader;
use crate::k8s;
use crate::policy::rbac::RbacKind;
use crate::policy::{Knowledge, Object, ObjectKind, WorkloadKind};
use crate::releases::{Examined, Storage};
use crate::report::Maybe;

/// An audit, as the objects come.
#[derive(Debug)]
pub struct Audit {
    pub(super) basis: Basis,
    pub(super) knowledge: Knowledge,
    pub(super) workloads: Workloads,
    pub(super) access: Access,
    pub(super) exposures: Exposures,
    pub(super) certificates: Certificates,
    pub(super) records: Records,
    pub(super) openers: Openers,
    /// What could not be listed, with the reason.
    missing: BTreeMap<Listed, String>,
    unknown: BTreeSet<Unseen>,
    not_served: Vec<String>,
}

// === impl Audit ===

impl Audit {
    /// Starts an audit. `minor` is the Kubernetes 1.x of the cluster, if it is known.
    pub fn new(basis: Basis, minor: Option<u16>) -> Self {
        Self {
            basis,
            knowledge: minor.map_or_else(Knowledge::default, Knowledge::of_kubernetes),
            workloads: Workloads::default(),
            access: Access::default(),
            exposures: Exposures::default(),
            certificates: Certificates::default(),
            records: Records::default(),
            openers: Openers::default(),
            missing: BTreeMap::new(),
            unknown: BTreeSet::new(),
            not_served: Vec::new(),
        }
    }

    /// Takes an object, as JSON. The lists come in the order of [`Listed::ALL`].
    pub fn take(&mut self, listed: Listed, object: &str) {
        let taken = match listed {
            Listed::Teams => self.take_team(object),
            Listed::Workloads(kind) => self.take_workload(kind.into(), object),
            Listed::Rbac(kind) => self.take_rbac(kind, object),
            Listed::Exposure(kind) => self.take_exposure(kind.into(), object),
            Listed::ReferenceGrants => {
                let (namespace, _) = named(object);
                self.exposures.take_grant(&namespace, object)
            }
            Listed::ServiceAccounts => self.openers.take_account(object),
            Listed::Tokens => {
                let Self {
                    openers,
                    knowledge,
                    basis,
                    ..
                } = self;
                openers.take_token(object, knowledge, basis)
            }
            Listed::Certificates => self.take_certificates(object),
        };
        if let Err(reason) = taken {
            let what = self.unread(listed.kind(), object, reason);
            if listed == Listed::ReferenceGrants {
                self.lack_grants();
            }
            // Without it the list is not whole.
            let whole = self.missing.entry(listed);
            whole.or_insert_with(|| format!("{what} cannot be read"));
        }
    }

    /// Records that a list could not be read, or not to its end.
    pub fn miss(&mut self, listed: Listed, failure: impl Into<Failure>) {
        if listed == Listed::ReferenceGrants {
            self.lack_grants();
        }
        let failure = failure.into();
        self.missing.insert(listed, failure.reason.clone());
        self.unseen(listed.as_str().to_owned(), failure);
    }

    /// Records that the release records of a storage could not be read, or not all of them.
    pub fn miss_records(&mut self, storage: Storage, failure: impl Into<Failure>) {
        let failure = failure.into();
        self.records.miss(failure.reason.clone());
        self.unseen(format!("release records in {}", storage.as_str()), failure);
        self.leave(storage);
    }

    /// Records that something is not listed by this audit: what depends on it is unknown.
    pub fn leave_list(&mut self, listed: Listed) {
        let reason = "this audit does not list it";
        self.missing.insert(listed, reason.to_owned());
    }

    /// Records that the release records of a storage are not listed by this audit.
    pub fn leave(&mut self, storage: Storage) {
        if storage == Storage::Secrets {
            self.records.miss_secrets();
        }
    }

    /// Notes that the list of `ReferenceGrant`s may be incomplete.
    pub fn lack_grants(&mut self) {
        self.exposures.lack_grants();
    }

    /// Records that something else could not be read.
    pub fn unseen(&mut self, what: String, failure: impl Into<Failure>) {
        let Failure {
            reason,
            is_forbidden,
        } = failure.into();
        self.unknown.insert(Unseen {
            what,
            reason,
            is_forbidden,
        });
    }

    /// Records that the API server does not serve this kind.
    pub fn not_served(&mut self, listed: Listed) {
        self.not_served.push(listed.as_str().to_owned());
        // Where RBAC gives no rights, something else does.
        if listed.is_of_rights() {
            let reason = "the API server does not serve it; rights come from elsewhere";
            self.miss(listed, reason.to_owned());
        }
    }

    /// Takes a record of a release.
    pub fn take_record(&mut self, examined: Examined) {
        self.records.take(examined);
    }

    /// Counts a record of a release that is not decoded.
    pub fn count_record(&mut self, namespace: String, storage: Storage) {
        self.records.count(namespace, storage);
    }

    /// What was found.
    pub fn report(mut self, guard: Option<GuardState>) -> AuditReport {
        let namespaces = self
            .workloads
            .tillers
            .keys()
            .map(|(_, namespace, _)| &**namespace);
        self.knowledge = self.records.tell(self.knowledge, namespaces);
        let borrowed = self.workloads.borrowed(&self.knowledge, &self.basis);
        let mut openers = std::mem::take(&mut self.openers.found);
        openers.extend(borrowed);
        openers.retain(|it| self.is_told_of(it.object.namespace.as_deref()));
        openers.sort_by(|one, other| one.object.cmp(&other.object));
        let listing = self.records.listing();
        let tillers = self.judged(&listing);
        let refused = |answer: fn(&AuditedTiller) -> &'static str| {
            tillers.iter().filter(|it| answer(it) == "refused").count()
        };
        let summary = AuditSummary {
            tillers: tillers.len(),
            findings: tillers.iter().map(AuditedTiller::found).sum(),
            openers: openers.len(),
            refused_at_restart: refused(|it| it.next.restart.answer),
            refused_at_update: refused(|it| it.next.update.answer),
            webhook_problems: guard.as_ref().map_or(0, GuardState::problems),
            unknown: self.unknown.len(),
        };
        AuditReport {
            version: super::FORMAT_VERSION,
            policy: self.basis.origin,
            tillers,
            openers,
            guard,
            unknown: self.unknown.into_iter().collect(),
            not_served: self.not_served,
            summary,
        }
    }

    /// Computes something that depends on these lists, or reports why it is unknown.
    pub(super) fn known<T>(
        &self,
        lists: impl IntoIterator<Item = Listed>,
        tell: impl FnOnce() -> T,
    ) -> Maybe<T> {
        let mut reasons = lists
            .into_iter()
            .filter_map(|it| self.missing.get_key_value(&it));
        match reasons.next() {
            None => Maybe::Known(tell()),
            Some((listed, reason)) => Maybe::Unknown {
                unknown: format!("cannot list {}: {reason}", listed.as_str()),
            },
        }
    }

    /// Whether the list of pods is not known, or not whole.
    pub(super) fn lacks_pods(&self) -> bool {
        self.lacks(Listed::Workloads(WorkloadKind::Pod))
    }

    /// Whether a list is not known, or not whole.
    pub(super) fn lacks(&self, listed: Listed) -> bool {
        self.missing.contains_key(&listed)
    }

    /// Whether the report covers this namespace.
    pub(super) fn is_told_of(&self, namespace: Option<&str>) -> bool {
        let only = self.basis.namespace.as_deref();
        only.is_none() || namespace.is_none() || only == namespace
    }

    fn take_team(&mut self, object: &str) -> Result<(), String> {
        let registration = k8s::team_registration(Reader::new(object));
        let registration = registration.map_err(|it| it.to_string())?;
        let registration = registration.map_err(|it| it.to_string())?;
        self.knowledge = self.knowledge.with_team(registration.team);
        Ok(())
    }

    fn take_workload(&mut self, kind: ObjectKind, object: &str) -> Result<(), String> {
        let read = read(kind, object)?;
        if let Object::Workload(workload) = &read {
            let settings = &self.basis.policy.settings;
            let kept = self.workloads.take(workload, object, settings)?;
            if kept {
                self.knowledge = self.knowledge.with(&read);
            }
        }
        Ok(())
    }

    fn take_rbac(&mut self, kind: RbacKind, object: &str) -> Result<(), String> {
        match read(kind.into(), object) {
            Ok(read) => {
                let added = self.access.add(kind, object);
                added.map_err(|error| error.to_string())?;
                self.knowledge = self.knowledge.with(&read);
                self.openers
                    .judge_binding(&read, &self.knowledge, &self.basis);
                Ok(())
            }
            Err(reason) => {
                let (namespace, name) = named(object);
                let learned = self
                    .knowledge
                    .learn_unreadable(kind.into(), &namespace, &name);
                self.knowledge = learned.0;
                Err(reason)
            }
        }
    }

    fn take_exposure(&mut self, kind: ObjectKind, object: &str) -> Result<(), String> {
        let read = read(kind, object)?;
        self.knowledge = self.knowledge.with(&read);
        self.exposures.take(&read, object)?;
        self.openers.judge(&read, &self.knowledge, &self.basis);
        Ok(())
    }

    fn take_certificates(&mut self, object: &str) -> Result<(), String> {
        let kind = crate::policy::custody::CustodyKind::Secret;
        let read = read(kind.into(), object)?;
        self.knowledge = self.knowledge.with(&read);
        self.openers.judge(&read, &self.knowledge, &self.basis);
        // What is wrong with a Secret's content may be secret.
        let taken = self.certificates.take(object);
        taken.map_err(|_| "a field does not match the API".to_owned())
    }

    /// Records that an object could not be read. Which it is.
    fn unread(&mut self, kind: &str, object: &str, reason: String) -> String {
        let (namespace, name) = named(object);
        let what = match namespace.as_str() {
            "" => format!("{kind} {name}"),
            namespace => format!("{kind} {namespace}/{name}"),
        };
        self.unseen(what.clone(), reason);
        what
    }
}

fn read(kind: ObjectKind, object: &str) -> Result<Object<'_>, String> {
    k8s::read(kind, Reader::new(object)).map_err(|malformed| malformed.reason)
}

/// Namespace and name of an object, as far as they can be read.
fn named(object: &str) -> (String, String) {
    let meta = Meta::read(object).unwrap_or_default();
    (meta.metadata.namespace, meta.metadata.name)
}
