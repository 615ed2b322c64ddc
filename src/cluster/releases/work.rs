//! One release at a time, on its way to Helm 3.

use std::collections::BTreeMap;

use serde_json::Value;
use tokio::task::spawn_blocking;

use super::aside::{Shift, Shifted};
use super::gather::{Group, Place, Recorded};
use super::helm3::{is_of_ours, namespaces, place, revision};
use super::migration::Migrate;
use super::outcome::{Effect, Outcome, State, Stop, outcome};
use super::restore::{Restored, Terms, give_back};
use super::target::Targets;
use super::write::{Writer, Written};
use crate::releases::aside::{Direction, Shelf, shelf};
use crate::releases::helm3::{is_made_by, migrated_from, same};
use crate::releases::{Prepared, Record, Storage};

/// How often a release is taken up anew that Tiller writes meanwhile.
const ROUNDS: usize = 5;

/// A migration on its way.
pub(super) struct Work<'a> {
    pub(super) plan: &'a Migrate,
    pub(super) place: Place<'a>,
    pub(super) targets: Targets<'a>,
    /// What earlier runs have set aside.
    pub(super) aside: Recorded,
}

/// How far one attempt at a release has come.
enum Attempt {
    /// To its end.
    Ended(Outcome),
    /// Somebody came between; whether records may have been set aside before.
    Overtaken { has_begun: bool },
}

/// What was written of a release.
#[derive(Default)]
struct Count {
    written: usize,
    unchanged: usize,
}

// === impl Work ===

