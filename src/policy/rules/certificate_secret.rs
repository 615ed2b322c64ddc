//! `certificate-secret`

use crate::policy::case::{CustodyCase, Findings};
use crate::policy::custody::CustodyObject;
use crate::policy::pointer::Place;
use crate::policy::{Pointer, Rule, Severity};

/// # What it finds
/// Somebody who is no administrator writes the key or the certificates in the Secret of a Tiller: the policy's
/// `certificateSecret` or `tiller-secret`, in a namespace that a team or a known Tiller has. Where no team is registered,
/// `helm init` may make it, which sends it last.
/// # Why it matters
/// Whoever writes `ca.crt` says who may command Tiller, with all its rights.
/// # What hardening does
/// Nothing: an administrator brings the certificates.
pub(super) static RULE: Rule = Rule {
    id: "certificate-secret",
    severity: Severity::Critical,
    summary: "The Secret with a Tiller's key and certificates is written by no administrator.",
    answer: "Refused, unless the policy lists who asks under `administrators`.",
    ..Rule::PLAIN
};

pub(super) fn check(case: &CustodyCase<'_>, findings: &mut Findings<'_>) {
    let (CustodyObject::Secret(secret), Some(requester)) = (case.object, case.context.requester)
    else {
        return;
    };
    let Some(namespace) = case.certificates_for(secret) else {
        return;
    };
    let team = case.context.knowledge.team_in(namespace);
    let by_helm = team.is_none() && !case.context.updates;
    if by_helm || case.settings.administrators.include(requester) {
        return;
    }
    let whose = match team {
        Some(team) => format!("the team {}", team.name),
        None => format!("the Tiller in {namespace}"),
    };
    findings.refuse(
        &RULE,
        Pointer::new(Place::Object, "data"),
        format!(
            "{} is no administrator, and this Secret says who may command {whose}",
            requester.name
        ),
        "have an administrator bring the certificates",
    );
}
