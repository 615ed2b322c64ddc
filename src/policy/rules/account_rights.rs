//! `account-rights`

use crate::policy::case::{Case, Findings};
use crate::policy::rbac::Account;
use crate::policy::rights::{excesses_of, shared_with_all};
use crate::policy::rules::service_account;
use crate::policy::{LiveFact, Rule, Severity};

/// # What it finds
/// A Tiller whose account has rights already that its team does not allow, by a binding from before it was a
/// Tiller's account.
/// # Why it matters
/// Whoever may use the Tiller acts with these rights. Bindings and roles are judged as they come, but nobody
/// could know then who would run as the account.
/// # What hardening does
/// Nothing: whether the binding or the account is wrong is for a person to say. What OpenShift gives every account of
/// the cluster is reported, and nothing is refused for it.
pub(super) static RULE: Rule = Rule {
    id: "account-rights",
    severity: Severity::Critical,
    summary: "Tiller's account has rights that its team does not allow.",
    answer: "Refused: remove the binding that is named, or give Tiller another account; what OpenShift itself gives \
             every account is reported.",
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
            format!("the account {account} of this Tiller has too many rights: {message}"),
            "remove the binding, or give Tiller an account of its own",
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
                "OpenShift gives every account, {account} too, what these bind: {}",
                shared.join(", ")
            ),
            "remove the bindings that nobody here needs, or list their ClusterRoles under accounts.commonClusterRoles \
             of the policy",
        );
    }
}
