//! `tiller-exec`

use crate::policy::case::{ConnectionCase, Findings};
use crate::policy::pointer::Place;
use crate::policy::{Pointer, Rule, Severity};

/// # What it finds
/// `kubectl exec` or `attach` into a Tiller's pod, by whom the policy does not list under `access.exec`. A pod is a
/// Tiller's where it is known to be, or is named `tiller` or `tiller-deploy…`.
/// # Why it matters
/// Tiller's image holds Helm's client and a shell: who is in the pod needs no certificate, and may take Tiller's key and
/// its account's token with him.
/// # What hardening does
/// Nothing.
pub(super) static RULE: Rule = Rule {
    id: "tiller-exec",
    severity: Severity::Critical,
    summary: "A command or a terminal in a Tiller's pod.",
    answer: "Refused, unless the policy lists who asks under `access.exec`.",
    ..Rule::PLAIN
};

pub(super) fn check(case: &ConnectionCase<'_>, findings: &mut Findings<'_>) {
    if case.connection.kind.runs_commands() && !case.settings.exec.include(case.requester) {
        findings.refuse(
            &RULE,
            Pointer::new(Place::Object, ""),
            format!(
                "commands in {}/{}, which is a Tiller's pod, would have its key and its rights",
                case.connection.namespace,
                case.connection.name()
            ),
            "read its log, or have an administrator list you under access.exec of the policy",
        );
    }
}
