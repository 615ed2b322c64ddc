//! `extra-commands`

use crate::policy::case::{Case, Findings, TillerContainer};
use crate::policy::{Rule, Severity};

/// # What it finds
/// Anything that runs in Tiller's container beside Tiller: lifecycle hooks, probes that execute a command, an open
/// standard input or terminal.
/// # Why it matters
/// A `postStart` hook can start a second Tiller with other flags in the same container.
/// # What hardening does
/// Nothing, because somebody wrote the command for a purpose.
pub(super) static RULE: Rule = Rule {
    id: "extra-commands",
    severity: Severity::High,
    summary: "Lifecycle hooks, exec probes, stdin or a terminal run commands beside Tiller.",
    answer: "Refused: remove them; probes may use HTTP on port 44135.",
    ..Rule::PLAIN
};

pub(super) fn check(_: &Case<'_>, tiller: &TillerContainer<'_>, findings: &mut Findings<'_>) {
    let container = tiller.container;
    if container
        .lifecycle
        .as_ref()
        .is_some_and(|hooks| hooks.post_start.is_some() || hooks.pre_stop.is_some())
    {
        findings.refuse(
            &RULE,
            tiller.at("lifecycle"),
            "a lifecycle hook runs beside Tiller",
            "remove it",
        );
    }
    for (field, probe) in [
        ("livenessProbe", &container.liveness_probe),
        ("readinessProbe", &container.readiness_probe),
        ("startupProbe", &container.startup_probe),
    ] {
        if probe.as_ref().is_some_and(|probe| probe.exec.is_some()) {
            findings.refuse(
                &RULE,
                tiller.at(format!("{field}/exec")),
                "the probe executes a command in Tiller's container",
                "probe /liveness and /readiness on port 44135 by httpGet",
            );
        }
    }
    for (field, given) in [("stdin", container.stdin), ("tty", container.tty)] {
        if given == Some(true) {
            findings.refuse(
                &RULE,
                tiller.at(field),
                "Tiller's container keeps standard input or a terminal open",
                format!("remove {field}"),
            );
        }
    }
}
