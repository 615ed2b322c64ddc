//! `tracing`

use crate::policy::case::{Case, Findings, TillerContainer};
use crate::policy::finding::Check;
use crate::policy::harden::Edit;
use crate::policy::{Rule, Severity};

/// # What it finds
/// A Tiller with `--trace`.
/// # Why it matters
/// It opens port 44136 on every address, without TLS or authentication: profiles, and traces that can hold
/// requests with their values.
/// # What hardening does
/// Sets `--trace=false`.
pub(super) static RULE: Rule = Rule {
    id: "tracing",
    severity: Severity::High,
    summary: "Tiller's debug server on port 44136 is on.",
    answer: "Hardened: `--trace=false`.",
    check: Check::Tiller(check),
};

fn check(_: &Case<'_>, tiller: &TillerContainer<'_>, findings: &mut Findings) {
    if tiller.tiller.effective.trace.is(&true) {
        findings.harden(
            &RULE,
            tiller.words_path(),
            "--trace serves profiles and requests to everyone on port 44136",
            "set --trace=false",
            Edit::Launch {
                tiller: tiller.path.clone(),
            },
        );
    }
}
