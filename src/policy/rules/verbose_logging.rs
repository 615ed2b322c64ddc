//! `verbose-logging`

use crate::policy::case::{Findings, TillerContainer};
use crate::policy::harden::canonical::{BY_FILE, LOG_FILES, VERBOSITY, is_verbose};
use crate::policy::{Excepting, LaunchPart, Rule, Severity};

/// # What it finds
/// A Tiller with `--v` above 4, with `--vmodule` or `--log_backtrace_at`, or with flags that name a log file.
/// # Why it matters
/// From verbosity 6 on, Tiller's Kubernetes client logs its requests: at 8 with their bodies, which are releases with
/// their values, at 9 with the token of Tiller's service account. Whoever reads logs has them.
/// # What hardening does
/// Sets `--v=4`, and drops the other flags: Tiller logs to standard error, which needs none of them.
pub(in crate::policy) static RULE: Rule = Rule {
    id: "verbose-logging",
    severity: Severity::High,
    summary: "Tiller logs too much, or to a file: tokens and releases from `--v=8` on.",
    answer: "Hardened: `--v=4` at most; `--vmodule`, `--log_backtrace_at`, `--log_dir` and `--log_file` are \
             dropped.",
    excepted: Some(Excepting::Keeps(LaunchPart::Logging)),
    ..Rule::PLAIN
};

pub(super) fn check(tiller: &TillerContainer<'_>, findings: &mut Findings<'_>) {
    for flag in &tiller.tiller.effective.other_flags {
        let name = flag.name;
        let (message, remedy) = if name == "v" && is_verbose(&flag.value) {
            (
                "--v above 4 logs requests: releases with their values, and Tiller's token"
                    .to_owned(),
                format!("set --v={VERBOSITY}"),
            )
        } else if BY_FILE.contains(&name) {
            (
                format!("--{name} logs what --v leaves out"),
                format!("remove --{name}"),
            )
        } else if LOG_FILES.contains(&name) {
            (
                format!("--{name} writes the log to a file, which nothing reads or limits"),
                format!("remove --{name}"),
            )
        } else {
            continue;
        };
        findings.relaunch(&RULE, tiller, message, remedy);
    }
}
