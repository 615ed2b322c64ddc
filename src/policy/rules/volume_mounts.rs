//! `volume-mounts`

use crate::pod::{Volume, VolumeMount, VolumeSource};
use crate::policy::case::{Case, Findings, TillerContainer};
use crate::policy::harden::canonical::{CERTIFICATE_DIRECTORY, SCRATCH_DIRECTORY};
use crate::policy::{Injector, LiveFact, Rule, Severity, WorkloadKind, token};
use crate::tiller::{clean_path, is_within};

/// Where the API server mounts a pod's service account token.
const TOKEN_DIRECTORY: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Where a file for last words hides nothing.
const LAST_WORDS: [&str; 2] = ["/dev", SCRATCH_DIRECTORY];

/// # What it finds
/// A mount that Tiller does not need: anything except its certificates and an empty directory at `/tmp`; raw block
/// devices; and a file for last words, which the kubelet mounts at `terminationMessagePath`, outside `/dev` and `/tmp`.
/// # Why it matters
/// A file at the right path is an identity (a token, `/tmp/.kube/config`), trust (`/etc/ssl/certs`) or a program.
/// # What hardening does
/// Nothing, because somebody mounted it for a purpose. In a Pod, the token is left as the API server mounts it:
/// whole, of the Pod's service account and for the API server, with the cluster's CA and the namespace, and nothing
/// beside them.
pub(super) static RULE: Rule = Rule {
    id: "volume-mounts",
    severity: Severity::High,
    summary: "Something is mounted that Tiller does not need.",
    answer: "Refused: mount only the certificates and an empty directory at `/tmp`.",
    live: Some(LiveFact::TokenSecrets),
    ..Rule::PLAIN
};

const REMEDY: &str = "remove this mount and its volume";

pub(super) fn check(case: &Case<'_>, tiller: &TillerContainer<'_>, findings: &mut Findings<'_>) {
    for (index, (path, mount)) in tiller.mounts().enumerate() {
        // What lies there is judged by certificate-mount.
        if is_within(path, CERTIFICATE_DIRECTORY) {
            continue;
        }
        let mut volumes = case.workload.pod.volumes.iter();
        let volume = volumes.find(|volume| volume.name == *mount.name);
        let needed = match path {
            SCRATCH_DIRECTORY => is_empty_directory(mount, volume),
            TOKEN_DIRECTORY => {
                case.workload.kind == WorkloadKind::Pod
                    && token::is_api_servers(case, mount, volume)
            }
            _ => false,
        };
        if !needed {
            let place = tiller.at(format!("volumeMounts/{index}"));
            let message = format!(
                "Tiller does not need the volume {} that is mounted at {path}",
                mount.name
            );
            match case.injected(|| Injector::of_volume(&mount.name)) {
                Some(injector) => {
                    let message = format!("{message}; {} mounts it in pods", injector.name());
                    let by = (injector, tiller.container.name.as_str());
                    findings.refuse_injected(&RULE, place, message, by);
                }
                None => findings.refuse(&RULE, place, message, REMEDY),
            }
        }
    }
    let last_words = clean_path(&tiller.container.termination_message_path);
    let is_default = tiller.container.termination_message_path.is_empty();
    if !is_default && !LAST_WORDS.into_iter().any(|it| is_within(&last_words, it)) {
        findings.refuse(
            &RULE,
            tiller.at("terminationMessagePath"),
            format!("the kubelet mounts a file at {last_words}, which hides what is there"),
            "remove terminationMessagePath",
        );
    }
    if !tiller.container.volume_devices.is_empty() {
        findings.refuse(
            &RULE,
            tiller.at("volumeDevices"),
            "the container has raw block devices",
            "remove volumeDevices",
        );
    }
}

fn is_empty_directory(mount: &VolumeMount<'_>, volume: Option<&Volume<'_>>) -> bool {
    mount.sub_path_expr.is_empty()
        && volume.is_some_and(|volume| {
            matches!(
                volume.source,
                VolumeSource::EmptyDir(_) | VolumeSource::Unset
            )
        })
}
