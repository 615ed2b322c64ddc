//! The releases in the records.

use std::collections::BTreeMap;

use serde::Serialize;

use super::examine::{Examined, Revision};
use super::problem::{Problem, ProblemKind};
use super::record::Storage;
use super::status::Status;

/// The version of the JSON format.
pub const FORMAT_VERSION: u32 = 1;

/// Releases, and what is wrong with them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listing {
    /// [`FORMAT_VERSION`].
    pub version: u32,
    /// The releases, by Tiller's namespace, name and storage.
    pub releases: Vec<Row>,
    /// What is wrong, of all of them and of records that cannot be decoded.
    pub problems: Vec<Problem>,
}

/// A release, or one revision of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// The revision: the newest, unless all are listed.
    pub revision: i32,
    /// What became of it, in Helm 2's word.
    pub status: &'static str,
    /// The namespace that it was released into.
    pub namespace: String,
    /// The namespace of its Tiller.
    pub tiller_namespace: String,
    /// Where it is recorded.
    pub storage: Storage,
    /// The chart.
    pub chart: String,
    /// The chart's version.
    pub chart_version: String,
    /// The version of what the chart brings.
    pub app_version: String,
    /// When it was deployed, in RFC 3339.
    pub updated: Option<String>,
    /// The size of its record in bytes.
    pub size: usize,
    /// What is wrong with the release, each word once.
    pub problems: Vec<ProblemKind>,
}

/// What is known of the releases of a list, as the records come.
#[derive(Debug, Default)]
pub struct Inventory {
    /// The revisions by their records: what a list holds twice counts once, as the later one says.
    releases: BTreeMap<(String, String, Storage), BTreeMap<String, Revision>>,
    damaged: Vec<Problem>,
}

// === impl Inventory ===

impl Inventory {
    /// Adds a record.
    pub fn add(&mut self, examined: Examined) {
        match examined {
            Examined::Damaged(problem) => self.damaged.push(problem),
            Examined::Revision(revision) => {
                let key = (
                    revision.tiller_namespace.clone(),
                    revision.name.clone(),
                    revision.storage,
                );
                let of_release = self.releases.entry(key).or_default();
                let _earlier = of_release.insert(revision.record.clone(), *revision);
            }
        }
    }

    /// How many records there were.
    pub fn records(&self) -> usize {
        let decoded: usize = self.releases.values().map(BTreeMap::len).sum();
        decoded + self.damaged.len()
    }

    /// The list: with `all`, of every revision and of deleted releases too.
    pub fn listing(self, all: bool) -> Listing {
        let both: Vec<_> = self.recorded_twice();
        let (mut releases, mut problems) = (Vec::new(), self.damaged);
        problems.sort_by(|one, other| place(one).cmp(&place(other)));
        problems.dedup();
        for (key, revisions) in &self.releases {
            let mut revisions: Vec<&Revision> = revisions.values().collect();
            revisions.sort_by_key(|revision| revision.revision);
            let mut of_release: Vec<Problem> = Vec::new();
            of_release.extend(
                both.iter()
                    .filter(|(of, _)| of == key)
                    .map(|it| it.1.clone()),
            );
            of_release.extend(two_deployed(&revisions));
            let newest = revisions.len().saturating_sub(1);
            for (index, revision) in revisions.iter().enumerate() {
                let is_newest = index == newest;
                let own = revision.problems.iter();
                // What an old revision was applied with matters when somebody rolls back to it, and not before.
                let own = own.filter(|it| is_newest || it.problem != ProblemKind::RemovedApi);
                of_release.extend(own.cloned());
            }
            let kinds = kinds(&of_release);
            let shown = revisions.iter().enumerate();
            let shown = shown.filter(|(index, revision)| {
                all || *index == newest && revision.status != Status::Deleted
            });
            releases.extend(shown.map(|(_, revision)| row(revision, kinds.clone())));
            problems.extend(of_release);
        }
        Listing {
            version: FORMAT_VERSION,
            releases,
            problems,
        }
    }

    /// Those in both storages, each with its problem.
    fn recorded_twice(&self) -> Vec<((String, String, Storage), Problem)> {
        let keys = self.releases.iter();
        let twice = keys.filter_map(|(key, revisions)| {
            let (namespace, name, storage) = key;
            let other = (namespace.clone(), name.clone(), storage.other());
            let others = self.releases.get(&other)?;
            let newest = revisions.values().max_by_key(|it| it.revision)?;
            let newest_there = others.values().map(|it| it.revision).max()?;
            Some((
                key.clone(),
                Problem {
                    problem: ProblemKind::BothStorages,
                    release: name.clone(),
                    revision: None,
                    tiller_namespace: namespace.clone(),
                    storage: *storage,
                    record: newest.record.clone(),
                    message: format!(
                        "{name} is recorded in {} up to revision {} and in {} up to revision {newest_there}; a Tiller \
                         sees only one of them",
                        storage.as_str(),
                        newest.revision,
                        storage.other().as_str()
                    ),
                    remedy: format!(
                        "find out which Tiller works in {namespace}; `tiller-guard releases move -n {namespace}` moves \
                         records to where it looks"
                    ),
                },
            ))
        });
        twice.collect()
    }
}

fn place(problem: &Problem) -> (&str, &str, Storage) {
    (&problem.tiller_namespace, &problem.record, problem.storage)
}

/// Several revisions that say they are what runs. Helm 2.7.2 leaves them so after a failed upgrade and a rollback.
fn two_deployed(revisions: &[&Revision]) -> Option<Problem> {
    let deployed: Vec<_> = revisions
        .iter()
        .filter(|revision| revision.status == Status::Deployed)
        .collect();
    let [first, .., last] = deployed.as_slice() else {
        return None;
    };
    let numbers: Vec<_> = deployed.iter().map(|it| it.revision.to_string()).collect();
    Some(Problem {
        problem: ProblemKind::TwoDeployed,
        release: last.name.clone(),
        revision: None,
        tiller_namespace: last.tiller_namespace.clone(),
        storage: last.storage,
        record: first.record.clone(),
        message: format!(
            "revisions {} of {} are all DEPLOYED",
            numbers.join(", "),
            last.name
        ),
        remedy: format!(
            "upgrade or roll back {} by Tiller 2.17.0, which takes the newest for what runs",
            last.name
        ),
    })
}

fn kinds(problems: &[Problem]) -> Vec<ProblemKind> {
    let mut kinds: Vec<_> = problems.iter().map(|it| it.problem).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

fn row(revision: &Revision, problems: Vec<ProblemKind>) -> Row {
    let revision = revision.clone();
    Row {
        name: revision.name,
        revision: revision.revision,
        status: revision.status.as_str(),
        namespace: revision.namespace,
        tiller_namespace: revision.tiller_namespace,
        storage: revision.storage,
        chart: revision.chart,
        chart_version: revision.chart_version,
        app_version: revision.app_version,
        updated: revision.updated,
        size: revision.size,
        problems,
    }
}
