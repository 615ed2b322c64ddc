//! What the watches told, as knowledge.
//!
//! Of each object only what a rule reads is kept. Beside that, its name where it left something in the knowledge: so
//! that what a list does not name any more is forgotten.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::reflector::News;
use super::resource::Watched;
use super::teams::Teams;
use crate::json::Reader;
use crate::k8s::{
    Malformed, access_object, custody_object, exposure_object, subject, team_registration,
    unreadable,
};
use crate::policy::custody::{CustodyKind, CustodyObject};
use crate::policy::exposure::{ExposureKind, ExposureObject};
use crate::policy::rbac::{AccessKind, AccessObject, Account, RoleKind};
use crate::policy::{Evidence, Kind, Knowledge, TillerUse};
use crate::tiller::may_hold_tiller;

/// What the watches told.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    knowledge: Knowledge,
    shelves: BTreeMap<Watched, Shelf>,
    teams: Teams,
}

/// What a watch told of.
#[derive(Debug, Default)]
struct Shelf {
    /// The number of the list that is being told, or was last.
    list: u64,
    kept: BTreeMap<Name, Kept>,
}

/// Namespace, empty for what has none, and name.
type Name = (Box<str>, Box<str>);

/// What is kept of an object beside what is known by it.
#[derive(Debug)]
struct Kept {
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

// === impl Ledger ===

impl Ledger {
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
    pub(super) fn take(&mut self, watched: Watched, news: &News) -> Vec<Remark> {
        let mut remarks = Vec::new();
        match news {
            News::Listing => self.shelf(watched).list += 1,
            News::Listed(objects) => {
                let taken = objects.iter().map(|object| self.put(watched, object));
                remarks.extend(taken.flatten());
            }
            News::Complete => self.forget_unlisted(watched),
            News::Changed(object) => remarks.extend(self.put(watched, object)),
            News::Gone(object) => {
                if let Some(name) = name_of(object) {
                    self.remove(watched, &name);
                }
            }
        }
        if watched == Watched::Teams && !matches!(news, News::Listing | News::Listed(_)) {
            remarks.extend(self.settle_teams());
        }
        remarks
    }

    fn shelf(&mut self, watched: Watched) -> &mut Shelf {
        self.shelves.entry(watched).or_default()
    }

    /// Takes an object down as it is now.
    fn put(&mut self, watched: Watched, object: &RawValue) -> Option<Remark> {
        let read = match watched {
            Watched::Access(kind) => self.put_access(kind, object),
            Watched::Teams => self.put_team(object),
            Watched::Workloads(kind) => self.put_workload(kind, object),
            Watched::Services => self.put_service(object),
            Watched::Records => {
                self.put_record(object);
                Ok(())
            }
            Watched::Certificates(_) => self.put_certificates(watched, object),
        };
        let cause = read.err()?;
        let name = name_of(object)?;
        self.remove(watched, &name);
        if let Watched::Access(kind) = watched {
            let namespace = Some(&*name.0).filter(|namespace| !namespace.is_empty());
            self.knowledge = unreadable(&self.knowledge, kind, namespace, &name.1);
            self.keep(watched, name.clone(), None);
        }
        let (namespace, name) = name;
        Some(Remark::Unreadable {
            object: format!("{namespace}/{name}"),
            cause,
        })
    }

    fn put_access(&mut self, kind: AccessKind, object: &RawValue) -> Result<(), Malformed> {
        let watched = Watched::Access(kind);
        let json = Reader::new(object.get());
        let (name, kept) = match access_object(kind, json)? {
            AccessObject::Role(role) => {
                self.knowledge = self.knowledge.with_role(&role);
                (named(role.namespace.as_deref(), &role.name), true)
            }
            AccessObject::Binding(binding) => {
                self.knowledge = self.knowledge.with_binding(&binding);
                let kept = binding.holders().next().is_some();
                (named(binding.namespace.as_deref(), &binding.name), kept)
            }
        };
        if kept {
            self.keep(watched, name, None);
        } else {
            self.shelf(watched).kept.remove(&name);
        }
        Ok(())
    }

    fn put_team(&mut self, object: &RawValue) -> Result<(), Malformed> {
        let json = Reader::new(object.get());
        let registered = team_registration(json)?;
        if let Some(name) = name_of(object) {
            self.teams.put(&name.1, registered);
            self.keep(Watched::Teams, name, None);
        }
        Ok(())
    }

