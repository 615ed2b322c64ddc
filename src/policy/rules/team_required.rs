//! `team-required`

use crate::policy::case::{Case, Findings};
use crate::policy::pointer::Place;
use crate::policy::{Pointer, Rule, Severity};

/// # What it finds
/// Where the policy requires teams, a Tiller outside the Tiller namespaces of the registered ones.
/// # Why it matters
/// Nobody has said whom such a Tiller serves, and how far it may reach.
/// # What hardening does
/// Nothing: an administrator registers a team.
pub(super) static RULE: Rule = Rule {
    id: "team-required",
    severity: Severity::High,
    summary: "Tiller would run outside the Tiller namespaces of registered teams, where the policy requires one.",
    answer: "Refused: have an administrator register the team.",
    ..Rule::PLAIN
};

pub(super) fn check(case: &Case<'_>, findings: &mut Findings<'_>) {
    let Some(namespace) = case.workload.namespace.as_deref() else {
        return;
    };
    if case.settings.require_team && case.knowledge.team_in(namespace).is_none() {
        findings.refuse(
            &RULE,
            Pointer::new(Place::Object, "metadata/namespace"),
            format!("no registered team has its Tiller in the namespace {namespace}"),
            "have an administrator register the team, or use its Tiller namespace",
        );
    }
}
