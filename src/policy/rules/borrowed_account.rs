//! `borrowed-account`

use crate::policy::case::{Case, Findings};
use crate::policy::rbac::Account;

use crate::policy::{Rule, Severity};

/// # What it finds
/// A pod that is no Tiller's and runs as the account of one: of a registered team, of a Tiller that runs, or one
/// that is called like it.
/// # Why it matters
/// It has Tiller's rights without Tiller's protections, and may well be a Tiller that nobody can tell: a generic
/// image that fetches the program when it starts.
/// # What hardening does
/// Nothing: which account the pod needs is for a person to say.
pub(super) static RULE: Rule = Rule {
    id: "borrowed-account",
    severity: Severity::Critical,
    summary: "A pod that is no Tiller's runs as a Tiller's account.",
    answer: "Refused: give the pod an account of its own.",
    ..Rule::PLAIN
};

/// Looks at a pod without a Tiller.
pub(in crate::policy) fn check(case: &Case<'_>, findings: &mut Findings<'_>) {
    let name = case.workload.pod.account();
    let Some(namespace) = case.workload.namespace.as_deref() else {
        return;
    };
    let account = Account { namespace, name };
    if !name.is_empty() && case.knowledge.is_tiller_account(account, case.settings) {
        findings.refuse(
            &RULE,
            case.pod("serviceAccountName"),
            format!("the account {account} is a Tiller's, and this pod is not"),
            "give the pod an account of its own",
        );
    }
}
