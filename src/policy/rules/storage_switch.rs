//! `storage-switch`

use crate::policy::case::{Case, Findings, TillerContainer};
use crate::policy::rules::release_storage;
use crate::policy::{Rule, Severity};
use crate::tiller::{Effective, Storage};

/// # What it finds
/// A Tiller that keeps its releases in ConfigMaps, which hardening would have keep them in Secrets, in a namespace with
/// releases recorded in ConfigMaps.
/// # Why it matters
/// Tiller does not move its records. It would know of none of these releases: `helm ls` shows nothing, and upgrades fail.
/// # What hardening does
/// Nothing, until the records are Secrets. An exception for `release-storage` leaves Tiller's storage as it is.
pub(in crate::policy) static RULE: Rule = Rule {
    id: "storage-switch",
    severity: Severity::High,
    summary: "Tiller would lose sight of the releases that are recorded in ConfigMaps.",
    answer: "Refused: make Secrets of the records first, each with the ConfigMap's name, labels and `release`.",
};

pub(super) fn check(case: &Case<'_>, tiller: &TillerContainer<'_>, findings: &mut Findings<'_>) {
    if !tiller.has_open_launch() || case.exemptions.lets_off(&release_storage::RULE) {
        return;
    }
    if let Some((records, namespace)) = hidden(case, &tiller.tiller.effective) {
        findings.refuse(
            &RULE,
            tiller.words(),
            format!(
                "{records} records of releases in {namespace} are ConfigMaps, which this Tiller would see no more \
                 once it keeps them in Secrets"
            ),
            "make a Secret of each ConfigMap labelled OWNER=TILLER, with its name, its labels and its value of \
             release; delete the ConfigMaps; then write this again",
        );
    }
}

/// Whether the storage stays as it is, so that no releases are hidden.
pub(in crate::policy) fn holds(case: &Case<'_>, effective: &Effective<'_>) -> bool {
    !case.exemptions.lets_off(&RULE) && hidden(case, effective).is_some()
}

/// How many records of releases another storage would hide, and in which namespace.
fn hidden<'a>(case: &Case<'a>, effective: &Effective<'_>) -> Option<(u32, &'a str)> {
    let namespace = case.subject.namespace.as_deref()?;
    let records = case.knowledge.release_records_in(namespace);
    let in_config_maps = effective.storage.known() == Some(&Storage::ConfigMap);
    (in_config_maps && records > 0).then_some((records, namespace))
}
