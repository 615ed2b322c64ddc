//! `extra-containers`

use crate::policy::case::{Case, Findings};
use crate::policy::{Rule, Severity};
use crate::tiller::ContainerList;

/// # What it finds
/// A pod with other containers than the one Tiller: a second one, init containers, ephemeral ones.
/// # Why it matters
/// They share Tiller's network and its account's token: a Tiller that listens on loopback is open to them,
/// and a second Tiller among them is not the one that was looked at.
/// # What hardening does
/// Nothing: a container cannot be left out without losing what it was for.
pub(super) static RULE: Rule = Rule {
    id: "extra-containers",
    severity: Severity::High,
    summary: "The pod holds other containers beside the one Tiller.",
    answer: "Refused: one container, under `containers`.",
};

pub(super) fn check(case: &Case<'_>, findings: &mut Findings<'_>) {
    for list in ContainerList::ALL {
        let count = list.of(&case.subject.pod).len();
        let allowed = usize::from(list == ContainerList::Regular);
        if count > allowed {
            findings.refuse(
                &RULE,
                case.pod(list.as_str()),
                match list {
                    ContainerList::Regular => {
                        format!("Tiller shares its pod with {} more", count - 1)
                    }
                    ContainerList::Init | ContainerList::Ephemeral => {
                        format!("the pod has {count} {}", list.as_str())
                    }
                },
                "run Tiller alone in its pod",
            );
        }
    }
}
