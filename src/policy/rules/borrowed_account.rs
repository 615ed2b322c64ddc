//! `borrowed-account`

use crate::policy::case::{Case, Findings};
use crate::policy::rbac::Account;

use crate::policy::{Rule, Severity};

/// # What it finds
/// A pod that is not a Tiller and runs as the service account of a team's Tiller, of a running Tiller, or as one that
/// has a name like Tiller's.
/// # Why it matters
/// It has Tiller's rights without Tiller's protections. It may also be a Tiller that cannot be recognised: a generic
/// image that downloads the program when it starts.
/// # What hardening does
/// Nothing: a person must decide which service account the pod needs.
pub(super) static RULE: Rule = Rule {
    id: "borrowed-account",
    severity: Severity::Critical,
    summary: "A pod that is not a Tiller runs as Tiller's service account.",
    answer: "Refused: give the pod a service account of its own.",
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
            format!("service account {account} belongs to a Tiller, and this pod is not a Tiller"),
            "give the pod a service account of its own",
        );
    }
}
