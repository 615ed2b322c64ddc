//! `service-account-alias`

use crate::policy::case::{Case, Findings};
use crate::policy::harden::Content;
use crate::policy::harden::Edit;
use crate::policy::rules::service_account::given_by_team;
use crate::policy::{Rule, Severity};

/// # What it finds
/// `serviceAccountName` and its deprecated alias `serviceAccount` with different values.
/// # Why it matters
/// `helm init --upgrade` blanks the one and sends the other back, so a person or a tool that reads only one of them
/// may see another service account than the pod gets.
/// # What hardening does
/// Makes both equal, as the API server does: `serviceAccountName` wins if it is set.
pub(super) static RULE: Rule = Rule {
    id: "service-account-alias",
    severity: Severity::Low,
    summary: "`serviceAccountName` and its alias `serviceAccount` differ.",
    answer: "Hardened: both name the service account that counts.",
    ..Rule::PLAIN
};

pub(super) fn check<'a>(case: &Case<'a>, findings: &mut Findings<'a>) {
    if given_by_team(case).is_some() {
        return;
    }
    let pod = &case.workload.pod;
    let given = pod.account();
    for (field, value) in [
        ("serviceAccountName", &pod.service_account_name),
        ("serviceAccount", &pod.service_account),
    ] {
        if value != given {
            let path = case.pod(field);
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
                    value: Content::Text(given.as_str().into()),
                },
            );
        }
    }
}
