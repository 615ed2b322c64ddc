//! The records of releases, by the namespace that they are in.

use std::collections::{BTreeMap, BTreeSet};

use super::report::{Releases, Stored};
use crate::policy::{Knowledge, SecretRecords};
use crate::releases::{Examined, Inventory, Listing, Storage};
use crate::report::Maybe;

/// The records so far.
#[derive(Debug, Default)]
pub(super) struct Records {
    inventory: Inventory,
    counts: BTreeMap<(String, Storage), u32>,
    /// The names of records in Secrets, by namespace.
    secrets: BTreeMap<String, BTreeSet<String>>,
    missing: Option<String>,
    /// Whether records in Secrets were not listed, or not to their end.
    unread_secrets: bool,
}

// === impl Records ===

impl Records {
    pub(super) fn take(&mut self, examined: Examined) {
        let place = match &examined {
            Examined::Revision(it) => Some((&it.tiller_namespace, it.storage, &it.record)),
            Examined::Damaged(it) => Some((&it.tiller_namespace, it.storage, &it.record)),
            // No Tiller would see it.
            Examined::Aside(_) => None,
        };
        if let Some((namespace, storage, record)) = place {
            if storage == Storage::Secrets {
                let own = self.secrets.entry(namespace.clone()).or_default();
                own.insert(record.clone());
            }
            self.count(namespace.clone(), storage);
        }
        self.inventory.add(examined);
    }

    pub(super) fn count(&mut self, namespace: String, storage: Storage) {
        *self.counts.entry((namespace, storage)).or_default() += 1;
    }

    /// The names of the Secrets with records in a namespace.
    pub(super) fn in_secrets(&self, namespace: &str) -> impl Iterator<Item = &str> {
        let names = self.secrets.get(namespace).into_iter().flatten();
        names.map(String::as_str)
    }

    pub(super) fn miss(&mut self, reason: String) {
        self.missing.get_or_insert(reason);
    }

    pub(super) fn miss_secrets(&mut self) {
        self.unread_secrets = true;
    }

    /// Whether records in Secrets were not listed, or not to their end.
    pub(super) fn lacks_secrets(&self) -> bool {
        self.unread_secrets
    }

    /// Adds these records to the knowledge of the cluster; where those in Secrets were not all listed, that they are unknown in these
    /// namespaces.
    pub(super) fn tell<'n>(
        &self,
        mut knowledge: Knowledge,
        namespaces: impl Iterator<Item = &'n str>,
    ) -> Knowledge {
        if self.unread_secrets {
            knowledge = namespaces.fold(knowledge, |knowledge, namespace| {
                knowledge.with_secret_records(namespace, SecretRecords::Unreadable)
            });
        }
        for ((namespace, storage), count) in &self.counts {
            match storage {
                Storage::Secrets => {
                    let counted = SecretRecords::Counted(*count);
                    knowledge = knowledge.with_secret_records(namespace, counted);
                }
                Storage::ConfigMaps => {
                    for number in 0..*count {
                        let name = number.to_string();
                        knowledge = knowledge.with_release_record(namespace, &name);
                    }
                }
            }
        }
        knowledge
    }

    /// The releases, and what is wrong with them. What was counted stays.
    pub(super) fn listing(&mut self) -> Listing {
        std::mem::take(&mut self.inventory).listing(false)
    }

    /// What is recorded in a namespace.
    pub(super) fn of(&self, namespace: &str, listing: &Listing) -> Maybe<Releases> {
        if let Some(reason) = &self.missing {
            let unknown = format!("cannot list release records: {reason}");
            return Maybe::Unknown { unknown };
        }
        let stored = |storage| self.stored(namespace, storage, listing);
        Maybe::Known(Releases {
            configmaps: stored(Storage::ConfigMaps),
            secrets: stored(Storage::Secrets),
        })
    }

    fn stored(&self, namespace: &str, storage: Storage, listing: &Listing) -> Stored {
        let is_here = |of: &str, kept| of == namespace && kept == storage;
        let releases = listing.releases.iter();
        let releases = releases.filter(|it| is_here(&it.tiller_namespace, it.storage));
        let mut problems = BTreeMap::new();
        for problem in &listing.problems {
            if is_here(&problem.tiller_namespace, problem.storage) {
                *problems.entry(problem.problem.as_str()).or_default() += 1;
            }
        }
        let count = self.counts.get(&(namespace.to_owned(), storage)).copied();
        Stored {
            records: count.map_or(0, |it| usize::try_from(it).unwrap_or(usize::MAX)),
            releases: releases.count(),
            problems,
        }
    }
}
