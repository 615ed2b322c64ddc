//! `extra-containers`

use crate::policy::case::{Case, Findings};
use crate::policy::{Injector, Rule, Severity};
use crate::tiller::ContainerList;

/// # What it finds
/// A Tiller's pod with other containers: a second one, init containers, ephemeral containers.
/// # Why it matters
/// They share Tiller's network and its service account's token. A Tiller that listens on loopback is open to them,
/// and a second Tiller among them is not the one that was judged.
/// # What hardening does
/// Nothing: a container cannot be removed without losing its purpose.
pub(super) static RULE: Rule = Rule {
    id: "extra-containers",
    severity: Severity::High,
    summary: "The pod has other containers beside the one Tiller.",
    answer: "Refused: one container, under `containers`.",
    ..Rule::PLAIN
};

/// The most names of containers that are told.
const TOLD: usize = 8;

pub(super) fn check(case: &Case<'_>, findings: &mut Findings<'_>) {
    let pod = &case.workload.pod;
    for list in ContainerList::ALL {
        let containers = list.of(pod);
        let allowed = usize::from(list == ContainerList::Regular);
        if containers.len() <= allowed {
            continue;
        }
        let tiller = tiller_of(case);
        let names = containers.iter().enumerate();
        let names = names.filter(|(index, _)| (list, *index) != (ContainerList::Regular, tiller.0));
        let names: Vec<&str> = names.map(|(_, it)| it.name.as_str()).collect();
        let by = |name: &str| case.injected(|| Injector::of_container(name));
        let of = |injector: Option<Injector>| {
            let names = names.iter().copied();
            let names: Vec<&str> = names.filter(|name| by(name) == injector).collect();
            names
        };
        for injector in Injector::ALL {
            let added = of(Some(injector));
            if !added.is_empty() {
                findings.refuse_injected(
                    &RULE,
                    case.pod(list.as_str()),
                    format!("{} adds {} to Tiller's pods", injector.name(), told(&added)),
                    (injector, tiller.1),
                );
            }
        }
        let others = of(None);
        if others.is_empty() {
            continue;
        }
        findings.refuse(
            &RULE,
            case.pod(list.as_str()),
            match list {
                ContainerList::Regular => {
                    format!(
                        "Tiller shares its pod with other containers: {}",
                        told(&others)
                    )
                }
                ContainerList::Init | ContainerList::Ephemeral => {
                    format!(
                        "the pod has {} {}: {}",
                        others.len(),
                        list.as_str(),
                        told(&others)
                    )
                }
            },
            "run only Tiller in its pod",
        );
    }
}

/// The index of the first Tiller among the pod's containers, and its name.
fn tiller_of<'c>(case: &'c Case<'_>) -> (usize, &'c str) {
    let recognised = case.settings.recognise(case.workload);
    let tiller = recognised
        .iter()
        .find(|it| it.list == ContainerList::Regular);
    tiller.map_or((0, "tiller"), |it| (it.index, it.container.name.as_str()))
}

fn told(names: &[&str]) -> String {
    let mut told = names
        .iter()
        .take(TOLD)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > TOLD {
        told.push_str(", …");
    }
    told
}
