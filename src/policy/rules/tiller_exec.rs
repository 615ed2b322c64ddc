//! `tiller-exec`

use crate::policy::case::{ConnectionCase, Findings};
use crate::policy::pointer::Place;
use crate::policy::{Pointer, Rule, Severity};

/// # What it finds
/// `kubectl exec` or `attach` into a Tiller's pod, by somebody whom the policy does not list under `access.exec`. A
/// pod counts as Tiller's if it is known to be, or if it is named `tiller` or `tiller-deploy…`.
/// # Why it matters
/// Tiller's image holds Helm's client and a shell. Whoever is in the pod needs no certificate, and can copy Tiller's
/// key and its service account's token.
/// # What hardening does
/// Nothing.
pub(super) static RULE: Rule = Rule {
    id: "tiller-exec",
    severity: Severity::Critical,
    summary: "Somebody runs a command or opens a terminal in Tiller's pod.",
    answer: "Refused, unless the policy lists the user under `access.exec`.",
    ..Rule::PLAIN
};

pub(super) fn check(case: &ConnectionCase<'_>, findings: &mut Findings<'_>) {
    if case.connection.kind.runs_commands() && !case.settings.exec.include(case.requester) {
        findings.refuse(
            &RULE,
            Pointer::new(Place::Object, ""),
            format!(
                "exec or attach into Tiller's pod {}/{} exposes its TLS key and its rights",
                case.connection.namespace,
                case.connection.name()
            ),
            "read its log, or ask an administrator to list you under access.exec in the policy",
        );
    }
}
