//! `tiller-portforward`

use crate::policy::case::{ConnectionCase, Findings};
use crate::policy::pointer::Place;
use crate::policy::{Pointer, Rule, Severity};

/// # What it finds
/// A connection to the ports of a registered team's Tiller by somebody who is none of the team's users, in none of its
/// groups, and not listed under `access.portForward`. A team that names neither users nor groups keeps nobody out; nor
/// does a Tiller without a team: there client certificates alone say who may use it.
/// # Why it matters
/// A certificate that got lost opens Tiller to whoever reaches its port, until the CA is replaced.
/// # What hardening does
/// Nothing.
pub(super) static RULE: Rule = Rule {
    id: "tiller-portforward",
    severity: Severity::High,
    summary: "Somebody who is not of the team connects to the ports of its Tiller.",
    answer: "Refused: have an administrator add him to the team, or to `access.portForward`.",
    ..Rule::PLAIN
};

pub(super) fn check(case: &ConnectionCase<'_>, findings: &mut Findings<'_>) {
    let Some(team) = case.team() else {
        return;
    };
    let open = team.users.is_empty() && team.groups.is_empty();
    let asked = case.requester;
    if case.connection.kind.runs_commands()
        || open
        || asked.is_among(&team.users, &team.groups)
        || case.settings.port_forward.include(asked)
    {
        return;
    }
    findings.refuse(
        &RULE,
        Pointer::new(Place::Object, ""),
        format!(
            "{} is not of the team {}, whose Tiller this connection leads to",
            asked.name, team.name
        ),
        "have an administrator add you to the team's users",
    );
}
