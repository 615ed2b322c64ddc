//! Releases given back to Tiller: its records come back first, where it looks for them; then Helm 3's are deleted, then what was
//! set aside.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;

use super::aside::{Shift, Shifted};
use super::gather::{Group, Place, Recorded};
use super::halt::Halt;
use super::helm3::{place, text};
use super::list::{ListError, check_namespace};
use super::lock::alone;
use super::outcome::{MigrateError, Stop, Tillers};
use super::taken::{Taken, retract_all, retract_rest};
use super::target::Targets;
use super::tiller::Found;
use super::write::{WriteError, Writer, Written};
use crate::cluster::Cluster;
use crate::gather::Gather as _;
use crate::provision::Names;
use crate::releases::aside::{Direction, shelf};
use crate::releases::helm3::is_made_by;
use crate::releases::{OWNER, Record, Storage};

/// The releases to give back.
#[derive(Debug, Clone)]
pub struct Restore {
    /// Tiller's namespace.
    pub namespace: String,
    /// These releases; all that are set aside where none is named.
    pub releases: Vec<String>,
    /// Whether nothing is written.
    pub dry_run: bool,
    /// Called with a sentence to print if this run waits for another run on the same releases.
    pub waits: fn(&str),
}

/// What became of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restored {
    /// It cannot be given back, for these reasons.
    NotReady(Vec<String>),
    /// It can be.
    Ready {
        /// So many records.
        records: usize,
        /// Whether Helm 3 has no record of it.
        is_unknown: bool,
    },
    /// Tiller has it.
    Done {
        /// Records that Tiller sees again.
        records: usize,
        /// Secrets of Helm 3 that were deleted.
        deleted: usize,
        /// Whether Helm 3 had no record of it.
        is_unknown: bool,
    },
    /// Tiller has it still, and Helm 3 no longer has what a migration had left.
    Retracted {
        /// Secrets of Helm 3 that were deleted.
        deleted: usize,
        /// Whether they only would be.
        dry_run: bool,
    },
    /// Something went wrong.
    Failed {
        /// What.
        reason: String,
        /// Whether another run may go on.
        is_passing: bool,
    },
}

impl Restore {
    /// Restores the releases, and reports each one when it is done. A Tiller that an earlier run has stopped is started again. What became
    /// of Tiller.
    pub async fn run(
        &self,
        cluster: &Cluster,
        tell: impl FnMut(&str, Restored),
    ) -> Result<Tillers, MigrateError> {
        let work = Box::pin(self.work(cluster, tell));
        if self.dry_run {
            return work.await;
        }
        alone(
            (cluster, &self.namespace),
            ("releases restore", self.waits),
            OWNER.0,
            work,
        )
        .await
    }

    async fn work(
        &self,
        cluster: &Cluster,
        tell: impl FnMut(&str, Restored),
    ) -> Result<Tillers, MigrateError> {
        let place = Place {
            cluster,
            namespace: &self.namespace,
        };
        self.releases(place, tell).await?;
        let halt = Halt::new(cluster, &self.namespace, Duration::ZERO);
        if self.dry_run {
            return Ok(halt.at_zero().await);
        }
        let recorded = place.recorded(Direction::Back).await?;
        Ok(match halt.start_again(&recorded).await? {
            Tillers::None => halt.at_zero().await,
            tillers => tillers,
        })
    }

