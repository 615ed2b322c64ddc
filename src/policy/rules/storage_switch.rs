//! `storage-switch`

use crate::policy::case::{Case, Findings, TillerContainer};
use crate::policy::{Excepting, LaunchPart, LiveFact, Rule, SecretRecords, Severity, Writer};
use crate::tiller::{Effective, Storage};

/// # What it finds
/// Release records that a Tiller would not see: records in ConfigMaps of its namespace if it keeps its own in
/// Secrets, or the other way round, whatever its manifest says; and a Tiller that would leave a database.
/// # Why it matters
/// Tiller does not move its records. If Tiller does not see a release, `helm ls` shows nothing, upgrades fail, and
/// `helm upgrade --install` followed by `helm delete --purge` deletes what runs.
/// # What hardening does
/// Nothing, until `tiller-guard releases move --to secrets` has moved the records to where Tiller looks for them. An
/// exception for `release-storage` leaves Tiller's storage as it is; an exception for this rule accepts the loss.
pub(in crate::policy) static RULE: Rule = Rule {
    id: "storage-switch",
    severity: Severity::High,
    summary: "Tiller would not see releases that are recorded in another storage than it uses.",
    answer: "Refused: move the records first, with `tiller-guard releases move`.",
    excepted: Some(Excepting::Sets(LaunchPart::Storage)),
    live: Some(LiveFact::ReleaseRecords),
    ..Rule::PLAIN
};

/// What a Tiller would not see.
enum Loss<'a> {
    /// All that is in its database.
    Database,
    /// So many records in this namespace.
    ConfigMaps(u32, &'a str),
    /// So many records in this namespace.
    Secrets(u32, &'a str),
    /// Nobody knows how many there are in Secrets, since tiller-guard may not list them.
    Unreadable(&'a str),
    /// They are not counted yet.
    Uncounted(&'a str),
}

pub(super) fn check(case: &Case<'_>, tiller: &TillerContainer<'_>, findings: &mut Findings<'_>) {
    if !tiller.has_open_launch() {
        return;
    }
    let Some(used) = used(case, &tiller.tiller.effective) else {
        return;
    };
    for loss in losses(case, &tiller.tiller.effective, used) {
        let (message, remedy) = loss.told(used);
        findings.refuse(&RULE, tiller.words(), message, remedy);
    }
}

/// Where the Tiller keeps its records once it is hardened.
fn used(case: &Case<'_>, effective: &Effective<'_>) -> Option<Storage> {
    if case.exemptions.keep(LaunchPart::Storage) {
        effective.storage.known().copied()
    } else {
        Some(Storage::Secret)
    }
}

fn losses<'a>(case: &Case<'a>, effective: &Effective<'_>, used: Storage) -> Vec<Loss<'a>> {
    let before = [
        effective.storage.known().copied(),
        case.workload.former_storage,
    ];
    let database = used != Storage::Sql && before.contains(&Some(Storage::Sql));
    let config_maps = config_maps(case).filter(|_| used != Storage::ConfigMap);
    let secrets = if used == Storage::Secret {
        None
    } else {
        case.workload.namespace.as_deref().and_then(|namespace| {
            match case.knowledge.secret_records_in(namespace) {
                SecretRecords::Counted(0) => None,
                SecretRecords::Counted(records) => Some(Loss::Secrets(records, namespace)),
                SecretRecords::Unreadable => Some(Loss::Unreadable(namespace)),
                // They were counted for the object that this is made of.
                SecretRecords::Unasked if case.workload.writer == Writer::Maker => None,
                SecretRecords::Unasked => Some(Loss::Uncounted(namespace)),
            }
        })
    };
    let database = database.then_some(Loss::Database).into_iter();
    database.chain(config_maps).chain(secrets).collect()
}

/// The records in ConfigMaps, if there are any.
fn config_maps<'a>(case: &Case<'a>) -> Option<Loss<'a>> {
    let namespace = case.workload.namespace.as_deref()?;
    match case.knowledge.release_records_in(namespace) {
        0 => None,
        records => Some(Loss::ConfigMaps(records, namespace)),
    }
}

// === impl Loss ===

impl Loss<'_> {
    /// What is lost to a Tiller that uses this storage, and what to do.
    fn told(&self, used: Storage) -> (String, String) {
        let flag = format!("--storage={}", used.as_str());
        let hidden = |records: u32, namespace: &str, place: &str| {
            let records = match records {
                1 => "1 release record".to_owned(),
                records => format!("{records} release records"),
            };
            format!(
                "{namespace} has {records} in {place}; with {flag}, Tiller would no longer see them"
            )
        };
        match self {
            Self::Database => (
                format!("with {flag}, Tiller would no longer see the releases in its database"),
                "keep --storage=sql by an exception for release-storage in the policy; if the releases may be lost, \
                 make one for storage-switch"
                    .to_owned(),
            ),
            Self::ConfigMaps(records, namespace) => (
                hidden(*records, namespace, "ConfigMaps"),
                format!(
                    "run: tiller-guard releases move --to secrets -n {namespace}; then write this again"
                ),
            ),
            Self::Secrets(records, namespace) => (
                hidden(*records, namespace, "Secrets"),
                "set --storage=secret, and remove the exception for release-storage".to_owned(),
            ),
            Self::Unreadable(namespace) => (
                format!(
                    "tiller-guard may not list the Secrets in {namespace}, so the release records there are unknown; \
                     with {flag}, Tiller would no longer see them"
                ),
                format!(
                    "set --storage=secret, or run: kubectl -n {namespace} create role tiller-guard-records --verb=list \
                     --resource=secrets; kubectl -n {namespace} create rolebinding tiller-guard-records \
                     --role=tiller-guard-records --serviceaccount=tiller-guard:tiller-guard"
                ),
            ),
            Self::Uncounted(namespace) => (
                format!(
                    "the release records in Secrets of {namespace} are not counted yet; with {flag}, Tiller would no \
                     longer see them"
                ),
                "set --storage=secret, or try again".to_owned(),
            ),
        }
    }
}
