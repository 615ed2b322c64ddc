//! What the watches told, as knowledge.
//!
//! Of each object only what a rule reads is kept. Beside that, its name where it left something in the knowledge: so
//! that what a list does not name any more is forgotten.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::reflector::StoreUpdate;
use super::resource::WatchedResource;
use super::teams::Teams;
use crate::json::Reader;
use crate::k8s::{
    Malformed, custody_object, exposure_object, rbac_object, team_registration, unreadable,
    workload,
};
use crate::policy::custody::{CustodyKind, CustodyObject};
use crate::policy::exposure::{ExposureKind, ExposureObject};
use crate::policy::rbac::{Account, RbacKind, RbacObject, RoleKind};
use crate::policy::{Evidence, Knowledge, TillerUse, WorkloadKind};
use crate::tiller::may_hold_tiller;

/// What the watches told.
#[derive(Debug, Default)]
pub(super) struct Store {
    knowledge: Knowledge,
    tracked: BTreeMap<WatchedResource, Tracked>,
    teams: Teams,
}

/// What a watch told of.
#[derive(Debug, Default)]
struct Tracked {
    /// The number of the list that is being told, or was last.
    list: u64,
    kept: BTreeMap<Name, TrackedObject>,
}

/// Namespace, empty for what has none, and name.
type Name = (Box<str>, Box<str>);

/// What is kept of an object beside what is known by it.
#[derive(Debug)]
struct TrackedObject {
    /// The list, or the time after it, in which it was seen last.
    list: u64,
    /// The account that it is known to run a Tiller as.
    account: Option<Box<str>>,
}

/// Something that is worth a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Remark {
    /// An object could not be read. What gives rights counts as giving any, and all else as gone.
    Unreadable {
        /// Its namespace and name.
        object: String,
        /// Why.
        cause: Malformed,
    },
    /// A team is ignored as a whole, and why.
    TeamIgnored(String),
    /// A team that was ignored counts, or is gone.
    TeamMended(String),
}

// === impl Store ===

impl Store {
    /// Nothing yet of a cluster that Kubernetes 1.`minor` runs.
    pub(super) fn of_kubernetes(minor: u16) -> Self {
        Self {
            knowledge: Knowledge::of_kubernetes(minor),
            ..Self::default()
        }
    }

    /// What is known by now.
    pub(super) fn knowledge(&self) -> &Knowledge {
        &self.knowledge
    }

    /// How many teams are ignored.
    pub(super) fn teams_ignored(&self) -> usize {
        self.teams.ignored()
    }

    /// Takes down what a watch tells.
    pub(super) fn take(&mut self, resource: WatchedResource, update: &StoreUpdate) -> Vec<Remark> {
        let mut remarks = Vec::new();
        match update {
            StoreUpdate::Listing => self.tracked_of(resource).list += 1,
            StoreUpdate::Listed(objects) => {
                let taken = objects.iter().map(|object| self.put(resource, object));
                remarks.extend(taken.flatten());
            }
            StoreUpdate::Complete => self.forget_unlisted(resource),
            StoreUpdate::Changed(object) => remarks.extend(self.put(resource, object)),
            StoreUpdate::Gone(object) => {
                if let Some(name) = name_of(object) {
                    self.remove(resource, &name);
                }
            }
        }
        if resource == WatchedResource::Teams
            && !matches!(update, StoreUpdate::Listing | StoreUpdate::Listed(_))
        {
            remarks.extend(self.settle_teams());
        }
        remarks
    }

    fn tracked_of(&mut self, resource: WatchedResource) -> &mut Tracked {
        self.tracked.entry(resource).or_default()
    }

