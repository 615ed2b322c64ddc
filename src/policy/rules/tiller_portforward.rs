//! `tiller-portforward`

use crate::policy::case::{ConnectionCase, Findings};
use crate::policy::pointer::Place;
use crate::policy::{Pointer, Rule, Severity};

/// # What it finds
/// A connection to the ports of a team's Tiller by somebody who is not one of its users, not in one of its groups,
/// and not listed under `access.portForward`. If a team names neither users nor groups, or if there is no team,
/// client certificates decide who may use Tiller.
/// # Why it matters
/// A lost certificate opens Tiller to everyone who reaches its port, until the CA is replaced.
/// # What hardening does
/// Nothing.
pub(super) static RULE: Rule = Rule {
    id: "tiller-portforward",
    severity: Severity::High,
    summary: "Somebody who is not a member of the team connects to the ports of its Tiller.",
    answer: "Refused: ask an administrator to add the user to the team, or to `access.portForward`.",
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
            "{} is not a member of team {}, whose Tiller this connects to",
            asked.name, team.name
        ),
        "ask an administrator to add you to the team's users",
    );
}
