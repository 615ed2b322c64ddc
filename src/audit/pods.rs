//! The pods of a Tiller that differ from what its Deployment makes now, such as those of a rollout that does not come to its end.

use super::report::{AuditedPod, AuditedTiller, CanReach, ObjectName};
use super::text::title;
use crate::policy::rbac::Account;
use crate::policy::{Verdict, Workload};
use crate::report::{self, Finding, Item, Maybe};

/// What the object that people edit makes now.
pub(super) struct Made<'m> {
    pub(super) containers: &'m [report::Tiller],
    pub(super) account: Account<'m>,
    pub(super) network: &'m Maybe<&'static str>,
    pub(super) findings: &'m [Finding],
}

// === impl Made ===

impl Made<'_> {
    /// Whether the same was found in it.
    pub(super) fn has(&self, finding: &Finding) -> bool {
        let mut own = self.findings.iter();
        own.any(|it| it.rule == finding.rule && it.message == finding.message)
    }

    /// Whether a pod's Tillers are configured as its own.
    pub(super) fn runs(&self, pod: &Verdict<'_>) -> bool {
        let own: Vec<report::Tiller> = pod.tillers.iter().map(Into::into).collect();
        own.len() == self.containers.len()
            && own.iter().zip(self.containers).all(|(own, other)| {
                own.effective == other.effective && own.version == other.version
            })
    }
}

// === impl AuditedTiller ===

impl AuditedTiller {
    /// The pods that differ from what the object makes now, one of each that are the same.
    pub(super) fn differing(&self) -> Vec<&AuditedPod> {
        let mut told: Vec<&AuditedPod> = Vec::new();
        for pod in self.pods.iter().filter(|pod| pod.differs) {
            let same = |other: &&AuditedPod| {
                (&other.account, &other.network, &other.findings)
                    == (&pod.account, &pod.network, &pod.findings)
            };
            if !told.iter().any(same) {
                told.push(pod);
            }
        }
        told
    }

    /// The place of one of its pods.
    pub(super) fn name_of(&self, pod: &AuditedPod) -> ObjectName {
        ObjectName {
            kind: "Pod".to_owned(),
            namespace: self.object.namespace.clone(),
            name: pod.name.clone(),
        }
    }

    /// Its account, and those of its pods that have another one, with what each can reach.
    pub(super) fn accounts(&self) -> impl Iterator<Item = (&str, &Maybe<CanReach>)> {
        let pods = self.pods.iter();
        let others = pods.filter_map(|pod| Some((&*pod.account, pod.can_reach.as_ref()?)));
        std::iter::once((&*self.account, &self.can_reach)).chain(others)
    }

    /// How much was found in it and in its pods.
    pub(super) fn found(&self) -> usize {
        let pods = self.differing();
        self.findings.len() + pods.iter().map(|it| it.findings.len()).sum::<usize>()
    }
}

/// The service account as which a workload's pods run.
pub(super) fn account<'a>(namespace: &'a str, workload: &'a Workload<'_>) -> Account<'a> {
    let name = match workload.pod.account().as_str() {
        "" => "default",
        name => name,
    };
    Account { namespace, name }
}

/// How each pod that differs does so.
pub(super) fn differing(tiller: &AuditedTiller) -> Vec<String> {
    let pods = tiller.pods.iter().filter(|pod| pod.differs);
    let told = pods.map(|pod| match &pod.account {
        account if *account != tiller.account => format!("{} runs as {account}", pod.name),
        _ => format!("{} runs with another configuration", pod.name),
    });
    told.collect()
}

/// Those with findings of their own, as lines of the page's table.
pub(super) fn items(tillers: &[AuditedTiller]) -> impl Iterator<Item = Item<'_>> {
    tillers.iter().flat_map(|tiller| {
        let pods = tiller.differing().into_iter();
        let found = pods.filter(|pod| !pod.findings.is_empty());
        found.map(|pod| Item {
            title: title(&tiller.name_of(pod)),
            cells: Vec::new(),
            findings: &pod.findings,
            details: Vec::new(),
        })
    })
}