    /// Takes an object down as it is now.
    fn put(&mut self, resource: WatchedResource, object: &RawValue) -> Option<Remark> {
        let read = match resource {
            WatchedResource::Rbac(kind) => self.put_access(kind, object),
            WatchedResource::Teams => self.put_team(object),
            WatchedResource::Workloads(kind) => self.put_workload(kind, object),
            WatchedResource::Services => self.put_service(object),
            WatchedResource::Records => {
                self.put_record(object);
                Ok(())
            }
            WatchedResource::Certificates(_) => self.put_certificates(resource, object),
        };
        let cause = read.err()?;
        let name = name_of(object)?;
        self.remove(resource, &name);
        if let WatchedResource::Rbac(kind) = resource {
            let namespace = Some(&*name.0).filter(|namespace| !namespace.is_empty());
            self.knowledge = unreadable(&self.knowledge, kind, namespace, &name.1);
            self.keep(resource, name.clone(), None);
        }
        let (namespace, name) = name;
        Some(Remark::Unreadable {
            object: format!("{namespace}/{name}"),
            cause,
        })
    }

    fn put_access(&mut self, kind: RbacKind, object: &RawValue) -> Result<(), Malformed> {
        let resource = WatchedResource::Rbac(kind);
        let json = Reader::new(object.get());
        let (name, kept) = match rbac_object(kind, json)? {
            RbacObject::Role(role) => {
                self.knowledge = self.knowledge.with_role(&role);
                (named(role.namespace.as_deref(), &role.name), true)
            }
            RbacObject::Binding(binding) => {
                self.knowledge = self.knowledge.with_binding(&binding);
                let kept = binding.holders().next().is_some();
                (named(binding.namespace.as_deref(), &binding.name), kept)
            }
        };
        if kept {
            self.keep(resource, name, None);
        } else {
            self.tracked_of(resource).kept.remove(&name);
        }
        Ok(())
    }

    fn put_team(&mut self, object: &RawValue) -> Result<(), Malformed> {
        let json = Reader::new(object.get());
        let registered = team_registration(json)?;
        if let Some(name) = name_of(object) {
            self.teams.put(&name.1, registered);
            self.keep(WatchedResource::Teams, name, None);
        }
        Ok(())
    }

    fn put_workload(&mut self, kind: WorkloadKind, object: &RawValue) -> Result<(), Malformed> {
        let resource = WatchedResource::Workloads(kind);
        if self.pass_over(resource, object) {
            return Ok(());
        }
        let json = Reader::new(object.get());
        let workload = workload(kind, json)?;
        let name = named(workload.namespace.as_deref(), &workload.name);
        if !workload.holds_tiller() {
            self.remove(resource, &name);
            return Ok(());
        }
        let evidence = Arc::new(Evidence::of(&workload));
        let tiller = workload.tiller_use();
        let account = tiller.map(|tiller| tiller.account.name);
        let known = self.tracked_of(resource).kept.get(&name);
        if known.is_some_and(|kept| kept.account.as_deref() != account) {
            self.remove(resource, &name);
        }
        if kind == WorkloadKind::Pod {
            let evidence = Some(Arc::clone(&evidence));
            self.knowledge = self.knowledge.with_suspect_pod(&name.0, &name.1, evidence);
        }
        if let Some(tiller) = tiller {
            self.knowledge = self.knowledge.with_suspect(tiller, Some(evidence));
        }
        self.keep(resource, name, account.map(Into::into));
        Ok(())
    }

    fn put_service(&mut self, object: &RawValue) -> Result<(), Malformed> {
        let resource = WatchedResource::Services;
        if self.pass_over(resource, object) {
            return Ok(());
        }
        let json = Reader::new(object.get());
        let read = exposure_object(ExposureKind::Service, json)?;
        let (ExposureObject::Service(service), Some(name)) = (&read, name_of(object)) else {
            return Ok(());
        };
        if service.leads_to_tiller() {
            self.knowledge = self.knowledge.with_tiller_service(&name.0, &name.1);
            self.keep(resource, name, None);
        } else {
            self.remove(resource, &name);
        }
        Ok(())
    }

    fn put_record(&mut self, object: &RawValue) {
        if let Some(name) = name_of(object) {
            self.knowledge = self.knowledge.with_release_record(&name.0, &name.1);
            self.keep(WatchedResource::Records, name, None);
        }
    }

