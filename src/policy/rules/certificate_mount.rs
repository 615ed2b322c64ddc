//! `certificate-mount`

use crate::pod::{SecretVolume, VolumeMount, VolumeSource};
use crate::policy::case::{Case, Findings, TillerContainer};
use crate::policy::harden::Content;
use crate::policy::harden::Edit;
use crate::policy::harden::canonical::CERTIFICATE_DIRECTORY;
use crate::policy::{Rule, Settings, Severity};
use crate::tiller::is_within;

/// The Secret that `helm init --tiller-tls-verify` makes, after the Deployment.
const HELM_INIT_SECRET: &str = "tiller-secret";

/// # What it finds
/// A mount at `/etc/certs` that is missing, writable, or not the whole Secret of the team.
/// # Why it matters
/// Whoever chooses the file behind `ca.crt` chooses who may command Tiller. It can be replaced by another Secret, a
/// ConfigMap, or a single file mounted over the right one.
/// # What hardening does
/// Mounts the Secret if nothing is mounted, makes the mount read-only and the files readable by Tiller's user.
/// Anything else at that path is refused.
pub(super) static RULE: Rule = Rule {
    id: "certificate-mount",
    severity: Severity::Critical,
    summary: "The team's Secret is not mounted at `/etc/certs`, read-only and whole.",
    answer: "Hardened if nothing is mounted there, or if the mount is writable; refused if something else is \
             mounted there.",
    ..Rule::PLAIN
};

pub(super) fn check(case: &Case<'_>, tiller: &TillerContainer<'_>, findings: &mut Findings<'_>) {
    let mut right_place = None;
    for (index, (path, mount)) in tiller.mounts().enumerate() {
        let is_directory = path == CERTIFICATE_DIRECTORY;
        if is_within(path, CERTIFICATE_DIRECTORY) && (!is_directory || right_place.is_some()) {
            findings.refuse(
                &RULE,
                tiller.at(format!("volumeMounts/{index}")),
                format!("volume {} hides the certificates at {path}", mount.name),
                "remove this mount",
            );
        } else if is_directory {
            right_place = Some((index, mount));
        }
    }
    match right_place {
        Some((index, mount)) => {
            check_mount(case, tiller, (index, mount), findings);
        }
        None => findings.harden(
            &RULE,
            tiller.at("volumeMounts"),
            "nothing is mounted at /etc/certs",
            format!(
                "mount the Secret {} there, read-only",
                case.settings.certificate_secret
            ),
            Edit::Certificates(tiller.place()),
        ),
    }
}

fn check_mount(
    case: &Case<'_>,
    tiller: &TillerContainer<'_>,
    (index, mount): (usize, &VolumeMount<'_>),
    findings: &mut Findings<'_>,
) {
    let pod = &case.workload.pod;
    let volume = pod
        .volumes
        .iter()
        .enumerate()
        .find(|(_, volume)| volume.name == *mount.name);
    let same_name = pod.volumes.iter().filter(|it| it.name == *mount.name);
    let objection = match volume.map(|(_, volume)| &volume.source) {
        _ if !mount.sub_path.is_empty() || !mount.sub_path_expr.is_empty() => {
            Some("only a part of the volume is mounted there".to_owned())
        }
        _ if same_name.count() > 1 => Some(format!("several volumes are named {}", mount.name)),
        Some(VolumeSource::Secret(secret)) => secret_objection(secret, case.settings),
        Some(_) => Some(format!("volume {} is not a Secret", mount.name)),
        None => Some(format!("there is no volume {}", mount.name)),
    };
    if let Some(message) = objection {
        findings.refuse(
            &RULE,
            tiller.at(format!("volumeMounts/{index}")),
            message,
            format!(
                "mount the whole Secret {} at {CERTIFICATE_DIRECTORY}, or remove the mount: hardening adds it",
                case.settings.certificate_secret
            ),
        );
        return;
    }
    if mount.read_only != Some(true) {
        let path = tiller.at(format!("volumeMounts/{index}/readOnly"));
        findings.harden(
            &RULE,
            path.clone(),
            "the certificates are mounted writable",
            "set readOnly: true",
            Edit::Field {
                path,
                value: Content::Boolean(true),
            },
        );
    }
    if let Some((index, volume)) = volume
        && let VolumeSource::Secret(secret) = &volume.source
        && !secret.is_readable_in(pod.fs_group())
    {
        let path = case.pod(format!("volumes/{index}/secret/defaultMode"));
        findings.harden(
            &RULE,
            path.clone(),
            "Tiller's user cannot read the certificates, because their files belong to root",
            "set defaultMode to 0444",
            Edit::Field {
                path,
                value: Content::Number(0o444),
            },
        );
    }
}

fn secret_objection(secret: &SecretVolume<'_>, settings: &Settings) -> Option<String> {
    let name = secret.secret_name.as_str();
    if name != settings.certificate_secret && name != HELM_INIT_SECRET {
        Some(format!(
            "the Secret \"{name}\" is not the one with the team's certificates"
        ))
    } else if !secret.items.is_empty() {
        Some("the Secret's keys are mounted under other names".to_owned())
    } else {
        None
    }
}
