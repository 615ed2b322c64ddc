//! `tracing`

use crate::policy::case::{Findings, TillerContainer};
use crate::policy::{Excepting, LaunchPart, Rule, Severity};

/// # What it finds
/// A Tiller with `--trace`.
/// # Why it matters
/// It opens port 44136 on every address, without TLS or authentication. It serves profiles, and traces that can hold
/// requests with their values.
/// # What hardening does
/// Sets `--trace=false`.
pub(in crate::policy) static RULE: Rule = Rule {
    id: "tracing",
    severity: Severity::High,
    summary: "Tiller's debug server on port 44136 is on.",
    answer: "Hardened: `--trace=false`.",
    excepted: Some(Excepting::Keeps(LaunchPart::Trace)),
    ..Rule::PLAIN
};

pub(super) fn check(tiller: &TillerContainer<'_>, findings: &mut Findings<'_>) {
    if tiller.tiller.effective.trace.is(&true) {
        findings.relaunch(
            &RULE,
            tiller,
            "--trace serves profiles and requests to everyone on port 44136",
            "set --trace=false",
        );
    }
}
