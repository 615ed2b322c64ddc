//! `release-storage`

use crate::policy::case::{Case, Findings, TillerContainer};
use crate::policy::{Excepting, LaunchPart, Rule, Severity};
use crate::tiller::Storage;

/// # What it finds
/// A Tiller that does not keep its releases in Secrets.
/// # Why it matters
/// A release holds the values it was made with, passwords included. ConfigMaps are readable by far more
/// roles than Secrets; memory, which every misspelt value means, is lost on restart.
/// # What hardening does
/// Sets `--storage=secret`, but where `storage-switch` finds that this would hide releases.
pub(in crate::policy) static RULE: Rule = Rule {
    id: "release-storage",
    severity: Severity::High,
    summary: "Releases are not kept in Secrets.",
    answer: "Hardened: `--storage=secret`.",
    excepted: Some(Excepting::Keeps(LaunchPart::Storage)),
    ..Rule::PLAIN
};

pub(super) fn check(case: &Case<'_>, tiller: &TillerContainer<'_>, findings: &mut Findings<'_>) {
    if !tiller.has_open_launch() || case.holds_storage(&tiller.tiller.effective) {
        return;
    }
    let message = match tiller.tiller.effective.storage.known() {
        None | Some(Storage::Secret) => return,
        Some(Storage::ConfigMap) => {
            "releases, with the values they were made with, are kept in ConfigMaps"
        }
        Some(Storage::Memory) => {
            "releases are kept in memory; the next restart loses them, that for this change included"
        }
        Some(Storage::Sql) => {
            "releases are kept in a database, whose password stands in the manifest"
        }
    };
    findings.relaunch(&RULE, tiller, message, "set --storage=secret");
}
