//! `role-aggregated`

use crate::policy::case::Findings;
use crate::policy::pointer::Place;
use crate::policy::rights::{Gain, RbacCase, RoleExcess};
use crate::policy::{LiveFact, Pointer, Rule, Severity};

/// # What it finds
/// A ClusterRole that takes in the rules of others (`aggregationRule`, such as the built-in `admin`, `edit` and
/// `view`) and that a Tiller's account is, or would be, bound to; and a ClusterRole whose labels put its rules into
/// such a one.
/// # Why it matters
/// What such a role grants grows with every operator that is installed, and nobody binds anything anew.
/// # What hardening does
/// Nothing: which rights the team needs is for a person to say.
pub(super) static RULE: Rule = Rule {
    id: "role-aggregated",
    severity: Severity::High,
    summary: "A Tiller's account is bound to a ClusterRole that takes in the rules of others.",
    answer: "Refused, unless the policy allows that ClusterRole: write a Role of the rights that the charts need.",
    live: Some(LiveFact::Rights),
    ..Rule::PLAIN
};

const REMEDY: &str = "bind a Role of the rights that the charts need, or have an administrator allow the ClusterRole";

pub(super) fn check(case: &RbacCase<'_>, findings: &mut Findings<'_>) {
    let is_aggregated = |gain: &Gain<'_>| gain.excess.role == Some(RoleExcess::Aggregated);
    match case {
        RbacCase::Binding(gains) => {
            let found = gains.iter().find(|(_, gain)| is_aggregated(gain));
            if let Some((_, Gain { account, bound, .. })) = found {
                findings.refuse(
                    &RULE,
                    Pointer::new(Place::Object, "roleRef"),
                    format!(
                        "ClusterRole {}, which the account {account} of a Tiller would be bound to, takes in the \
                         rules of other ClusterRoles",
                        bound.role_name
                    ),
                    REMEDY,
                );
            }
        }
        RbacCase::Role(case) => {
            if let Some(Gain { account, bound, .. }) = case.own.filter(is_aggregated) {
                findings.refuse(
                    &RULE,
                    Pointer::new(Place::Object, "aggregationRule"),
                    format!(
                        "{bound} binds the account {account} of a Tiller to this role, which takes in the rules of \
                         other ClusterRoles"
                    ),
                    REMEDY,
                );
            }
            if let Some((through, Gain { account, bound, .. })) =
                case.aggregated.filter(|(_, gain)| is_aggregated(gain))
            {
                findings.refuse(
                    &RULE,
                    Pointer::new(Place::Object, "metadata/labels"),
                    format!(
                        "the labels put these rules into ClusterRole {through}, which {bound} binds the account \
                         {account} of a Tiller to"
                    ),
                    REMEDY,
                );
            }
        }
    }
}
