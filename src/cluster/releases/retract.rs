//! Helm 3's records deleted again of releases that Tiller still has: what a migration leaves that failed or was killed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::aside::{Shift, Shifted};
use super::gather::Recorded;
use super::outcome::Stop;
use super::restore::{Restored, Terms, give_back};
use super::target::{Targets, revision_in};
use super::work::Work;
use super::write::{Writer, Written};
use crate::gather::Gather as _;
use crate::releases::Storage;
use crate::releases::aside::{Direction, original_name, shelf};
use crate::releases::helm3::is_made_by;

/// What a run has done with a release, in all its attempts.
#[derive(Debug, Default)]
pub(super) struct Trace {
    /// The names of Tiller's records, as they were read last.
    pub(super) names: BTreeSet<String>,
    /// Helm 3's Secrets that this run has created, and their versions, by namespace and name.
    pub(super) created: BTreeMap<(String, String), String>,
    /// Whether Helm 3 has others that were made of this release.
    pub(super) had_some: bool,
    /// Whether records of Helm 2 may have been set aside.
    pub(super) has_taken: bool,
    /// Whether a request failed while Tiller's records were deleted: only a next run knows what has become of them.
    pub(super) is_leaving: bool,
}

// === impl Trace ===

impl Trace {
    /// Looks at what Helm 3 has before the next write.
    pub(super) fn look(&mut self, existing: &BTreeMap<(String, String), Value>, tiller: &str) {
        let mut existing = existing.iter();
        self.had_some |=
            existing.any(|(place, it)| is_made_by(it, tiller) && !self.created.contains_key(place));
    }
}

// === impl Work ===

impl Work<'_> {
    /// Undoes what this run wrote for a release that it did not migrate. Returns a sentence if not only Tiller has the release then.
    pub(super) async fn undo(
        &self,
        release: &str,
        recorded: &Recorded,
        trace: &Trace,
    ) -> Option<String> {
        if trace.is_leaving {
            return Some(self.both(release));
        }
        if trace.has_taken {
            return Some(match self.take_back(release).await {
                Ok(()) => "it was given back to Tiller".to_owned(),
                Err(why) => format!("it was not given back to Tiller: {why}"),
            });
        }
        let is_clean = match self.retract(release, recorded, trace).await {
            Ok(is_clean) => is_clean,
            Err(stop) => return Some(format!("{} ({stop})", self.both(release))),
        };
        match (is_clean && !trace.had_some, trace.created.is_empty()) {
            (true, true) => None,
            (true, false) => Some("Helm 3's records of it were deleted again".to_owned()),
            (false, _) => Some(self.both(release)),
        }
    }

    /// Says that both Tiller and Helm 3 have a release.
    pub(super) fn both(&self, release: &str) -> String {
        format!(
            "Helm 3 has records of it too: finish its migration, or delete them with: tiller-guard releases restore {release} -n {}",
            self.plan.namespace
        )
    }

    /// Gives a release back to Tiller, which goes on with it. Why that failed.
    pub(super) async fn take_back(&self, release: &str) -> Result<(), String> {
        let restored = async {
            let records = self.place.aside(release).await?;
            let terms = Terms {
                to: None,
                is_named: true,
                dry_run: false,
            };
            // The first list does not have what this run has written.
            let targets = Targets::new(self.place.cluster);
            give_back(self.place, &targets, release, &records, terms).await
        };
        match restored.await {
            Ok(Restored::NotReady(why)) => Err(why.join("; ")),
            Ok(Restored::Failed { reason, .. }) => Err(reason),
            Ok(_) => Ok(()),
            Err(stop) => Err(stop.to_string()),
        }
    }

    /// Deletes what this run has created, the oldest revision first, if Tiller still has the release whole, or not at all. False if
    /// something is left.
    async fn retract(
        &self,
        release: &str,
        recorded: &Recorded,
        trace: &Trace,
    ) -> Result<bool, Stop> {
        if trace.created.is_empty() {
            return Ok(true);
        }
        let tillers = self.place.records(release, recorded).await?;
        let aside = self.place.aside(release).await?;
        let there: BTreeSet<_> = tillers.iter().map(|it| it.name.as_str()).gather();
        let mut names = trace.names.iter().map(String::as_str);
        let mut copies = aside.iter().map(|it| original_name(&it.name));
        let is_purged = there.is_empty() && aside.is_empty();
        let is_whole = names.all(|it| there.contains(it)) && copies.all(|it| there.contains(it));
        if !is_purged && !is_whole {
            return Ok(false);
        }
        let mut created: Vec<_> = trace.created.iter().collect();
        created.sort_by_key(|((_, name), _)| revision_in(name));
        for ((namespace, name), version) in created {
            let writer = Writer {
                cluster: self.place.cluster,
                namespace,
                storage: Storage::Secrets,
                dry_run: false,
            };
            if writer.delete(name, version).await? == Written::Overtaken {
                return Ok(false);
            }
        }
        // Tiller has all of them, so that only copies are deleted.
        let mut shift = Shift::new(
            self.place,
            Direction::Back,
            &aside,
            shelf(&aside, Direction::Aside),
        );
        let is_clear = shift.look().await?.is_none();
        Ok(is_clear && matches!(shift.run().await?, Shifted::All(_)))
    }
}
