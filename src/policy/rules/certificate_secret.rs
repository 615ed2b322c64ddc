//! `certificate-secret`

use crate::policy::case::{CustodyCase, Findings};
use crate::policy::custody::CustodyObject;
use crate::policy::pointer::Place;
use crate::policy::{Pointer, Rule, Severity};

/// # What it finds
/// A write of the key or the certificates in Tiller's Secret by somebody who is not an administrator. The Secret is
/// the policy's `certificateSecret` or `tiller-secret`, in a namespace of a team or of a known Tiller. Without a
/// team, `helm init` may create it, which it does last.
/// # Why it matters
/// Whoever writes `ca.crt` decides who may command Tiller, with all its rights.
/// # What hardening does
/// Nothing: an administrator must write the certificates.
pub(super) static RULE: Rule = Rule {
    id: "certificate-secret",
    severity: Severity::Critical,
    summary: "Somebody who is not an administrator writes the Secret with Tiller's key and certificates.",
    answer: "Refused, unless the policy lists the user under `administrators`.",
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
            "{} is not an administrator, and this Secret decides who may use {whose}",
            requester.name
        ),
        "ask an administrator to write the certificates",
    );
}
