//! `role-rights`

use crate::policy::case::Findings;
use crate::policy::pointer::Place;
use crate::policy::rbac::Right;
use crate::policy::rights::{Excess, Gain, RbacCase, RoleCase, RoleExcess};
use crate::policy::{LiveFact, Pointer, Rule, Severity};

/// # What it finds
/// A role that Tiller's service account is, or would be, bound to, and that grants what Tiller may never have:
/// something in every API group; `escalate`, `bind` or `impersonate`, also as `*` among the verbs; tokens of service
/// accounts; nodes; the cluster's admission webhooks and policies; commands in the pods of Tiller's own namespace.
/// # Why it matters
/// Each of these multiplies other rights: Tiller becomes another account, or changes what judges it.
/// # What hardening does
/// Nothing: a person must decide which resources and verbs the charts need.
pub(super) static RULE: Rule = Rule {
    id: "role-rights",
    severity: Severity::Critical,
    summary: "A role of Tiller's service account grants what Tiller may never have.",
    answer: "Refused: list only the resources and verbs that the charts need, without a `*` that reaches too far.",
    live: Some(LiveFact::Rights),
    ..Rule::PLAIN
};

const REMEDY: &str = "list only the resources and verbs that the charts need";

pub(super) fn check(case: &RbacCase<'_>, findings: &mut Findings<'_>) {
    match case {
        RbacCase::Binding(gains) => check_binding(gains, findings),
        RbacCase::Role(case) => check_role(case, findings),
    }
}

fn check_binding(gains: &[(usize, Gain<'_>)], findings: &mut Findings<'_>) {
    let found = gains.iter().find_map(|(_, gain)| match gain.excess {
        Excess {
            role: Some(RoleExcess::Rights(rights)),
            ..
        } => Some((gain, rights)),
        _ => None,
    });
    if let Some((Gain { account, bound, .. }, rights)) = found {
        findings.refuse(
            &RULE,
            Pointer::new(Place::Object, "roleRef"),
            format!(
                "{} {} would give Tiller's service account {account} {rights}",
                bound.role_kind.as_str(),
                bound.role_name
            ),
            REMEDY,
        );
    }
}

fn check_role(case: &RoleCase<'_>, findings: &mut Findings<'_>) {
    let has_rights = |gain: &&Gain<'_>| matches!(gain.excess.role, Some(RoleExcess::Rights(_)));
    let own = case.own.as_ref().filter(has_rights);
    let aggregated = case.aggregated.as_ref().map(|(_, gain)| gain);
    let Some(gain) = own.or_else(|| aggregated.filter(has_rights)) else {
        return;
    };
    let Gain { account, bound, .. } = gain;
    for (index, rule) in case.role.rules.iter().enumerate() {
        for grant in rule.grants() {
            if grant.right == Right::Exec && !gain.in_own_namespace() {
                continue;
            }
            findings.refuse(
                &RULE,
                Pointer::new(Place::Object, format!("rules/{index}/{}", grant.field)),
                format!(
                    "by {bound} this would give Tiller's service account {account} {}",
                    grant.right.as_str()
                ),
                REMEDY,
            );
        }
    }
}