impl Work<'_> {
    /// Gives a release back to Tiller, which goes on with it. What became of that.
    pub(super) async fn take_back(&self, release: &str) -> String {
        let restored = async {
            let records = self.place.aside(release).await?;
            let terms = Terms {
                to: None,
                is_named: true,
                dry_run: false,
            };
            give_back(self.place, &self.targets, release, &records, terms).await
        };
        match restored.await {
            Ok(Restored::Done { .. } | Restored::Ready { .. }) => {
                format!("it was given back: stop Tiller in {}", self.plan.namespace)
            }
            Ok(Restored::NotReady(why)) => format!("it was not given back: {}", why.join("; ")),
            Ok(Restored::Failed { reason, .. }) => format!("it was not given back: {reason}"),
            Err(stop) => format!("it was not given back: {stop}"),
        }
    }

    /// Migrates a release.
    pub(super) async fn release(&self, group: Group, recorded: &Recorded) -> Outcome {
        let Group { release, records } = group;
        let mut given = Some(records);
        let mut has_taken = false;
        for _round in 0..ROUNDS {
            match self.attempt(&release, given.take(), recorded).await {
                Ok(Attempt::Overtaken { has_begun }) => has_taken |= has_begun,
                Ok(Attempt::Ended(outcome)) => {
                    let is_migrated = matches!(outcome.state, State::Migrated { .. });
                    if has_taken && !is_migrated {
                        self.take_back(&release).await;
                    }
                    return outcome;
                }
                Err(stop) => return outcome(&release, stop.into(), Prepared::default()),
            }
        }
        if has_taken {
            self.take_back(&release).await;
        }
        let reason = format!(
            "its records change all the time: stop every Tiller of {}",
            self.plan.namespace
        );
        let is_passing = true;
        let state = State::Failed { reason, is_passing };
        outcome(&release, state, Prepared::default())
    }

    /// Tries to, once.
    async fn attempt(
        &self,
        release: &str,
        given: Option<Vec<Record>>,
        recorded: &Recorded,
    ) -> Result<Attempt, Stop> {
        let is_fresh = given.is_none();
        let records = match given {
            Some(records) => records,
            None => self.place.records(release, recorded).await?,
        };
        if records.is_empty() {
            let why = State::NotReady(vec!["Tiller has deleted it meanwhile".to_owned()]);
            return Ok(Attempt::Ended(outcome(release, why, Prepared::default())));
        }
        let (mut prepared, records, from) = self.prepare(records).await?;
        let mut shift = Shift::new(self.place, Direction::Aside, &records, from);
        if self.aside.contains_key(release)
            && let Some(blocked) = shift.look().await?
        {
            prepared.obstacles.push(format!(
                "{blocked}, of a release of this name that was migrated before, and that Tiller has recorded anew: if Helm 3 \
                 is to keep it, delete Tiller's records, and no object, with: kubectl -n {} delete configmaps,secrets -l \
                 OWNER=TILLER,NAME={release}",
                self.plan.namespace
            ));
        }
        self.look_at_target(release, &mut prepared);
        let existing = self.existing(release, is_fresh, &mut prepared).await?;
        let ready = State::Ready(prepared.secrets.len());
        if !prepared.obstacles.is_empty() {
            let why = State::NotReady(std::mem::take(&mut prepared.obstacles));
            return Ok(Attempt::Ended(outcome(release, why, prepared)));
        }
        if self.plan.effect == Effect::Look {
            return Ok(Attempt::Ended(outcome(release, ready, prepared)));
        }
        let Some(Count { written, unchanged }) = self.write(&prepared, &existing).await? else {
            return Ok(Attempt::Overtaken { has_begun: false });
        };
        if self.plan.effect == Effect::Try {
            return Ok(Attempt::Ended(outcome(release, ready, prepared)));
        }
        self.targets.compare(&prepared.secrets).await?;
        let shifted = if self.plan.keep {
            Shifted::All(0)
        } else {
            shift.run().await?
        };
        let state = match shifted {
            Shifted::All(aside) => State::Migrated {
                written,
                unchanged,
                aside,
            },
            Shifted::Overtaken => return Ok(Attempt::Overtaken { has_begun: true }),
            Shifted::Blocked(blocked) => State::NotReady(vec![blocked.to_string()]),
        };
        Ok(Attempt::Ended(outcome(release, state, prepared)))
    }

    /// Anyone with the right to write a record in Tiller's namespace chooses the namespace of Helm 3's record.
    fn look_at_target(&self, release: &str, prepared: &mut Prepared) {
        let is_of_system = |it: &str| it.starts_with("kube-");
        if is_of_system(&self.plan.namespace) || self.plan.releases.iter().any(|it| it == release) {
            return;
        }
        let targets = namespaces(&prepared.secrets);
        let system: Vec<_> = targets.into_iter().filter(|it| is_of_system(it)).collect();
        if !system.is_empty() {
            prepared.obstacles.push(format!(
                "its record says that it is in {}: give its name to migrate it there",
                system.join(" and ")
            ));
        }
    }

    /// Converts records on a blocking thread.
    async fn prepare(&self, records: Vec<Record>) -> Result<(Prepared, Vec<Record>, Shelf), Stop> {
        let migration = self.plan.migration;
        let prepared = spawn_blocking(move || {
            let prepared = migration.prepare(&records);
            let from = shelf(&records, Direction::Back);
            (prepared, records, from)
        });
        prepared
            .await
            .map_err(|error| Stop::Other(error.to_string()))
    }

    /// What Helm 3 has of the release already, by namespace and name. What is not ours is in the way.
    async fn existing(
        &self,
        release: &str,
        is_fresh: bool,
        prepared: &mut Prepared,
    ) -> Result<BTreeMap<(String, String), Value>, Stop> {
        let mut existing = BTreeMap::new();
        for namespace in namespaces(&prepared.secrets) {
            let found = if is_fresh {
                self.targets.listed(&namespace, release).await
            } else {
                self.targets.known(&namespace, release).await
            };
            match found? {
                Some(found) => existing.extend(found.into_iter().map(|it| (place(&it), it))),
                None => prepared
                    .obstacles
                    .push(format!("there is no namespace {namespace}")),
            }
        }
        for secret in &prepared.secrets {
            let place = place(secret);
            let at = (place.0.as_str(), place.1.as_str());
            if !existing.contains_key(&place) && self.targets.is_taken(at, is_fresh).await? {
                prepared.obstacles.push(format!(
                    "Secret {}/{} is in the way: it has no label owner=helm, so Helm 3 does not find it. Rename \
                     or delete it",
                    place.0, place.1
                ));
            }
        }
        let is_ours = |there: &Value| {
            is_made_by(there, &self.plan.namespace)
                || prepared.secrets.iter().any(|ours| is_of_ours(ours, there))
        };
        let newest = prepared.secrets.iter().filter_map(revision).max();
        let has_ours = existing.values().any(is_ours);
        // What Helm 3 has made since is newer than all of ours.
        let is_of_another =
            |there: &Value| !(is_ours(there) || has_ours && revision(there) > newest);
        let mut others: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for ((namespace, name), there) in &existing {
            if is_of_another(there) {
                others.entry(namespace).or_default().push(name);
            }
        }
        let mut makers = existing.values().filter(|there| is_of_another(there));
        let maker = makers.find_map(migrated_from);
        let whose = match maker {
            Some(from) => format!("made of {from}, a record of another Tiller"),
            None => "which is another".to_owned(),
        };
        let obstacles = others.iter().map(|(namespace, names)| {
            format!(
                "Helm 3 has a release of this name in {namespace}, {whose}: Secret {}; if this Tiller's is the one to keep, \
                 delete Helm 3's records, and no object, with: kubectl -n {namespace} delete secrets -l \
                 owner=helm,name={release}",
                names.join(", ")
            )
        });
        let obstacles: Vec<_> = obstacles.collect();
        prepared.obstacles.extend(obstacles);
        Ok(existing)
    }

    /// Writes what is not there; nothing where somebody came between.
    async fn write(
        &self,
        prepared: &Prepared,
        existing: &BTreeMap<(String, String), Value>,
    ) -> Result<Option<Count>, Stop> {
        let mut count = Count::default();
        // The newest goes first and alone, so that Helm 3 never takes an old one for what runs.
        for secret in &prepared.secrets {
            let (namespace, name) = place(secret);
            let writer = Writer {
                cluster: self.place.cluster,
                namespace: &namespace,
                storage: Storage::Secrets,
                dry_run: self.plan.effect == Effect::Try,
            };
            let written = match existing.get(&(namespace.clone(), name.clone())) {
                None => writer.create(&name, secret).await?,
                Some(there) if same(there, secret) || !is_made_by(there, &self.plan.namespace) => {
                    count.unchanged += 1;
                    continue;
                }
                Some(there) => {
                    let version = there
                        .pointer("/metadata/resourceVersion")
                        .and_then(Value::as_str);
                    writer
                        .replace(&name, secret.clone(), version.unwrap_or_default())
                        .await?
                }
            };
            match written {
                Written::Done(_) => count.written += 1,
                Written::Overtaken => return Ok(None),
            }
        }
        Ok(Some(count))
    }
}
