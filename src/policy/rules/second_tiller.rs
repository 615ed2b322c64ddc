//! `second-tiller`

use crate::policy::case::{Case, Findings};
use crate::policy::pointer::Place;
use crate::policy::team::Team;
use crate::policy::{Pointer, Rule, Severity, WorkloadKind};

/// # What it finds
/// A Tiller in a namespace that already has one, or that is a target namespace of a team whose Tiller runs elsewhere.
/// What controllers make of a known Tiller does not count as another one, nor does the known one when it is written
/// again.
/// # Why it matters
/// Two Tillers do not know each other's releases: each overwrites what the other made, and the one that an
/// administrator knows may not be the one that people use.
/// # What hardening does
/// Nothing: a person must decide which one stays.
pub(super) static RULE: Rule = Rule {
    id: "second-tiller",
    severity: Severity::High,
    summary: "A second Tiller in a namespace, or for a team's target namespace.",
    answer: "Refused: use the existing Tiller, or delete it first.",
    ..Rule::PLAIN
};

/// A workload's kind and name.
type NamedWorkload<'a> = (WorkloadKind, &'a str);

pub(super) fn check(case: &Case<'_>, findings: &mut Findings<'_>) {
    let Some(namespace) = case.workload.namespace.as_deref() else {
        return;
    };
    let itself = (case.workload.kind, case.workload.name.as_str());
    if case
        .knowledge
        .tillers_in(namespace, case.settings)
        .any(|it| it == itself)
    {
        return;
    }
    let path = || Pointer::new(Place::Object, "metadata/namespace");
    if let Some((kind, name)) = other(case, namespace, itself) {
        let kind = kind.as_str();
        findings.refuse(
            &RULE,
            path(),
            format!("namespace {namespace} already has a Tiller: {kind} {name}"),
            "use that Tiller, or delete it first",
        );
    }
    let elsewhere = |team: &&Team| *team.tiller_namespace != *namespace;
    let team = case.knowledge.team_reaching(namespace).filter(elsewhere);
    if let Some(team) = team {
        findings.refuse(
            &RULE,
            path(),
            format!(
                "the Tiller of team {} in {} already releases to namespace {namespace}",
                team.name, team.tiller_namespace
            ),
            "use that Tiller, or ask an administrator to remove the namespace from the team's target namespaces",
        );
    }
}

/// Another Tiller in the namespace.
fn other<'a>(
    case: &Case<'a>,
    namespace: &str,
    itself: NamedWorkload<'_>,
) -> Option<NamedWorkload<'a>> {
    let mut tillers = case.knowledge.tillers_in(namespace, case.settings);
    if let Some(owner) = case.workload.controller() {
        let first = tillers.next()?;
        let kin = |known| known == owner || is_of(owner, known) || is_of(known, owner);
        return (!kin(first) && !tillers.any(kin)).then_some(first);
    }
    let pods = case.knowledge.tiller_pods_in(namespace, case.settings);
    let mut others = tillers.chain(pods.map(|name| (WorkloadKind::Pod, name)));
    others.find(|known| *known != itself && !is_of(*known, itself))
}

/// Whether controllers make a workload so of another, at once or by way of a third, as far as kinds and names tell:
/// a name is followed by a hash or a number for each.
fn is_of((kind, name): NamedWorkload<'_>, (maker, maker_name): NamedWorkload<'_>) -> bool {
    let first = maker.makes();
    let steps = match kind {
        _ if first == Some(kind) => 1,
        _ if first.and_then(WorkloadKind::makes) == Some(kind) => 2,
        _ => return false,
    };
    let added = name
        .strip_prefix(maker_name)
        .and_then(|rest| rest.strip_prefix('-'));
    !maker_name.is_empty() && added.is_some_and(|added| added.split('-').count() <= steps)
}
