//! `release-storage`

use crate::policy::case::{Case, Findings, TillerContainer};
use crate::policy::{Excepting, LaunchPart, Rule, Severity};
use crate::tiller::Storage;

/// # What it finds
/// A Tiller that does not keep its releases in Secrets.
/// # Why it matters
/// A release holds its values, passwords included. Many more roles may read ConfigMaps than Secrets. Memory, which
/// every misspelt value means, is lost on restart.
/// # What hardening does
/// Sets `--storage=secret`, unless `storage-switch` finds that this would hide releases.
pub(in crate::policy) static RULE: Rule = Rule {
    id: "release-storage",
    severity: Severity::High,
    summary: "Tiller does not keep releases in Secrets.",
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
        Some(Storage::ConfigMap) => "Tiller keeps releases, with their values, in ConfigMaps",
        Some(Storage::Memory) => {
            "Tiller keeps releases in memory; the next restart loses them, also the restart for this change"
        }
        Some(Storage::Sql) => {
            "Tiller keeps releases in a database, and its password is in the manifest"
        }
    };
    findings.relaunch(&RULE, tiller, message, "set --storage=secret");
}
