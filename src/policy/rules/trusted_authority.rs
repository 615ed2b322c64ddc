//! `trusted-authority`

use crate::pod::VolumeSource;
use crate::policy::case::{Case, Findings};
use crate::policy::rules::certificate_authority;
use crate::policy::{Rule, Severity};
use crate::tiller::signs;

/// # What it finds
/// A Tiller in a team's namespace whose Secret already exists, and whose `ca.crt` holds a CA whose fingerprint the
/// team does not name, or that cannot be read.
/// # Why it matters
/// Whoever wrote the Secret before tiller-guard judged it has a CA, and with it certificates that this Tiller obeys.
/// # What hardening does
/// Nothing: a person must decide which CA is right.
pub(super) static RULE: Rule = Rule {
    id: "trusted-authority",
    severity: Severity::Critical,
    summary: "The existing Secret with Tiller's certificates trusts a CA that is not the team's.",
    answer: "Refused: put the team's CA into the Secret, then apply Tiller again.",
    ..Rule::PLAIN
};

pub(super) fn check(case: &Case<'_>, findings: &mut Findings<'_>) {
    let Some(namespace) = case.workload.namespace.as_deref() else {
        return;
    };
    for name in secrets(case) {
        let ca_file = case.knowledge.certificates(namespace, name);
        let objection = ca_file.and_then(|ca_file| {
            certificate_authority::objection(ca_file, namespace, case.knowledge)
        });
        if let Some(objection) = objection {
            findings.refuse(
                &RULE,
                case.pod("volumes"),
                format!("Secret {name} in namespace {namespace} is not the team's: its {objection}"),
                "put the team's CA into it first, or ask an administrator to add the fingerprint to the team",
            );
        }
    }
}

/// The Secrets with certificates that the pod mounts, or the one that hardening mounts.
fn secrets<'a>(case: &Case<'a>) -> impl Iterator<Item = &'a str> {
    let settings = case.settings.certificate_secret.as_str();
    let mounted = case.workload.pod.volumes.iter().filter_map(|volume| {
        let VolumeSource::Secret(secret) = &volume.source else {
            return None;
        };
        let name = secret.secret_name.as_str();
        (name == settings || signs::SECRETS.contains(&name)).then_some(name)
    });
    let mut mounted: Vec<&str> = mounted.collect();
    mounted.sort_unstable();
    mounted.dedup();
    let made = mounted.is_empty().then_some(settings);
    mounted.into_iter().chain(made)
}
