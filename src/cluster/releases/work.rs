//! One release at a time, on its way to Helm 3.

use std::collections::BTreeMap;

use serde_json::Value;
use tokio::task::spawn_blocking;

use super::aside::{Shift, Shifted};
use super::gather::{Group, Place, Recorded, Taken};
use super::helm3::{is_of_ours, namespaces, place, revision};
use super::migration::Migrate;
use super::outcome::{Effect, Outcome, State, Stop, outcome};
use super::retract::Trace;
use super::target::Targets;
use super::write::{Writer, Written};
use crate::releases::aside::{Direction, Shelf, aside_name, shelf};
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
    /// Objects that have the names of records that are set aside.
    pub(super) taken: Taken,
    /// Records that Tiller does not find, by release.
    pub(super) misspelt: BTreeMap<String, Vec<String>>,
    /// The rights in Tiller's namespace that are missing.
    pub(super) lacking: Vec<String>,
}

/// How far one attempt at a release has come.
enum Attempt {
    /// To its end.
    Ended(Outcome),
    /// Somebody came between.
    Overtaken,
}

/// What was written of a release.
#[derive(Default)]
struct Count {
    written: usize,
    unchanged: usize,
}

// === impl Work ===

impl Work<'_> {
    /// Migrates a release. If that fails, Tiller alone has it where that is possible, and the outcome says so if not.
    pub(super) async fn release(&self, group: Group, recorded: &Recorded) -> Outcome {
        let Group { release, records } = group;
        let mut trace = Trace::default();
        let attempts = self.attempts(&release, records, recorded, &mut trace);
        let mut outcome = attempts.await;
        match &mut outcome.state {
            State::Failed { reason, .. } => {
                if let Some(left) = self.undo(&release, recorded, &trace).await {
                    *reason = format!("{reason}; {left}");
                }
            }
            State::NotReady(why) => why.extend(self.undo(&release, recorded, &trace).await),
            State::Ready(_) if trace.had_some => outcome.remarks.push(self.both(&release)),
            _ => {}
        }
        outcome
    }

    /// Tries again until nobody else writes the release's records at the same time.
    async fn attempts(
        &self,
        release: &str,
        records: Vec<Record>,
        recorded: &Recorded,
        trace: &mut Trace,
    ) -> Outcome {
        let mut given = Some(records);
        for _round in 0..ROUNDS {
            match self.attempt(release, given.take(), recorded, trace).await {
                Ok(Attempt::Overtaken) => {}
                Ok(Attempt::Ended(outcome)) => return outcome,
                Err(stop) => return outcome(release, stop.into(), Prepared::default()),
            }
        }
        let reason = format!(
            "its records change all the time: stop every Tiller of {}",
            self.plan.namespace
        );
        let is_passing = true;
        let state = State::Failed { reason, is_passing };
        outcome(release, state, Prepared::default())
    }

    /// Tries to, once.
    async fn attempt(
        &self,
        release: &str,
        given: Option<Vec<Record>>,
        recorded: &Recorded,
        trace: &mut Trace,
    ) -> Result<Attempt, Stop> {
        let is_fresh = given.is_none();
        let records = match given {
            Some(records) => records,
            None => self.place.records(release, recorded).await?,
        };
        trace.names = records.iter().map(|record| record.name.clone()).collect();
        if records.is_empty() {
            let why = State::NotReady(vec!["Tiller has deleted it meanwhile".to_owned()]);
            return Ok(Attempt::Ended(outcome(release, why, Prepared::default())));
        }
        let (mut prepared, records, from) = self.prepare(records).await?;
        let mut shift = Shift::new(self.place, Direction::Aside, &records, from);
        self.look_aside(release, &records, &mut shift, &mut prepared)
            .await?;
        prepared.obstacles.extend(self.unfound(release));
        self.look_at_target(release, &mut prepared);
        let existing = self.existing(release, is_fresh, &mut prepared).await?;
        trace.look(&existing, &self.plan.namespace);
        self.look_at_rights(&mut prepared).await?;
        let ready = State::Ready(prepared.secrets.len());
        if !prepared.obstacles.is_empty() {
            let why = State::NotReady(std::mem::take(&mut prepared.obstacles));
            return Ok(Attempt::Ended(outcome(release, why, prepared)));
        }
        if self.plan.effect == Effect::Look {
            return Ok(Attempt::Ended(outcome(release, ready, prepared)));
        }
        let Some(count) = self.write(&prepared, &existing, trace).await? else {
            return Ok(Attempt::Overtaken);
        };
        if self.plan.effect == Effect::Try {
            return Ok(Attempt::Ended(outcome(release, ready, prepared)));
        }
        self.targets.compare(&prepared.secrets).await?;
        let shifted = if self.plan.keep {
            Shifted::All(0)
        } else {
            let shifted = shift.run().await;
            trace.is_leaving = shifted.is_err() && shift.is_leaving();
            shifted?
        };
        let state = match shifted {
            Shifted::All(_) if shift.gone() > 0 => {
                // It is Helm 3's now.
                *trace = Trace::default();
                purged(release, &prepared)
            }
            Shifted::All(aside) => State::Migrated {
                written: count.written,
                unchanged: count.unchanged,
                aside,
            },
            Shifted::Overtaken => {
                trace.has_taken = true;
                return Ok(Attempt::Overtaken);
            }
            Shifted::Blocked(blocked) => State::NotReady(vec![blocked.to_string()]),
        };
        Ok(Attempt::Ended(outcome(release, state, prepared)))
    }

    /// Objects that already have the names which the records get when they are set aside.
    async fn look_aside(
        &self,
        release: &str,
        records: &[Record],
        shift: &mut Shift<'_>,
        prepared: &mut Prepared,
    ) -> Result<(), Stop> {
        let is_taken = |it: &Record| self.taken.contains(&(it.storage, aside_name(&it.name)));
        let is_before = self.aside.contains_key(release);
        let is_due = is_before || !self.plan.keep && records.iter().any(is_taken);
        if !is_due {
            return Ok(());
        }
        let Some(blocked) = shift.look().await? else {
            return Ok(());
        };
        prepared.obstacles.push(if is_before {
            format!(
                "{blocked}, of a release of this name that was migrated before, and that Tiller has recorded anew: if Helm 3 \
                 is to keep it, delete Tiller's records, and no object, with: kubectl -n {} delete configmaps,secrets -l \
                 OWNER=TILLER,NAME={release}",
                self.plan.namespace
            )
        } else {
            format!("{blocked}; rename or delete it")
        });
        Ok(())
    }

    /// Records of a release that Tiller does not find: its history would lack them.
    pub(super) fn unfound(&self, release: &str) -> Option<String> {
        let records = self.misspelt.get(release)?.join(", ");
        Some(format!(
            "no label OWNER=TILLER: {records}; label or delete them, as `tiller-guard releases list -n {}` says",
            self.plan.namespace
        ))
    }

    /// Whether the current user may do all that follows.
    async fn look_at_rights(&self, prepared: &mut Prepared) -> Result<(), Stop> {
        let mut lacking = self.lacking.clone();
        for namespace in namespaces(&prepared.secrets) {
            lacking.extend(self.targets.lacking(&namespace).await?);
        }
        if !lacking.is_empty() {
            let why = lacking.join(", ");
            prepared.obstacles.push(format!("you may not {why}"));
        }
        Ok(())
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
        trace: &mut Trace,
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
            let there = existing.get(&(namespace.clone(), name.clone()));
            let written = match there {
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
                Written::Done(version) => {
                    count.written += 1;
                    if there.is_none() && !writer.dry_run {
                        trace.created.insert((namespace, name), version);
                    }
                }
                Written::Overtaken => return Ok(None),
            }
        }
        Ok(Some(count))
    }
}

/// That somebody else has deleted Tiller's records while they were copied.
fn purged(release: &str, prepared: &Prepared) -> State {
    let namespaces: Vec<_> = namespaces(&prepared.secrets).into_iter().collect();
    let namespaces = namespaces.join(" and ");
    State::Failed {
        reason: format!(
            "Helm 3 has it now, but somebody else deleted Tiller's records meanwhile. If that was a Tiller, it has deleted the \
             objects of the release too: look for them in {namespaces}, and if there are none, run: helm uninstall {release} -n \
             {namespaces}"
        ),
        is_passing: false,
    }
}
