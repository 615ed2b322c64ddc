//! `security-context`

use serde_json::{Value, json};

use crate::pod::SeccompProfile;
use crate::policy::canonical::{SCRATCH_DIRECTORY, USER};
use crate::policy::case::{Case, Findings, TillerContainer};
use crate::policy::harden::Edit;
use crate::policy::{Rule, Severity};
use crate::tiller::clean_path;

/// Before Kubernetes 1.19 the pod's system call filter is this annotation and a server drops the field;
/// from 1.19 to 1.26 the server keeps both in step.
const SECCOMP_ANNOTATION: &str = "seccomp.security.alpha.kubernetes.io/pod";

/// # What it finds
/// A Tiller that runs as root, may gain rights, keeps capabilities, writes its root file system or runs
/// without a system call filter.
/// # Why it matters
/// Tiller renders charts that strangers wrote. It needs none of these.
/// # What hardening does
/// Sets what the Pod Security Standard `restricted` asks for, user 65534 where none is named, a read-only
/// root file system and an empty directory at `/tmp`, the only place that Tiller writes.
pub(super) static RULE: Rule = Rule {
    id: "security-context",
    severity: Severity::Medium,
    summary: "The container runs as root, with capabilities, a writable root or without seccomp.",
    answer: "Hardened: user 65534, no capabilities, no escalation, read-only root, seccomp \
             RuntimeDefault, an empty directory at `/tmp`.",
};

pub(super) fn check(case: &Case<'_>, tiller: &TillerContainer<'_>, findings: &mut Findings) {
    user(case, tiller, findings);
    privileges(tiller, findings);
    seccomp(case, tiller, findings);
    let is_scratch = |path: &str| clean_path(path) == SCRATCH_DIRECTORY;
    if !tiller
        .container
        .volume_mounts
        .iter()
        .any(|mount| is_scratch(&mount.mount_path))
    {
        findings.harden(
            &RULE,
            tiller.at("volumeMounts"),
            "Tiller's cache has no place to be written with a read-only root file system",
            "mount an emptyDir at /tmp",
            Edit::Scratch {
                tiller: tiller.path.clone(),
            },
        );
    }
}

fn user(case: &Case<'_>, tiller: &TillerContainer<'_>, findings: &mut Findings) {
    let pod = case.subject.pod.security_context.as_ref();
    let own = tiller.container.security_context.as_ref();
    let own_user = own.and_then(|context| context.run_as_user);
    if matches!(
        own_user.or_else(|| pod.and_then(|context| context.run_as_user)),
        None | Some(0)
    ) {
        let message = match own_user {
            Some(_) => "the container runs as root",
            None => "the container runs as the image's user, which is root before 2.10.0",
        };
        set(
            case,
            tiller,
            findings,
            Field {
                in_container: own_user.is_some(),
                name: "runAsUser",
                value: USER.into(),
                message,
            },
        );
    }
    let own_demand = own.and_then(|context| context.run_as_non_root);
    if own_demand.or_else(|| pod.and_then(|context| context.run_as_non_root)) != Some(true) {
        set(
            case,
            tiller,
            findings,
            Field {
                in_container: own_demand.is_some(),
                name: "runAsNonRoot",
                value: true.into(),
                message: "the kubelet would start the container as root too",
            },
        );
    }
}

fn privileges(tiller: &TillerContainer<'_>, findings: &mut Findings) {
    let context = tiller.container.security_context.as_deref();
    let mut demand = |met: bool, name: &'static str, value: Value, message: &'static str| {
        if !met {
            findings.harden(
                &RULE,
                tiller.at(&format!("securityContext/{name}")),
                message,
                format!("set {name} to {value}"),
                Edit::ContainerSecurity {
                    tiller: tiller.path.clone(),
                    field: name,
                    value,
                },
            );
        }
    };
    let has = |given: Option<bool>, wanted: bool| given == Some(wanted);
    demand(
        !context.is_some_and(|context| has(context.privileged, true)),
        "privileged",
        false.into(),
        "the container has every right on the node",
    );
    demand(
        context.is_some_and(|context| has(context.allow_privilege_escalation, false)),
        "allowPrivilegeEscalation",
        false.into(),
        "a process may gain more rights than Tiller",
    );
    demand(
        context.is_some_and(|context| has(context.read_only_root_filesystem, true)),
        "readOnlyRootFilesystem",
        true.into(),
        "the root file system can be written",
    );
    demand(
        context
            .and_then(|context| context.capabilities.as_ref())
            .is_some_and(|capabilities| {
                capabilities.add.is_empty() && capabilities.drop.iter().any(|name| name == "ALL")
            }),
        "capabilities",
        json!({ "drop": ["ALL"] }),
        "the container keeps Linux capabilities",
    );
    demand(
        context.is_none_or(|context| matches!(context.proc_mount.as_str(), "" | "Default")),
        "procMount",
        "Default".into(),
        "parts of /proc that are hidden otherwise are shown",
    );
}

fn seccomp(case: &Case<'_>, tiller: &TillerContainer<'_>, findings: &mut Findings) {
    const MESSAGE: &str = "the container may make every system call";
    let own = tiller
        .container
        .security_context
        .as_ref()
        .and_then(|it| it.seccomp_profile.as_ref());
    let of_pod = case
        .subject
        .pod
        .security_context
        .as_ref()
        .and_then(|it| it.seccomp_profile.as_ref());
    let annotated = case
        .subject
        .annotations()
        .and_then(|annotations| annotations.seccomp.as_ref())
        .is_some_and(|profile| {
            matches!(profile.as_str(), "runtime/default" | "docker/default")
                || profile.starts_with("localhost/")
        });
    match own.or(of_pod) {
        Some(profile) if is_filter(profile) => return,
        None if annotated => return,
        _ => {}
    }
    set(
        case,
        tiller,
        findings,
        Field {
            in_container: own.is_some(),
            name: "seccompProfile",
            value: json!({ "type": "RuntimeDefault" }),
            message: MESSAGE,
        },
    );
    if own.is_none() && !annotated {
        findings.harden(
            &RULE,
            format!(
                "{}/metadata/annotations/{}",
                case.subject.kind.pod_pointer(),
                SECCOMP_ANNOTATION.replace('/', "~1")
            ),
            "the same for Kubernetes before 1.19, which reads this annotation",
            "set it to runtime/default",
            Edit::Annotation {
                key: SECCOMP_ANNOTATION,
                value: "runtime/default",
            },
        );
    }
}

fn is_filter(profile: &SeccompProfile<'_>) -> bool {
    matches!(profile.kind.as_str(), "RuntimeDefault" | "Localhost")
}

/// A field that both security contexts have; the container's counts where it is given.
struct Field {
    in_container: bool,
    name: &'static str,
    value: Value,
    message: &'static str,
}

fn set(case: &Case<'_>, tiller: &TillerContainer<'_>, findings: &mut Findings, field: Field) {
    let Field {
        in_container,
        name,
        value,
        message,
    } = field;
    let parent = if in_container {
        &tiller.path
    } else {
        case.pod_path
    };
    let path = format!("{parent}/securityContext/{name}");
    let remedy = format!("set {name} to {value}");
    let edit = if in_container {
        Edit::ContainerSecurity {
            tiller: tiller.path.clone(),
            field: name,
            value,
        }
    } else {
        Edit::PodSecurity { field: name, value }
    };
    findings.harden(&RULE, path, message, remedy, edit);
}
