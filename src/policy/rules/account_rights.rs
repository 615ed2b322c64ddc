//! `account-rights`

use crate::policy::case::{Case, Findings};
use crate::policy::rbac::Account;
use crate::policy::rights::{excesses_of, shared_with_all};
use crate::policy::rules::service_account;
use crate::policy::{LiveFact, Rule, Severity};

/// # What it finds
/// A Tiller whose service account already has rights that its team does not allow, by a binding that was made before
/// it was Tiller's service account.
/// # Why it matters
/// Whoever may use the Tiller acts with these rights. Roles and bindings are judged when they are written, but at
/// that time nobody could know who would run as this service account.
/// # What hardening does
/// Nothing: a person must decide whether the binding or the service account is wrong. What OpenShift gives every
/// service account of the cluster is only reported.
pub(super) static RULE: Rule = Rule {
    id: "account-rights",
    severity: Severity::Critical,
    summary: "Tiller's service account has rights that its team does not allow.",
    answer: "Refused: delete the binding that is named, or give Tiller another service account. What OpenShift \
             gives every service account is only reported.",
    live: Some(LiveFact::Rights),
    ..Rule::PLAIN
};

/// As many are told as there is room for; that there are more is told by another try.
const TOLD: usize = 16;

pub(super) fn check(case: &Case<'_>, findings: &mut Findings<'_>) {
    let Some(account) = service_account::account_of(case) else {
        return;
    };
    let excesses = excesses_of(account, case.settings, case.knowledge);
    for message in excesses.take(TOLD) {
        findings.refuse(
            &RULE,
            case.pod("serviceAccountName"),
            format!("service account {account} of this Tiller has rights that its team does not allow: {message}"),
            "delete the binding, or give Tiller a service account of its own",
        );
    }
    // Whoever reads of a copy cannot do anything about it that is not said of what it is made from.
    if !case.workload.is_copy() {
        report_shared(account, case, findings);
    }
}

fn report_shared(account: Account<'_>, case: &Case<'_>, findings: &mut Findings<'_>) {
    let shared: Vec<String> = shared_with_all(account, case.settings, case.knowledge)
        .take(TOLD)
        .map(|bound| format!("{bound} ({} {})", bound.role_kind.as_str(), bound.role_name))
        .collect();
    if !shared.is_empty() {
        findings.report(
            &RULE,
            case.pod("serviceAccountName"),
            format!(
                "OpenShift gives every service account, {account} too, the rights of: {}",
                shared.join(", ")
            ),
            "delete the bindings that nobody needs, or list their ClusterRoles under accounts.commonClusterRoles in the policy",
        );
    }
}