    async fn releases(
        &self,
        place: Place<'_>,
        mut tell: impl FnMut(&str, Restored),
    ) -> Result<(), MigrateError> {
        let cluster = place.cluster;
        let mut aside = place.recorded(Direction::Aside).await?;
        if aside.is_empty() {
            check_namespace(cluster, &self.namespace).await?;
        }
        let targets = Targets::new(cluster);
        let failed = |stop: Stop| Restored::Failed {
            reason: stop.to_string(),
            is_passing: stop.is_passing(),
        };
        let is_here = |it: &&String| aside.contains_key(*it);
        let is_all = self.releases.is_empty();
        let recorded = if is_all || !self.releases.iter().all(|it| is_here(&it)) {
            place.recorded(Direction::Back).await?
        } else {
            Recorded::new()
        };
        let mut tell_left = |release: &str, left: Result<Restored, Stop>| {
            tell(release, left.unwrap_or_else(failed));
        };
        for release in self.releases.iter().filter(|it| !is_here(it)) {
            let left = self.left(place, &targets, release, &recorded).await;
            tell_left(release, left);
        }
        if is_all {
            let mut others = recorded;
            others.retain(|it, _| !aside.contains_key(it));
            retract_all(place, &targets, &others, self.dry_run, tell_left).await?;
        }
        if !self.releases.is_empty() {
            aside.retain(|name, _| self.releases.contains(name));
        }
        if aside.is_empty() {
            return Ok(());
        }
        let tiller = Halt::new(cluster, &self.namespace, Duration::ZERO);
        let tiller = tiller.found().await?;
        let elsewhere = tiller.as_ref().and_then(Found::elsewhere);
        if let Some(elsewhere) = elsewhere {
            let why = format!(
                "Deployment {}/{} has --storage={}: Tiller would not see it",
                self.namespace,
                Names::TILLER,
                elsewhere.as_str()
            );
            let releases = aside.keys();
            releases.for_each(|it| tell(it, Restored::NotReady(vec![why.clone()])));
            return Ok(());
        }
        let to = tiller.as_ref().and_then(Found::storage);
        each(
            place,
            &aside,
            Direction::Aside,
            async |Group { release, records }| {
                let terms = Terms {
                    to,
                    is_named: !self.releases.is_empty(),
                    dry_run: self.dry_run,
                };
                let restored = give_back(place, &targets, &release, &records, terms).await;
                tell(&release, restored.unwrap_or_else(failed));
            },
        )
        .await?;
        Ok(())
    }

    /// Takes from Helm 3 what it has of a release of which nothing is set aside.
    async fn left(
        &self,
        place: Place<'_>,
        targets: &Targets<'_>,
        release: &str,
        recorded: &Recorded,
    ) -> Result<Restored, Stop> {
        let records = if recorded.contains_key(release) {
            place.records(release, recorded).await?
        } else {
            Vec::new()
        };
        let left = retract_rest(place, targets, (release, &records), self.dry_run).await?;
        Ok(left.unwrap_or_else(|| {
            let why = format!("nothing of it is set aside in {}", place.namespace);
            Restored::NotReady(vec![why])
        }))
    }
}

/// How a release is given back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// To which storage; where its records lie if none is given.
    pub(super) to: Option<Storage>,
    /// Whether it was named: only then does one come back that Helm 3 has no record of.
    pub(super) is_named: bool,
    /// Whether nothing is written.
    pub(super) dry_run: bool,
}

