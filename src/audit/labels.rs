//! The labels of a Tiller's pods, by which Services select them.

use std::collections::BTreeMap;

use super::workloads::{Kept, Key};
use crate::policy::WorkloadKind;

/// The labels of a pod, or of the pods that an object makes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Labels<'k> {
    /// What is written.
    own: &'k BTreeMap<String, String>,
    /// The object whose controller adds others; `None` for a pod, which shows them.
    maker: Option<&'k Key>,
}

/// Of each pod that has not finished, and of the template from which the next one is made. Without pods, labels that a controller
/// computes may have any value. The first member is the object that people edit.
pub(super) fn of<'k>(
    members: impl Iterator<Item = (&'k Key, &'k Kept)> + Clone,
) -> Vec<Labels<'k>> {
    let pods = members
        .clone()
        .filter(|(key, kept)| key.0 == WorkloadKind::Pod && !kept.finished);
    let of_pod = |(_, kept): (&'k Key, &'k Kept)| Labels {
        own: &kept.labels,
        maker: None,
    };
    let mut labels: Vec<_> = pods.map(of_pod).collect();
    let maker = labels.is_empty();
    labels.extend(members.take(1).map(|(key, kept)| Labels {
        own: &kept.labels,
        maker: maker.then_some(key),
    }));
    labels
}

// === impl Labels ===

impl Labels<'_> {
    /// Whether a pod can have all of these.
    pub(super) fn have(&self, wanted: &BTreeMap<String, String>) -> bool {
        wanted.iter().all(|(key, value)| {
            self.own.get(key) == Some(value)
                || self.maker.is_some_and(|maker| can_add(maker, key, value))
        })
    }
}

/// Whether a controller can give this label to pods of an object.
fn can_add((kind, _, name): &Key, key: &str, value: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let job = key.strip_prefix("batch.kubernetes.io/").unwrap_or(key);
    match (kind, key) {
        (WorkloadKind::Deployment, "pod-template-hash")
        | (WorkloadKind::StatefulSet | WorkloadKind::DaemonSet, "controller-revision-hash") => true,
        (WorkloadKind::DaemonSet, "pod-template-generation")
        | (WorkloadKind::StatefulSet, "apps.kubernetes.io/pod-index") => is_number(value),
        (WorkloadKind::StatefulSet, "statefulset.kubernetes.io/pod-name") => value
            .strip_prefix(&**name)
            .and_then(|rest| rest.strip_prefix('-'))
            .is_some_and(is_number),
        (WorkloadKind::Job, _) if job == "job-name" => *value == **name,
        (WorkloadKind::CronJob, _) if job == "job-name" => value
            .strip_prefix(&**name)
            .is_some_and(|rest| rest.starts_with('-')),
        (WorkloadKind::Job | WorkloadKind::CronJob, _) => job == "controller-uid",
        _ => false,
    }
}
