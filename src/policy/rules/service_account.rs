//! `service-account`

use crate::policy::case::{Case, Findings};
use crate::policy::rules::service_account_alias::account;
use crate::policy::{Rule, Severity};

/// # What it finds
/// A Tiller without a service account of its own: none named, or `default`.
/// # Why it matters
/// Tiller acts with its account's rights for everyone who reaches it. Every pod of the namespace may run
/// as `default`, so rights given to that account are given to all of them.
/// # What hardening does
/// Nothing: which account is right is for a person to say.
pub(super) static RULE: Rule = Rule {
    id: "service-account",
    severity: Severity::Critical,
    summary: "Tiller has no dedicated service account.",
    answer: "Refused: make one for Tiller alone and name it.",
};

pub(super) fn check(case: &Case<'_>, findings: &mut Findings<'_>) {
    let given = account(&case.subject.pod);
    if given.is_empty() || given == "default" {
        findings.refuse(
            &RULE,
            case.pod("serviceAccountName"),
            "Tiller would run as the namespace's account \"default\", which every pod there may use",
            "make an account for Tiller alone and pass --service-account NAME to helm init",
        );
    }
}
