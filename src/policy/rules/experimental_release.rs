//! `experimental-release`

use crate::policy::case::{Findings, TillerContainer};
use crate::policy::{Excepting, LaunchPart, Rule, Severity};

/// # What it finds
/// A Tiller with `--experimental-release`.
/// # Why it matters
/// It hands release actions in plaintext to whatever listens on 127.0.0.1:10001 in the pod.
/// # What hardening does
/// Sets `--experimental-release=false`.
pub(in crate::policy) static RULE: Rule = Rule {
    id: "experimental-release",
    severity: Severity::High,
    summary: "Tiller hands releases in plaintext to a server in the pod.",
    answer: "Hardened: `--experimental-release=false`.",
    excepted: Some(Excepting::Keeps(LaunchPart::ExperimentalRelease)),
    ..Rule::PLAIN
};

pub(super) fn check(tiller: &TillerContainer<'_>, findings: &mut Findings<'_>) {
    if tiller.tiller.effective.experimental_release.is(&true) {
        findings.relaunch(
            &RULE,
            tiller,
            "--experimental-release hands releases in plaintext to 127.0.0.1:10001",
            "set --experimental-release=false",
        );
    }
}
