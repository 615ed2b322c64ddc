//! `certificate-paths`

use crate::policy::case::{Findings, TillerContainer};
use crate::policy::harden::canonical::{CA_CERTIFICATE, CERTIFICATE, KEY};
use crate::policy::{Excepting, LaunchPart, Rule, Severity};
use crate::tiller::{Setting, Tls};

/// # What it finds
/// A Tiller with TLS that reads its key, its certificate or its clients' CA from another path than `/etc/certs`.
/// # Why it matters
/// The CA decides who may command Tiller. An empty `--tls-ca-cert=` means the system's roots: everyone with a
/// certificate of a public CA may.
/// # What hardening does
/// Sets the three paths under `/etc/certs`, where the team's Secret is mounted.
pub(in crate::policy) static RULE: Rule = Rule {
    id: "certificate-paths",
    severity: Severity::Critical,
    summary: "Tiller does not read its key, certificate or CA from `/etc/certs`.",
    answer: "Hardened: `--tls-key`, `--tls-cert` and `--tls-ca-cert` under `/etc/certs`.",
    excepted: Some(Excepting::Keeps(LaunchPart::CertificatePaths)),
    ..Rule::PLAIN
};

pub(super) fn check(tiller: &TillerContainer<'_>, findings: &mut Findings<'_>) {
    let Tls {
        enabled,
        verify: _,
        key,
        cert,
        ca,
    } = &tiller.tiller.effective.tls;
    // Without TLS nothing is read; turning it on sets the paths.
    if enabled.is(&false) {
        return;
    }
    for (what, setting, right) in [
        ("key", key, KEY),
        ("certificate", cert, CERTIFICATE),
        ("CA", ca, CA_CERTIFICATE),
    ] {
        let message = match setting {
            Setting::Known(path) if path == right => continue,
            Setting::Known(path) if path.is_empty() && what == "CA" => {
                "the CA's path is empty, so every client with a certificate of a public CA is accepted"
                    .to_owned()
            }
            Setting::Known(path) => format!("the {what} is read from \"{path}\""),
            Setting::Unknown(reason) => {
                format!("the path of the {what} is unknown: {reason}")
            }
        };
        findings.relaunch(&RULE, tiller, message, format!("set it to {right}"));
    }
}
