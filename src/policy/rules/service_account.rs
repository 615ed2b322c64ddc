//! `service-account`

use crate::policy::case::{Case, Findings};
use crate::policy::harden::Edit;
use crate::policy::{Rule, Severity};

/// # What it finds
/// A Tiller without a service account of its own: none named, or `default`, or two fields that disagree.
/// # Why it matters
/// Tiller acts with its account's rights for everyone who reaches it. Every pod of the namespace may run
/// as `default`, so rights given to that account are given to all of them.
/// # What hardening does
/// Nothing where no account is named: which one is right is for a person to say. `serviceAccountName` and
/// its deprecated alias `serviceAccount` are made equal, as the API server makes them: the former wins.
pub(super) static RULE: Rule = Rule {
    id: "service-account",
    severity: Severity::Critical,
    summary: "Tiller has no dedicated service account.",
    answer: "Refused where none is named or it is `default`; `serviceAccountName` and `serviceAccount` \
             are made equal.",
};

pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    let pod = &case.subject.pod;
    let name_path = || format!("{}/serviceAccountName", case.pod_path);
    let given = if pod.service_account_name.is_empty() {
        &pod.service_account
    } else {
        &pod.service_account_name
    };
    if given.is_empty() || given == "default" {
        findings.refuse(
            &RULE,
            name_path(),
            "Tiller would run as the namespace's account \"default\", which every pod there may use",
            "make an account for Tiller alone and pass --service-account NAME to helm init",
        );
        return;
    }
    for (field, value) in [
        ("serviceAccountName", &pod.service_account_name),
        ("serviceAccount", &pod.service_account),
    ] {
        if value != given {
            let path = format!("{}/{field}", case.pod_path);
            findings.harden(
                &RULE,
                path.clone(),
                if value.is_empty() {
                    format!("{field} is not set; \"{given}\" counts")
                } else {
                    format!("{field} is \"{value}\", but \"{given}\" counts")
                },
                format!("set it to \"{given}\" too"),
                Edit::Field {
                    path,
                    value: given.as_str().into(),
                },
            );
        }
    }
}
