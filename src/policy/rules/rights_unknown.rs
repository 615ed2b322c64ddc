//! `rights-unknown`

use crate::policy::case::Findings;
use crate::policy::pointer::Place;
use crate::policy::rights::{Excess, Gain, RbacCase, RoleExcess};
use crate::policy::{LiveFact, Pointer, Rule, Severity};

/// # What it finds
/// A binding of a Tiller's account to a role that is not at hand: it may not be there yet, or nothing is known of
/// the cluster.
/// # Why it matters
/// Whoever may make such a binding decides later what it gives.
/// # What hardening does
/// Nothing: what the role grants cannot be told.
pub(super) static RULE: Rule = Rule {
    id: "rights-unknown",
    severity: Severity::High,
    summary: "A Tiller's account would be bound to a role that is not known.",
    answer: "Refused: make the role first; with `check`, hand in its manifest too.",
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
                "what {} {} grants, which the account {account} of a Tiller would be bound to, is not known",
                bound.role_kind.as_str(),
                bound.role_name
            ),
            "make the role first, and the binding a moment later",
        );
    }
}
