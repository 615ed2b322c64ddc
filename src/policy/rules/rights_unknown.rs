//! `rights-unknown`

use crate::policy::case::Findings;
use crate::policy::pointer::Place;
use crate::policy::rights::{Excess, Gain, RbacCase, RoleExcess};
use crate::policy::{LiveFact, Pointer, Rule, Severity};

/// # What it finds
/// A binding of Tiller's service account to a role that was not found: it may not exist yet, or nothing is known of
/// the cluster.
/// # Why it matters
/// Whoever may make such a binding decides later what it gives.
/// # What hardening does
/// Nothing: the rights of the role are unknown.
pub(super) static RULE: Rule = Rule {
    id: "rights-unknown",
    severity: Severity::High,
    summary: "Tiller's service account would be bound to a role that was not found.",
    answer: "Refused: create the role first; with `check`, pass its manifest too.",
    live: Some(LiveFact::Rights),
    ..Rule::PLAIN
};

pub(super) fn check(case: &RbacCase<'_>, findings: &mut Findings<'_>) {
    let RbacCase::Binding(gains) = case else {
        return;
    };
    let is_unknown = |gain: &Gain<'_>| match gain.excess {
        Excess { scope, role } if scope.is_none() => {
            matches!(role, Some(RoleExcess::Unknown | RoleExcess::Unreadable))
        }
        _ => false,
    };
    let found = gains.iter().find(|(_, gain)| is_unknown(gain));
    if let Some((_, Gain { account, bound, .. })) = found {
        findings.refuse(
            &RULE,
            Pointer::new(Place::Object, "roleRef"),
            format!(
                "{} {} was not found, so the rights it would give to Tiller's service account {account} are unknown",
                bound.role_kind.as_str(),
                bound.role_name
            ),
            "create the role first, and the binding a moment later",
        );
    }
}
