//! The releases in the records.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::examine::{Examined, Revision, is_plain};
use super::pending::pending_remedy;
use super::problem::{Problem, ProblemKind};
use super::record::Storage;
use super::status::Status;
use crate::gather::Gather as _;

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
    /// What Tiller does not see any more.
    pub set_aside: Vec<Aside>,
}

/// A release with records that are set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Aside {
    /// Its name.
    pub name: String,
    /// The namespace of its Tiller.
    pub tiller_namespace: String,
    /// Where they are kept.
    pub storage: Storage,
    /// Their number.
    pub records: usize,
    /// The command that has set them aside: `migrate` or `move`.
    pub by: &'static str,
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
    releases: BTreeMap<Key, Vec<Revision>>,
    damaged: Vec<Problem>,
    /// How many, by release and by whether it was migrated.
    aside: BTreeMap<(Key, bool), usize>,
    /// What Helm 3 has: namespaces and names.
    of_helm3: BTreeSet<(String, String)>,
    /// Each by its storage, namespace and name: files may hold one twice.
    seen: BTreeSet<(Storage, String, String)>,
}

/// Tiller's namespace, release and storage.
type Key = (String, String, Storage);

// === impl Inventory ===

impl Inventory {
    /// Adds a record.
    pub fn add(&mut self, examined: Examined) {
        let (storage, namespace, record) = match &examined {
            Examined::Damaged(it) => (it.storage, &it.tiller_namespace, &it.record),
            Examined::Aside(it) => (it.storage, &it.tiller_namespace, &it.record),
            Examined::Revision(it) => (it.storage, &it.tiller_namespace, &it.record),
        };
        if !self
            .seen
            .insert((storage, namespace.clone(), record.clone()))
        {
            return;
        }
        match examined {
            Examined::Damaged(problem) => self.damaged.push(problem),
            Examined::Aside(aside) => {
                let key = (aside.tiller_namespace, aside.name, aside.storage);
                *self.aside.entry((key, aside.is_migrated)).or_default() += 1;
            }
            Examined::Revision(revision) => {
                let key = (
                    revision.tiller_namespace.clone(),
                    revision.name.clone(),
                    revision.storage,
                );
                self.releases.entry(key).or_default().push(*revision);
            }
        }
    }

    /// How many records there were.
    pub fn records(&self) -> usize {
        self.seen.len()
    }

    /// The namespaces that the releases are in.
    pub fn namespaces(&self) -> BTreeSet<String> {
        let revisions = self.releases.values().flatten();
        let namespaces = revisions.map(|revision| revision.namespace.clone());
        namespaces.filter(|it| !it.is_empty()).gather()
    }

    /// Adds the namespaces and names of releases that Helm 3 has.
    pub fn add_of_helm3(&mut self, releases: BTreeSet<(String, String)>) {
        self.of_helm3.extend(releases);
    }

    /// The list: with `all`, of every revision and of deleted releases too.
    pub fn listing(mut self, all: bool) -> Listing {
        let both: Vec<_> = self.recorded_twice();
        let (mut releases, mut problems) = (Vec::new(), self.damaged);
        problems.sort_by(|one, other| place(one).cmp(&place(other)));
        for (key, revisions) in &mut self.releases {
            revisions.sort_by_key(|revision| revision.revision);
            let mut of_release: Vec<Problem> = Vec::new();
            let twice = both.iter().find(|(of, _)| of.0 == key.0 && of.1 == key.1);
            of_release.extend(twice.map(|it| it.1.clone()));
            of_release.extend(two_deployed(revisions));
            of_release.extend(two_owners(revisions, &self.of_helm3));
            let newest = revisions.len().saturating_sub(1);
            for (index, revision) in revisions.iter().enumerate() {
                let is_newest = index == newest;
                let own = revision.problems.iter();
                // What an old revision was applied with matters when somebody rolls back to it, and not before. One that was
                // left pending harms nothing below a newer one, and nothing ends it.
                let own = own.filter(|it| {
                    let is_of_newest =
                        matches!(it.problem, ProblemKind::RemovedApi | ProblemKind::Pending);
                    is_newest || !is_of_newest
                });
                of_release.extend(own.cloned().map(|it| with_remedy(it, revision, revisions)));
            }
            let kinds = kinds(&of_release);
            let shown = revisions.iter().enumerate();
            let shown = shown.filter(|(index, revision)| {
                all || *index == newest && revision.status != Status::Deleted
            });
            releases.extend(shown.map(|(_, revision)| row(revision, kinds.clone())));
            // A problem that concerns both storages is reported only once.
            of_release.retain(|it| it.storage == key.2);
            problems.extend(of_release);
        }
        let set_aside = self.aside.into_iter().map(aside).collect();
        Listing {
            version: FORMAT_VERSION,
            releases,
            problems,
            set_aside,
        }
    }