    fn put_workload(&mut self, kind: Kind, object: &RawValue) -> Result<(), Malformed> {
        let watched = Watched::Workloads(kind);
        if self.pass_over(watched, object) {
            return Ok(());
        }
        let json = Reader::new(object.get());
        let subject = subject(kind, json)?;
        let name = named(subject.namespace.as_deref(), &subject.name);
        if !subject.holds_tiller() {
            self.remove(watched, &name);
            return Ok(());
        }
        let evidence = Arc::new(Evidence::of(&subject));
        let tiller = subject.tiller_use();
        let account = tiller.map(|tiller| tiller.account.name);
        let known = self.shelf(watched).kept.get(&name);
        if known.is_some_and(|kept| kept.account.as_deref() != account) {
            self.remove(watched, &name);
        }
        if kind == Kind::Pod {
            let evidence = Some(Arc::clone(&evidence));
            self.knowledge = self.knowledge.with_suspect_pod(&name.0, &name.1, evidence);
        }
        if let Some(tiller) = tiller {
            self.knowledge = self.knowledge.with_suspect(tiller, Some(evidence));
        }
        self.keep(watched, name, account.map(Into::into));
        Ok(())
    }

    fn put_service(&mut self, object: &RawValue) -> Result<(), Malformed> {
        let watched = Watched::Services;
        if self.pass_over(watched, object) {
            return Ok(());
        }
        let json = Reader::new(object.get());
        let read = exposure_object(ExposureKind::Service, json)?;
        let (ExposureObject::Service(service), Some(name)) = (&read, name_of(object)) else {
            return Ok(());
        };
        if service.leads_to_tiller() {
            self.knowledge = self.knowledge.with_tiller_service(&name.0, &name.1);
            self.keep(watched, name, None);
        } else {
            self.remove(watched, &name);
        }
        Ok(())
    }

    fn put_record(&mut self, object: &RawValue) {
        if let Some(name) = name_of(object) {
            self.knowledge = self.knowledge.with_release_record(&name.0, &name.1);
            self.keep(Watched::Records, name, None);
        }
    }

    /// Keeps the fingerprints of the CAs, and nothing else of the Secret.
    fn put_certificates(&mut self, watched: Watched, object: &RawValue) -> Result<(), Malformed> {
        let json = Reader::new(object.get());
        let read = custody_object(CustodyKind::Secret, json)?;
        if let CustodyObject::Secret(secret) = read {
            let name = named(secret.namespace.as_deref(), &secret.name);
            let authorities = secret.authorities;
            self.knowledge = self
                .knowledge
                .with_certificates(&name.0, &name.1, authorities);
            self.keep(watched, name, None);
        }
        Ok(())
    }

    /// Whether an object holds no word that tells of a Tiller, and so leaves nothing. Most are so, and Pods change all
    /// the time.
    fn pass_over(&mut self, watched: Watched, object: &RawValue) -> bool {
        let passed = !may_hold_tiller(object.get());
        if passed
            && !self.shelf(watched).kept.is_empty()
            && let Some(name) = name_of(object)
        {
            self.remove(watched, &name);
        }
        passed
    }

    /// Notes that an object left something, and with which account.
    fn keep(&mut self, watched: Watched, name: Name, account: Option<Box<str>>) {
        let Shelf { list, kept } = self.shelf(watched);
        let list = *list;
        kept.insert(name, Kept { list, account });
    }

    /// Forgets what the list that is complete now did not name.
    fn forget_unlisted(&mut self, watched: Watched) {
        let Shelf { list, kept } = self.shelf(watched);
        let unlisted = kept.iter().filter(|(_, kept)| kept.list != *list);
        let unlisted: Vec<Name> = unlisted.map(|(name, _)| name.clone()).collect();
        for name in unlisted {
            self.remove(watched, &name);
        }
    }

    /// Forgets an object.
    fn remove(&mut self, watched: Watched, name: &Name) {
        let kept = self.shelf(watched).kept.remove(name);
        let (namespace, name) = (&*name.0, &*name.1);
        let known = &self.knowledge;
        self.knowledge = match watched {
            Watched::Access(AccessKind::Role) => {
                known.without_role(RoleKind::Role, Some(namespace), name)
            }
            Watched::Access(AccessKind::ClusterRole) => {
                known.without_role(RoleKind::ClusterRole, None, name)
            }
            Watched::Access(AccessKind::RoleBinding) => {
                known.without_binding(Some(namespace), name)
            }
            Watched::Access(AccessKind::ClusterRoleBinding) => known.without_binding(None, name),
            Watched::Teams => {
                self.teams.remove(name);
                return;
            }
            Watched::Services => known.without_tiller_service(namespace, name),
            Watched::Records => known.without_release_record(namespace, name),
            Watched::Certificates(_) => known.without_certificates(namespace, name),
            Watched::Workloads(kind) => {
                let Some(kept) = kept else { return };
                let without_pod = match kind {
                    Kind::Pod => known.without_tiller_pod(namespace, name),
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
