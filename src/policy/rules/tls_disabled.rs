//! `tls-disabled`

use crate::policy::case::{Findings, TillerContainer};
use crate::policy::rules::{client_not_verified, tls_environment};
use crate::policy::{Excepting, LaunchPart, Rule, Severity};

/// # What it finds
/// A Tiller that serves plaintext.
/// # Why it matters
/// Without TLS there is no authentication: every pod that reaches port 44134 acts with Tiller's rights.
/// # What hardening does
/// Sets `--tls=true`, `--tls-verify=true` and the three certificate paths.
pub(in crate::policy) static RULE: Rule = Rule {
    id: "tls-disabled",
    severity: Severity::Critical,
    summary: "Tiller serves without TLS.",
    answer: "Hardened: `--tls=true --tls-verify=true` and the certificate paths.",
    followed_by: &[&client_not_verified::RULE, &tls_environment::RULE],
    excepted: Some(Excepting::Keeps(LaunchPart::Tls)),
    ..Rule::PLAIN
};

pub(super) fn check(tiller: &TillerContainer<'_>, findings: &mut Findings<'_>) {
    let enabled = &tiller.tiller.effective.tls.enabled;
    if enabled.is(&true) {
        return;
    }
    findings.relaunch(
        &RULE,
        tiller,
        match enabled.unknown() {
            None => "Tiller serves without TLS to everyone who reaches port 44134".into(),
            Some(reason) => format!("it is unknown whether Tiller serves TLS: {reason}"),
        },
        "set --tls=true and --tls-verify=true",
    );
}
