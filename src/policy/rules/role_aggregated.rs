//! `role-aggregated`

use crate::policy::case::Findings;
use crate::policy::pointer::Place;
use crate::policy::rights::{Gain, RbacCase, RoleExcess};
use crate::policy::{LiveFact, Pointer, Rule, Severity};

/// # What it finds
/// A ClusterRole that aggregates the rules of others (`aggregationRule`, such as the built-in `admin`, `edit` and
/// `view`) and that Tiller's service account is, or would be, bound to; and a ClusterRole whose labels add its rules
/// to such a ClusterRole.
/// # Why it matters
/// The rights of such a role grow with every operator that is installed, without any new binding.
/// # What hardening does
/// Nothing: a person must decide which rights the team needs.
pub(super) static RULE: Rule = Rule {
    id: "role-aggregated",
    severity: Severity::High,
    summary: "Tiller's service account is bound to a ClusterRole that aggregates the rules of others.",
    answer: "Refused, unless the policy allows that ClusterRole: write a Role with the rights that the charts \
             need.",
    live: Some(LiveFact::Rights),
    ..Rule::PLAIN
};

const REMEDY: &str = "bind a Role with the rights that the charts need, or ask an administrator to allow the ClusterRole";

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
                        "ClusterRole {}, bound to Tiller's service account {account}, aggregates the rules of other ClusterRoles",
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
                        "{bound} binds Tiller's service account {account} to this role, which aggregates the rules of other ClusterRoles"
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
                        "the labels add these rules to ClusterRole {through}, which {bound} binds to Tiller's service account {account}"
                    ),
                    REMEDY,
                );
            }
        }
    }
}
