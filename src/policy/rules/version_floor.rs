//! `version-floor`

use crate::policy::case::{Case, Findings, TillerContainer};
use crate::policy::{Rule, Severity};
use crate::tiller::{Setting, Version};

/// # What it finds
/// A Tiller older than the floor (2.7.2 or higher), or one whose version is unknown.
/// # Why it matters
/// Tiller 2.4.0 to 2.7.1 accepts clients without a certificate even with `--tls-verify`. Before 2.7.0
/// `--storage=secret` silently means memory, and a restart loses every release.
/// # What hardening does
/// Nothing: a person must decide to upgrade.
pub(super) static RULE: Rule = Rule {
    id: "version-floor",
    severity: Severity::Critical,
    summary: "Tiller is older than 2.7.2, or its version is unknown.",
    answer: "Refused: use Tiller 2.7.2 or newer, preferably 2.17.0, named by its tag.",
    ..Rule::PLAIN
};

pub(super) fn check(case: &Case<'_>, tiller: &TillerContainer<'_>, findings: &mut Findings<'_>) {
    let floor = case.settings.version_floor;
    match &tiller.tiller.version {
        Setting::Known(version) if *version >= floor => {}
        Setting::Known(version) => findings.refuse(
            &RULE,
            tiller.at("image"),
            format!("Tiller {version} {}", weakness(*version, floor)),
            if case.is_helms() {
                format!(
                    "use Tiller {floor} or newer, preferably 2.17.0: helm init --tiller-image IMAGE"
                )
            } else {
                format!("use Tiller {floor} or newer, preferably 2.17.0")
            },
        ),
        Setting::Unknown(reason) => findings.refuse(
            &RULE,
            tiller.at("image"),
            reason.to_string(),
            "name the release only by its tag, such as ghcr.io/helm/tiller:v2.17.0",
        ),
    }
}

fn weakness(version: Version, floor: Version) -> String {
    let release = |minor, patch| Version {
        major: 2,
        minor,
        patch,
    };
    if version < release(2, 0) {
        "is not a release of Tiller".to_owned()
    } else if version < release(3, 0) {
        "knows no TLS".to_owned()
    } else if version < release(7, 0) {
        "cannot keep releases in Secrets".to_owned()
    } else if version < release(7, 2) {
        "accepts clients without a certificate even with --tls-verify".to_owned()
    } else {
        format!("is older than {floor}, the oldest that is allowed here")
    }
}
