//! `team-required`

use crate::policy::case::{Case, Findings};
use crate::policy::pointer::Place;
use crate::policy::{Pointer, Rule, Severity};

/// # What it finds
/// A Tiller outside the Tiller namespaces of all teams, if the policy requires teams.
/// # Why it matters
/// Nobody has said whom such a Tiller serves, and how far it may reach.
/// # What hardening does
/// Nothing: an administrator adds a team.
pub(super) static RULE: Rule = Rule {
    id: "team-required",
    severity: Severity::High,
    summary: "The policy requires a team, and Tiller would run outside the Tiller namespaces of all teams.",
    answer: "Refused: ask an administrator to add the team.",
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
            format!(
                "the policy requires a team, and no team has its Tiller in namespace {namespace}"
            ),
            "ask an administrator to add the team, or use its Tiller namespace",
        );
    }
}