/// Gives one release back.
pub(super) async fn give_back(
    tillers: Place<'_>,
    targets: &Targets<'_>,
    release: &str,
    records: &[Record],
    terms: Terms,
) -> Result<Restored, Stop> {
    let from = shelf(records, Direction::Aside);
    let is_whole = |it: &Storage| records.iter().all(|record| record.storage == *it);
    let mut shift = Shift::new(tillers, Direction::Back, records, from);
    if let Some(to) = terms.to.filter(|to| !is_whole(to)) {
        if !Storage::ALL.iter().any(is_whole) {
            return Ok(Restored::NotReady(vec![format!(
                "it is set aside in configmaps and in secrets: rename or delete the records that are not the ones to give \
                 back, with the label OWNER=MIGRATED,NAME={release}"
            )]));
        }
        shift = shift.into_storage(to);
    }
    let mut obstacles = Vec::new();
    if let Some(blocked) = shift.look().await? {
        obstacles.push(match shift.moved_from() {
            None => format!("Tiller has recorded it anew: {blocked}"),
            Some(from) => format!(
                "a move has set its records aside in {}, and has not ended: finish it, and run this again: tiller-guard releases \
                 move --to {} -n {}",
                from.as_str(),
                from.other().as_str(),
                tillers.namespace
            ),
        });
    }
    let (ours, others) = of_helm3(tillers, targets, release, records).await?;
    if let Some(other) = others.first() {
        obstacles.push(changed(other, release));
    }
    // Helm 3's records go once Tiller has its own.
    let is_unknown = ours.is_empty() && others.is_empty() && !shift.is_begun();
    if is_unknown && !terms.is_named {
        obstacles.push(format!(
            "Helm 3 has no record of it, so it was probably uninstalled; to give it back all the same, name it: \
             tiller-guard releases restore {release} -n {}",
            tillers.namespace
        ));
    }
    if !obstacles.is_empty() {
        return Ok(Restored::NotReady(obstacles));
    }
    if terms.dry_run {
        let records = records.len();
        return Ok(Restored::Ready {
            records,
            is_unknown,
        });
    }
    let overtaken = || Stop::Other("somebody else writes its records at the same time".to_owned());
    match shift.copy().await? {
        Shifted::All(_) => {}
        Shifted::Overtaken => return Err(overtaken()),
        Shifted::Blocked(blocked) => return Ok(Restored::NotReady(vec![blocked.to_string()])),
    }
    let taken = Taken {
        tillers,
        targets,
        release,
        records,
    };
    if let Some(reason) = taken.take_from_helm3(&ours).await? {
        let is_passing = false;
        return Ok(Restored::Failed { reason, is_passing });
    }
    let deleted = ours.len();
    match shift.run().await? {
        Shifted::All(records) => Ok(Restored::Done {
            records,
            deleted,
            is_unknown,
        }),
        Shifted::Overtaken => Err(overtaken()),
        Shifted::Blocked(blocked) => Ok(Restored::NotReady(vec![blocked.to_string()])),
    }
}

/// Helm 3's Secrets of a release: those that were made of these records and that it has not touched, and the places of others.
pub(super) async fn of_helm3(
    tillers: Place<'_>,
    targets: &Targets<'_>,
    release: &str,
    records: &[Record],
) -> Result<(Vec<Value>, Vec<(String, String)>), Stop> {
    let (mut ours, mut others) = (Vec::new(), Vec::new());
    for namespace in released_to(records) {
        let found = targets.current(&namespace, release).await;
        for secret in found?.into_iter().flatten() {
            if is_made_by(&secret, tillers.namespace) {
                ours.push(secret);
            } else {
                others.push(place(&secret));
            }
        }
    }
    Ok((ours, others))
}

/// The namespaces that revisions were released to.
pub(super) fn released_to(records: &[Record]) -> BTreeSet<String> {
    let decoded = records.iter().filter_map(|record| record.decode().ok());
    let namespaces = decoded.map(|release| release.namespace);
    namespaces.filter(|it| !it.is_empty()).gather()
}

/// Why a release is not given back after Helm 3 wrote to it, and what to do.
pub(super) fn changed((namespace, name): &(String, String), release: &str) -> String {
    format!(
        "Helm 3 has changed it since: Secret {namespace}/{name}; to give Tiller what it had before, delete Helm 3's records \
         first, and no object, with: kubectl -n {namespace} delete secrets -l owner=helm,name={release}"
    )
}

/// Deletes a Secret of Helm 3, if it still is of this version.
pub(super) async fn delete(cluster: &Cluster, secret: &Value) -> Result<Written, WriteError> {
    let (namespace, name) = place(secret);
    let writer = Writer {
        cluster,
        namespace: &namespace,
        storage: Storage::Secrets,
        dry_run: false,
    };
    let version = text(secret, "/metadata/resourceVersion");
    writer.delete(&name, &version).await
}

/// The records of releases, one release after the other.
pub(super) async fn each(
    tillers: Place<'_>,
    releases: &Recorded,
    whose: Direction,
    mut take: impl AsyncFnMut(Group),
) -> Result<(), ListError> {
    let (sender, mut receiver) = mpsc::channel(1);
    let gathered = tillers.gather(releases, whose, sender);
    let taken = async {
        while let Some(group) = receiver.recv().await {
            take(group).await;
        }
    };
    tokio::join!(gathered, taken).0
}
