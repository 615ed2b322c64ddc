//! `verbose-logging`

use std::borrow::Cow;

use crate::policy::case::{Findings, TillerContainer};
use crate::policy::{Rule, Severity};
use crate::tiller::Flag;

/// # What it finds
/// A Tiller with `--v` above 4, with `--vmodule` or `--log_backtrace_at`, or with flags that name a file for the log.
/// # Why it matters
/// From verbosity 6 on Tiller's Kubernetes client logs its requests: at 8 with their bodies, which are releases with
/// their values, at 9 with the bearer token of Tiller's account. Whoever reads logs has them.
/// # What hardening does
/// Sets `--v=4`, and drops the other flags: Tiller logs to its standard error, which needs none of them.
pub(in crate::policy) static RULE: Rule = Rule {
    id: "verbose-logging",
    severity: Severity::High,
    summary: "Tiller logs more than it should, or to a file: tokens and releases from `--v=8` on.",
    answer: "Hardened: `--v=4` at most; `--vmodule`, `--log_backtrace_at`, `--log_dir` and `--log_file` are dropped.",
};

/// The highest verbosity at which Tiller's Kubernetes client logs no request.
const MOST: i64 = 4;
/// Verbosity by source file, and where a stack is logged.
const BY_FILE: [&str; 2] = ["vmodule", "log_backtrace_at"];
/// Where a log file is, and how large.
const FILES: [&str; 3] = ["log_dir", "log_file", "log_file_max_size"];

pub(super) fn check(tiller: &TillerContainer<'_>, findings: &mut Findings<'_>) {
    for flag in &tiller.tiller.effective.other_flags {
        let name = flag.name;
        let (message, remedy) = if name == "v" && is_verbose(&flag.value) {
            (
                "--v above 4 logs requests: releases with their values, and the account's token"
                    .to_owned(),
                format!("set --v={MOST}"),
            )
        } else if BY_FILE.contains(&name) {
            (
                format!("--{name} logs what --v would keep out of the log"),
                format!("remove --{name}"),
            )
        } else if FILES.contains(&name) {
            (
                format!("--{name} writes the log to a file, which nothing reads or bounds"),
                format!("remove --{name}"),
            )
        } else {
            continue;
        };
        findings.relaunch(&RULE, tiller, message, remedy);
    }
}

/// The value that a hardened Tiller has of one of its other flags; nothing where it has no such flag.
pub(in crate::policy) fn bounded<'f>(flag: &'f Flag<'_>) -> Option<Cow<'f, str>> {
    match flag.name {
        "v" if is_verbose(&flag.value) => Some(Cow::Owned(MOST.to_string())),
        name if BY_FILE.contains(&name) || FILES.contains(&name) => None,
        _ => Some(Cow::Borrowed(&flag.value)),
    }
}

/// Tiller exits for a value that is no number.
fn is_verbose(value: &str) -> bool {
    value.parse::<i64>().is_ok_and(|level| level > MOST)
}
