//! `tiller-guard releases show`.

use std::io::{self, Write as _};

use anyhow::{anyhow, bail};
use clap::{Args, ValueEnum};

use super::super::Exit;
use super::super::reach::{connect_patiently, on_runtime};
use super::files;
use super::place::{PlaceArguments, error, namespace_in};
use crate::cluster::releases;
use crate::releases::{self as records, Record, Storage, named, show};

/// Print a part of a release as `helm get` does, byte for byte
///
/// It may hold passwords.
///
/// Exit with 1 if it is not recorded or cannot be decoded, with 3 if a file cannot be read, and with 4 if the cluster does not
/// let you list it
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// The release
    #[arg(value_name = "NAME")]
    release: String,

    /// The part
    #[arg(value_name = "PART")]
    part: Part,

    /// The revision [default: the newest]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i32).range(1..))]
    revision: Option<i32>,

    /// Storage of the record, if it is in both
    #[arg(long, value_name = "STORAGE")]
    storage: Option<StorageArgument>,

    #[command(flatten)]
    place: PlaceArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Part {
    /// The values that were given
    Values,
    /// What was applied
    Manifest,
    /// Its hooks
    Hooks,
    /// What the chart printed
    Notes,
    /// The chart's Chart.yaml
    Chart,
}

/// A storage on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum StorageArgument {
    /// ConfigMaps
    #[value(alias = "configmap")]
    Configmaps,
    /// Secrets
    #[value(alias = "secret")]
    Secrets,
}

impl From<StorageArgument> for Storage {
    fn from(argument: StorageArgument) -> Self {
        match argument {
            StorageArgument::Configmaps => Self::ConfigMaps,
            StorageArgument::Secrets => Self::Secrets,
        }
    }
}

impl From<Part> for records::Part {
    fn from(part: Part) -> Self {
        match part {
            Part::Values => Self::Values,
            Part::Manifest => Self::Manifest,
            Part::Hooks => Self::Hooks,
            Part::Notes => Self::Notes,
            Part::Chart => Self::Chart,
        }
    }
}

/// What is looked for, and the best that was found.
struct Wanted {
    release: String,
    revision: Option<i32>,
    storages: Vec<Storage>,
    found: Vec<(i32, Record)>,
}

/// Shows.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments {
        release,
        part,
        revision,
        storage,
        place,
    } = arguments;
    let storages = storage.map_or_else(|| Storage::ALL.to_vec(), |storage| vec![storage.into()]);
    let mut wanted = Wanted {
        release,
        revision,
        storages,
        found: Vec::new(),
    };
    if place.files.is_empty() {
        return on_runtime(async {
            match wanted.look(place).await? {
                None => wanted.show(part.into()),
                Some(exit) => Ok(exit),
            }
        });
    }
    let unread = files::records(&place.files, |record| wanted.consider(record));
    for unread in &unread {
        error(unread)?;
    }
    // A newer revision may be among what could not be read.
    if unread.is_empty() {
        wanted.show(part.into())
    } else {
        Ok(Exit::Unreadable)
    }
}

// === impl Wanted ===

impl Wanted {
    /// Looks through the cluster; an exit code where that cannot be.
    async fn look(&mut self, place: PlaceArguments) -> anyhow::Result<Option<Exit>> {
        let cluster = match connect_patiently(place.reach).await? {
            Ok(cluster) => cluster,
            Err(exit) => return Ok(Some(exit)),
        };
        let namespace = namespace_in(&cluster, place.namespace.as_deref());
        let mut failed = None;
        for storage in self.storages.clone() {
            let name = self.release.clone();
            let keep = move |record: Record| is_of(&record, &name).then_some(record);
            let take = |record: Option<Record>| {
                if let Some(record) = record {
                    self.consider(record);
                }
            };
            let listed = releases::list(&cluster, storage, Some(&namespace), keep, take).await;
            failed = failed.or_else(|| listed.err());
        }
        if self.found.is_empty() && failed.is_none() {
            failed = releases::check_namespace(&cluster, &namespace).await.err();
        }
        match failed {
            Some(unlisted) if self.found.is_empty() => {
                error(format_args!("{:#}", anyhow!(unlisted)))?;
                Ok(Some(Exit::Unreachable))
            }
            _ => Ok(None),
        }
    }

    /// Keeps a record that is the one looked for, or newer than those that were found.
    fn consider(&mut self, record: Record) {
        let Some((_, revision)) = named(&record.name) else {
            return;
        };
        let is_wanted = self.revision.is_none_or(|wanted| wanted == revision);
        if !is_wanted || !is_of(&record, &self.release) || !self.storages.contains(&record.storage)
        {
            return;
        }
        let newest = self.found.first().map(|(revision, _)| *revision);
        // Files may hold one twice.
        let is_it = |it: &Record| it.to_string() == record.to_string();
        if self.found.iter().any(|(_, it)| is_it(it)) {
            return;
        }
        if newest.is_none_or(|newest| newest <= revision) {
            self.found.retain(|(found, _)| *found == revision);
            self.found.push((revision, record));
        }
    }

    fn show(self, part: records::Part) -> anyhow::Result<Exit> {
        let records: Vec<_> = self.found.into_iter().map(|(_, record)| record).collect();
        let record = match records.as_slice() {
            [record] => record,
            [] => {
                let of = self.revision.map(|it| format!("revision {it} of "));
                error(format_args!(
                    "{}release \"{}\" is not recorded",
                    of.unwrap_or_default(),
                    self.release
                ))?;
                return Ok(Exit::Findings);
            }
            [first, second, ..] => bail!(
                "{} is recorded as {first} and as {second}: give --storage, or the records of one Tiller",
                self.release
            ),
        };
        match record.decode() {
            Ok(release) => {
                let mut out = io::stdout().lock();
                out.write_all(&show(&release, part))?;
                out.flush()?;
                Ok(Exit::Clean)
            }
            Err(damaged) => {
                error(format_args!(
                    "{record} cannot be decoded: {:#}",
                    anyhow!(damaged)
                ))?;
                Ok(Exit::Findings)
            }
        }
    }
}

/// By the name of the record, which is where Tiller looks for a revision.
fn is_of(record: &Record, release: &str) -> bool {
    !record.is_aside() && named(&record.name).is_some_and(|(name, _)| name == release)
}
