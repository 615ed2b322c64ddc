//! `client-not-verified`

use crate::policy::case::{Findings, TillerContainer};
use crate::policy::rules::tls_environment;
use crate::policy::{Excepting, LaunchPart, Rule, Severity};
use crate::tiller::ClientVerification;

/// # What it finds
/// A Tiller that does not require a client certificate.
/// # Why it matters
/// `--tls` only encrypts: every client may command Tiller. Tiller's log says `tls=true` all the same.
/// # What hardening does
/// Sets `--tls-verify=true`.
pub(in crate::policy) static RULE: Rule = Rule {
    id: "client-not-verified",
    severity: Severity::Critical,
    summary: "Tiller does not require client certificates.",
    answer: "Hardened: `--tls-verify=true`.",
    followed_by: &[&tls_environment::RULE],
    excepted: Some(Excepting::Keeps(LaunchPart::TlsVerify)),
    ..Rule::PLAIN
};

pub(super) fn check(tiller: &TillerContainer<'_>, findings: &mut Findings<'_>) {
    let verify = &tiller.tiller.effective.tls.verify;
    if verify.is(&ClientVerification::Required) {
        return;
    }
    findings.relaunch(
        &RULE,
        tiller,
        match verify.unknown() {
            None => "Tiller accepts clients without a certificate".into(),
            Some(reason) => format!("it is unknown whether Tiller verifies clients: {reason}"),
        },
        "set --tls-verify=true",
    );
}