    /// Keeps the fingerprints of the CAs, and nothing else of the Secret.
    fn put_certificates(
        &mut self,
        resource: WatchedResource,
        object: &RawValue,
    ) -> Result<(), Malformed> {
        let json = Reader::new(object.get());
        let read = custody_object(CustodyKind::Secret, json)?;
        if let CustodyObject::Secret(secret) = read {
            let name = named(secret.namespace.as_deref(), &secret.name);
            let authorities = secret.authorities;
            self.knowledge = self
                .knowledge
                .with_certificates(&name.0, &name.1, authorities);
            self.keep(resource, name, None);
        }
        Ok(())
    }

    /// Whether an object holds no word that tells of a Tiller, and so leaves nothing. Most are so, and Pods change all
    /// the time.
    fn pass_over(&mut self, resource: WatchedResource, object: &RawValue) -> bool {
        let passed = !may_hold_tiller(object.get());
        if passed
            && !self.tracked_of(resource).kept.is_empty()
            && let Some(name) = name_of(object)
        {
            self.remove(resource, &name);
        }
        passed
    }

    /// Notes that an object left something, and with which account.
    fn keep(&mut self, resource: WatchedResource, name: Name, account: Option<Box<str>>) {
        let Tracked { list, kept } = self.tracked_of(resource);
        let list = *list;
        kept.insert(name, TrackedObject { list, account });
    }

    /// Forgets what the list that is complete now did not name.
    fn forget_unlisted(&mut self, resource: WatchedResource) {
        let Tracked { list, kept } = self.tracked_of(resource);
        let unlisted = kept.iter().filter(|(_, kept)| kept.list != *list);
        let unlisted: Vec<Name> = unlisted.map(|(name, _)| name.clone()).collect();
        for name in unlisted {
            self.remove(resource, &name);
        }
    }

    /// Forgets an object.
    fn remove(&mut self, resource: WatchedResource, name: &Name) {
        let kept = self.tracked_of(resource).kept.remove(name);
        let (namespace, name) = (&*name.0, &*name.1);
        let known = &self.knowledge;
        self.knowledge = match resource {
            WatchedResource::Rbac(RbacKind::Role) => {
                known.without_role(RoleKind::Role, Some(namespace), name)
            }
            WatchedResource::Rbac(RbacKind::ClusterRole) => {
                known.without_role(RoleKind::ClusterRole, None, name)
            }
            WatchedResource::Rbac(RbacKind::RoleBinding) => {
                known.without_binding(Some(namespace), name)
            }
            WatchedResource::Rbac(RbacKind::ClusterRoleBinding) => {
                known.without_binding(None, name)
            }
            WatchedResource::Teams => {
                self.teams.remove(name);
                return;
            }
            WatchedResource::Services => known.without_tiller_service(namespace, name),
            WatchedResource::Records => known.without_release_record(namespace, name),
            WatchedResource::Certificates(_) => known.without_certificates(namespace, name),
            WatchedResource::Workloads(kind) => {
                let Some(kept) = kept else { return };
                let without_pod = match kind {
                    WorkloadKind::Pod => known.without_tiller_pod(namespace, name),
                    _ => known.clone(),
                };
                match kept.account {
                    None => without_pod,
                    Some(account) => without_pod.without_tiller(TillerUse {
                        account: Account {
                            namespace,
                            name: &account,
                        },
                        kind,
                        workload: name,
                    }),
                }
            }
        };
    }

    /// Has the teams count that are as they have to be.
    fn settle_teams(&mut self) -> Vec<Remark> {
        let settled = self.teams.settle();
        for name in &settled.gone {
            self.knowledge = self.knowledge.without_team(name);
        }
        for team in settled.come {
            self.knowledge = self.knowledge.with_team(team);
        }
        settled.remarks
    }
}

fn named(namespace: Option<&str>, name: &str) -> Name {
    (namespace.unwrap_or_default().into(), name.into())
}

/// The name of an object of any kind.
fn name_of(object: &RawValue) -> Option<Name> {
    #[derive(Deserialize)]
    struct Named {
        metadata: Metadata,
    }
    #[derive(Deserialize)]
    struct Metadata {
        #[serde(default)]
        namespace: Box<str>,
        name: Box<str>,
    }
    let Named { metadata } = serde_json::from_str(object.get()).ok()?;
    Some((metadata.namespace, metadata.name))
}

#[cfg(test)]
mod tests;
