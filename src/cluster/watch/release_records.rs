//! Counts release records at intervals. The watch of ConfigMaps keeps no labels, and Secrets need a right of their own.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::time::sleep;
use tracing::debug;

use super::status::{Status, set};
use crate::cluster::lookup::each_record;
use crate::cluster::told::words;
use crate::releases::{Census, Storage};

/// Between two counts.
const LOOK: Duration = Duration::from_mins(5);

/// How many there are, and what is wrong with them.
#[derive(Debug, Default)]
pub(super) struct RecordGauges {
    records: Family<StorageLabels, Gauge>,
    problems: Family<ProblemLabels, Gauge>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StorageLabels {
    storage: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProblemLabels {
    storage: &'static str,
    problem: &'static str,
}

/// Counts for ever.
pub(super) async fn look(client: Client, status: Arc<Status>) {
    loop {
        let (mut census, mut counted) = (Census::default(), Vec::new());
        for storage in Storage::ALL {
            match count(&client, storage, &mut census).await {
                Ok(()) => counted.push(storage),
                Err(error) => {
                    census.forget(storage);
                    debug!(error = %words(&error), storage = storage.as_str(), "release records not counted");
                }
            }
        }
        status.release_records().show(&census, &counted);
        sleep(LOOK).await;
    }
}

async fn count(client: &Client, storage: Storage, census: &mut Census) -> kube::Result<()> {
    let mut unread = None;
    let take = |record: Box<serde_json::value::RawValue>| {
        if let Err(error) = census.add(storage, &record) {
            unread = Some(error);
        }
    };
    each_record(client, None, storage.as_str(), take).await?;
    unread.map_or(Ok(()), |error| Err(kube::Error::SerdeError(error)))
}

// === impl RecordGauges ===

impl RecordGauges {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "release_records",
            "Release records of Helm 2",
            self.records.clone(),
        );
        registry.register(
            "release_problems",
            "Problems that the metadata of release records show",
            self.problems.clone(),
        );
    }

    /// Sets the gauges of the storages that were counted, and removes the others.
    fn show(&self, census: &Census, counted: &[Storage]) {
        for storage in Storage::ALL {
            let is_counted = counted.contains(&storage);
            let labels = StorageLabels {
                storage: storage.as_str(),
            };
            if is_counted {
                let gauge = self.records.get_or_create_owned(&labels);
                set(&gauge, census.records(storage));
            } else {
                self.records.remove(&labels);
            }
            for problem in Census::PROBLEMS {
                let labels = ProblemLabels {
                    storage: storage.as_str(),
                    problem: problem.as_str(),
                };
                if is_counted {
                    let gauge = self.problems.get_or_create_owned(&labels);
                    set(&gauge, census.problems(storage, problem));
                } else {
                    self.problems.remove(&labels);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text;

    use super::*;

    #[test]
    fn what_may_not_be_listed_is_not_shown_as_none() {
        let gauges = RecordGauges::default();
        let mut registry = Registry::default();
        gauges.register(&mut registry);
        for (counted, has_secrets) in [
            (&Storage::ALL[..], true),
            (&[Storage::ConfigMaps], false),
            (&[], false),
        ] {
            gauges.show(&Census::default(), counted);
            let mut written = String::new();
            text::encode(&mut written, &registry).unwrap();
            assert_eq!(written.contains("\"secrets\""), has_secrets, "{written}");
            let has_maps = written.contains("\"configmaps\",problem=\"pending\"} 0\n");
            assert_eq!(has_maps, !counted.is_empty(), "{written}");
        }
    }
}
