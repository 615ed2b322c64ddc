//! What the watches reported, as knowledge.
//!
//! Of each object only what a rule reads is kept. Beside that, its name where it left something in the knowledge: so
//! that what a list does not name any more is forgotten.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::reflector::StoreUpdate;
use super::resource::WatchedResource;
use super::team_certificates::Ends;
use super::teams::Teams;
use crate::gather::Gather as _;
use crate::json::Reader;
use crate::k8s::{self, Malformed, team_registration};
use crate::policy::{Knowledge, Learned, ObjectKind};
use crate::tiller::may_hold_tiller;

/// What the watches reported.
#[derive(Debug, Default)]
pub(super) struct Store {
    knowledge: Knowledge,
    tracked: BTreeMap<WatchedResource, Tracked>,
    teams: Teams,
}

/// What a watch reported.
#[derive(Debug, Default)]
struct Tracked {
    /// The number of the current or latest list.
    list: u64,
    objects: BTreeMap<Name, TrackedObject>,
}

/// Namespace, empty for what has none, and name.
type Name = (Box<str>, Box<str>);

/// What is kept of an object beside what is known by it.
#[derive(Debug)]
struct TrackedObject {
    /// The list, or the time after it, in which it was seen last.
    list: u64,
    /// What it reported; that of a team is kept apart.
    learned: Option<Learned>,
    /// When the certificates of a Secret end.
    ends: Option<Ends>,
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

    /// When the certificates of Tillers end, by `NAMESPACE/NAME` of their Secret.
    pub(super) fn certificate_ends(&self) -> BTreeMap<String, Ends> {
        let secrets = self.tracked.iter();
        let secrets = secrets
            .filter(|(resource, _)| matches!(resource, WatchedResource::Certificates(_)))
            .flat_map(|(_, tracked)| &tracked.objects);
        secrets
            .filter_map(|((namespace, name), secret)| {
                Some((format!("{namespace}/{name}"), secret.ends?))
            })
            .gather()
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
        if resource.is_told_by_words() && self.pass_over(resource, object) {
            return None;
        }
        let read = match resource.kind() {
            Some(kind) => self.put_object(resource, kind, object),
            None => self.put_team(object),
        };
        let cause = read.err()?;
        let (namespace, name) = name_of(object)?;
        self.remove(resource, &(namespace.clone(), name.clone()));
        if let Some(kind) = resource.kind() {
            let (knowledge, learned) = self.knowledge.learn_unreadable(kind, &namespace, &name);
            self.knowledge = knowledge;
            if learned.is_some() {
                self.keep(resource, (namespace.clone(), name.clone()), learned, None);
            }
        }
        Some(Remark::Unreadable {
            object: format!("{namespace}/{name}"),
            cause,
        })
    }

    fn put_object(
        &mut self,
        resource: WatchedResource,
        kind: ObjectKind,
        object: &RawValue,
    ) -> Result<(), Malformed> {
        let read = k8s::read(kind, Reader::new(object.get()))?;
        let name = named(read.namespace(), read.name());
        let ends = match resource {
            WatchedResource::Certificates(_) => Ends::of(object),
            _ => None,
        };
        let (knowledge, learned) = self.knowledge.learn(&read);
        let known = self.tracked_of(resource).objects.get(&name);
        let stale = known.is_some_and(|known| known.learned != learned);
        if learned.is_none() || stale {
            self.remove(resource, &name);
        }
        if learned.is_some() {
            self.knowledge = if stale {
                self.knowledge.with(&read)
            } else {
                knowledge
            };
            self.keep(resource, name, learned, ends);
        } else if ends.is_some() {
            self.keep(resource, name, None, ends);
        }
        Ok(())
    }

    fn put_team(&mut self, object: &RawValue) -> Result<(), Malformed> {
        let json = Reader::new(object.get());
        let registered = team_registration(json)?;
        if let Some(name) = name_of(object) {
            self.teams.put(&name.1, registered);
            self.keep(WatchedResource::Teams, name, None, None);
        }
        Ok(())
    }

    /// Whether an object holds no word that tells of a Tiller, and so leaves nothing. Most are so, and Pods change all
    /// the time.
    fn pass_over(&mut self, resource: WatchedResource, object: &RawValue) -> bool {
        let passed = !may_hold_tiller(object.get());
        if passed
            && !self.tracked_of(resource).objects.is_empty()
            && let Some(name) = name_of(object)
        {
            self.remove(resource, &name);
        }
        passed
    }

    /// Notes that an object left something, and what.
    fn keep(
        &mut self,
        resource: WatchedResource,
        name: Name,
        learned: Option<Learned>,
        ends: Option<Ends>,
    ) {
        let Tracked { list, objects } = self.tracked_of(resource);
        let tracked = TrackedObject {
            list: *list,
            learned,
            ends,
        };
        objects.insert(name, tracked);
    }

    /// Forgets what the list that is complete now did not name.
    fn forget_unlisted(&mut self, resource: WatchedResource) {
        let Tracked { list, objects } = self.tracked_of(resource);
        let unlisted = objects.iter().filter(|(_, object)| object.list != *list);
        let unlisted: Vec<Name> = unlisted.map(|(name, _)| name.clone()).collect();
        for name in unlisted {
            self.remove(resource, &name);
        }
    }

    /// Forgets an object.
    fn remove(&mut self, resource: WatchedResource, name: &Name) {
        let tracked = self.tracked_of(resource).objects.remove(name);
        if resource == WatchedResource::Teams {
            self.teams.remove(&name.1);
        } else if let Some(learned) = tracked.and_then(|it| it.learned) {
            self.knowledge = self.knowledge.without(&learned);
        }
    }

    /// Counts the teams that are valid.
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