    /// Those in both storages, by that in ConfigMaps.
    fn recorded_twice(&self) -> Vec<(Key, Problem)> {
        let keys = self.releases.iter();
        let first = keys.filter(|(key, _)| key.2 == Storage::ConfigMaps);
        let twice = first.filter_map(|(key, revisions)| {
            let (namespace, name, storage) = key;
            let other = (namespace.clone(), name.clone(), storage.other());
            let others = self.releases.get(&other)?;
            let newest = revisions.iter().max_by_key(|it| it.revision)?;
            let newest_there = others.iter().map(|it| it.revision).max()?;
            let is_same = same(revisions, others);
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
                        "{name} is recorded in {} up to revision {} and in {} up to revision {newest_there}, {}; a Tiller sees \
                         only one of them",
                        storage.as_str(),
                        newest.revision,
                        storage.other().as_str(),
                        if is_same { "with the same revisions" } else { "and they differ" }
                    ),
                    remedy: if is_same {
                        format!("tiller-guard releases move --to secrets -n {namespace}")
                    } else {
                        format!(
                            "compare them with `tiller-guard releases show -n {namespace} --storage …`, and delete those that no \
                             Tiller works with"
                        )
                    },
                },
            ))
        });
        twice.collect()
    }
}

fn aside(((key, is_migrated), records): ((Key, bool), usize)) -> Aside {
    let (tiller_namespace, name, storage) = key;
    Aside {
        name,
        tiller_namespace,
        storage,
        records,
        by: if is_migrated { "migrate" } else { "move" },
    }
}

/// Whether the records in both storages tell the same.
fn same(one: &[Revision], other: &[Revision]) -> bool {
    let told = |revisions: &[Revision]| -> BTreeSet<_> {
        let told = |it: &Revision| (it.revision, it.status, it.updated.clone(), it.size);
        revisions.iter().map(told).collect()
    };
    told(one) == told(other)
}

/// Of a pending revision, with the revision to go back to.
fn with_remedy(problem: Problem, revision: &Revision, revisions: &[Revision]) -> Problem {
    if problem.problem != ProblemKind::Pending {
        return problem;
    }
    let mut newest_first = revisions.iter().rev();
    let running = newest_first.find(|it| it.status == Status::Deployed);
    let running = running.map(|it| it.revision);
    Problem {
        remedy: pending_remedy(&revision.name, revision.status, running),
        ..problem
    }
}

fn place(problem: &Problem) -> (&str, &str, Storage) {
    (&problem.tiller_namespace, &problem.record, problem.storage)
}

/// Several revisions that say they are what runs. Helm 2.7.2 leaves them so after a failed upgrade and a rollback.
fn two_deployed(revisions: &[Revision]) -> Option<Problem> {
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

/// A release that Tiller and Helm 3 both have. One that Tiller has deleted but not purged runs nothing.
fn two_owners(revisions: &[Revision], of_helm3: &BTreeSet<(String, String)>) -> Option<Problem> {
    let newest = revisions.last()?;
    if newest.status == Status::Deleted {
        return None;
    }
    let place = |it: &Revision| (it.namespace.clone(), it.name.clone());
    let mut newest_first = revisions.iter().rev();
    let shared = newest_first.find(|it| of_helm3.contains(&place(it)))?;
    let (name, namespace) = (&newest.name, &newest.tiller_namespace);
    Some(Problem {
        problem: ProblemKind::TwoOwners,
        release: name.clone(),
        revision: None,
        tiller_namespace: namespace.clone(),
        storage: newest.storage,
        record: newest.record.clone(),
        message: format!(
            "Helm 3 has a release {name} in {} too: Tiller and Helm 3 can each change or delete what runs",
            shared.namespace
        ),
        remedy: if is_plain(name) && is_plain(namespace) {
            format!(
                "leave it to Helm 3: tiller-guard releases migrate --to helm3 -n {namespace} {name}; or to Tiller: tiller-guard \
                 releases restore {name} -n {namespace}"
            )
        } else {
            "leave it to Helm 3 with `tiller-guard releases migrate`, or to Tiller with `tiller-guard releases restore`".to_owned()
        },
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
