//! `security-context`

use std::borrow::Cow;

use crate::pod::{Capabilities, SeccompProfile};
use crate::policy::case::{Case, Findings, TillerContainer};
use crate::policy::harden::Content;
use crate::policy::harden::Edit;
use crate::policy::harden::canonical::{SCRATCH_DIRECTORY, USER};
use crate::policy::pointer::{Field, Place};

use crate::policy::rules::confinement::is_harmless;
use crate::policy::{Pointer, Rule, RunAsUser, Severity};

/// Before Kubernetes 1.19 the pod's system call filter is this annotation and a server drops the field; up to 1.26 a server
/// makes the field of a new Pod from it, and later ones do not read it.
const SECCOMP_ANNOTATION: Field = Field {
    path: "metadata/annotations/seccomp.security.alpha.kubernetes.io~1pod",
    name: "seccomp.security.alpha.kubernetes.io/pod",
};

/// The container runtime's own filter, in the words of [`SECCOMP_ANNOTATION`]. `runtime/default` says the same, and
/// Kubernetes 1.10 refuses a pod with it.
///
/// Source: `ValidateSeccompProfile` and, for both beside `seccompProfile`, `validateSeccompAnnotationsAndFieldsMatch`.
const RUNTIME_DEFAULT: &str = "docker/default";

/// A field of a security context, and what it has to be.
struct Demand<'a> {
    field: Field,
    value: Content<'a>,
    remedy: Cow<'static, str>,
}

const USER_DEMAND: Demand<'static> = Demand {
    field: Field {
        path: "securityContext/runAsUser",
        name: "runAsUser",
    },
    value: Content::Number(USER),
    remedy: Cow::Borrowed("set runAsUser to 65534"),
};
const NON_ROOT: Demand<'static> = Demand {
    field: Field {
        path: "securityContext/runAsNonRoot",
        name: "runAsNonRoot",
    },
    value: Content::Boolean(true),
    remedy: Cow::Borrowed("set runAsNonRoot to true"),
};
/// The annotation of one container, but for its name.
const CONTAINER_SECCOMP_ANNOTATION: &str =
    "metadata/annotations/container.seccomp.security.alpha.kubernetes.io~1";
const SECCOMP_FIELD: Field = Field {
    path: "securityContext/seccompProfile",
    name: "seccompProfile",
};
const UNPRIVILEGED: Demand<'static> = Demand {
    field: Field {
        path: "securityContext/privileged",
        name: "privileged",
    },
    value: Content::Boolean(false),
    remedy: Cow::Borrowed("set privileged to false"),
};
const NO_ESCALATION: Demand<'static> = Demand {
    field: Field {
        path: "securityContext/allowPrivilegeEscalation",
        name: "allowPrivilegeEscalation",
    },
    value: Content::Boolean(false),
    remedy: Cow::Borrowed("set allowPrivilegeEscalation to false"),
};
const READ_ONLY_ROOT: Demand<'static> = Demand {
    field: Field {
        path: "securityContext/readOnlyRootFilesystem",
        name: "readOnlyRootFilesystem",
    },
    value: Content::Boolean(true),
    remedy: Cow::Borrowed("set readOnlyRootFilesystem to true"),
};
const NO_CAPABILITIES: Demand<'static> = Demand {
    field: Field {
        path: "securityContext/capabilities",
        name: "capabilities",
    },
    value: Content::DropAll,
    remedy: Cow::Borrowed("set capabilities to {\"drop\":[\"ALL\"]}"),
};
const MASKED_PROC: Demand<'static> = Demand {
    field: Field {
        path: "securityContext/procMount",
        name: "procMount",
    },
    value: Content::Text(Cow::Borrowed("Default")),
    remedy: Cow::Borrowed("set procMount to \"Default\""),
};

/// # What it finds
/// A Tiller that runs as root, may gain privileges, keeps capabilities, may write its root file system, or runs
/// without a seccomp profile.
/// # Why it matters
/// Tiller renders charts that strangers wrote. It needs none of these.
/// # What hardening does
/// Sets what the Pod Security Standard `restricted` demands, user 65534 if none is named, a read-only root file
/// system and an empty directory at `/tmp`, the only place that Tiller writes to. If the policy leaves the user to
/// OpenShift's projects, it removes root and 65534, and sets neither a user nor the seccomp annotation.
pub(super) static RULE: Rule = Rule {
    id: "security-context",
    severity: Severity::Medium,
    summary: "The container runs as root, with capabilities, with a writable root file system or without seccomp.",
    answer: "Hardened: user 65534 (none with `runAsUser: project`), no capabilities, no privilege escalation, \
             read-only root file system, seccomp RuntimeDefault, an empty directory at `/tmp`.",
    ..Rule::PLAIN
};

pub(super) fn check<'a>(
    case: &Case<'a>,
    tiller: &TillerContainer<'a>,
    findings: &mut Findings<'a>,
) {
    user(case, tiller, findings);
    privileges(tiller, findings);
    seccomp(case, tiller, findings);
    if !tiller.mounts().any(|(path, _)| path == SCRATCH_DIRECTORY) {
        findings.harden(
            &RULE,
            tiller.at("volumeMounts"),
            "with a read-only root file system, Tiller has no directory for its cache",
            "mount an emptyDir at /tmp",
            Edit::Scratch(tiller.place()),
        );
    }
}

fn user(case: &Case<'_>, tiller: &TillerContainer<'_>, findings: &mut Findings<'_>) {
    let pod = case.workload.pod.security_context.as_ref();
    let own = tiller.container.security_context.as_ref();
    let own_user = own.and_then(|context| context.run_as_user);
    let pod_user = pod.and_then(|context| context.run_as_user);
    let user = own_user.or(pod_user);
    if case.settings.run_as_user == RunAsUser::Project {
        let users = [(tiller.place(), own_user), (case.pod_place(), pod_user)];
        for (place, user) in users {
            leave_to_project(place, user, findings);
        }
    } else if !user.is_some_and(is_harmless) {
        let message = match user {
            Some(0) => "the container runs as root",
            Some(_) => "runAsUser is not a valid user ID",
            None => "runAsUser is not set, and the image's user is root before 2.10.0",
        };
        let place = place_of(case, tiller, own_user.is_some());
        demand(findings, place, USER_DEMAND, message);
    }
    let own_demand = own.and_then(|context| context.run_as_non_root);
    if own_demand.or_else(|| pod.and_then(|context| context.run_as_non_root)) != Some(true) {
        let place = place_of(case, tiller, own_demand.is_some());
        demand(
            findings,
            place,
            NON_ROOT,
            "runAsNonRoot is not true, so the kubelet would start the container even as root",
        );
    }
}

/// OpenShift sets a user where a pod names none, before any webhook sees the pod, and refuses one that is not of the
/// project's range.
fn leave_to_project(place: Place, user: Option<i64>, findings: &mut Findings<'_>) {
    let message = match user {
        Some(0) => "the container runs as root",
        Some(USER) => "runAsUser is fixed, and may be outside the project's range",
        _ => return,
    };
    let path = Pointer::new(place, USER_DEMAND.field.path);
    let edit = Edit::NoField { path: path.clone() };
    let remedy = "remove runAsUser; OpenShift sets one from the project's range";
    findings.harden(&RULE, path, message, remedy, edit);
}

fn privileges(tiller: &TillerContainer<'_>, findings: &mut Findings<'_>) {
    let place = tiller.place();
    let context = tiller.container.security_context.as_deref();
    if context.is_some_and(|context| context.privileged == Some(true)) {
        demand(
            findings,
            place,
            UNPRIVILEGED,
            "the container is privileged: it has every right on the node",
        );
    }
    if context.is_none_or(|context| context.allow_privilege_escalation != Some(false)) {
        demand(
            findings,
            place,
            NO_ESCALATION,
            "a process may gain more privileges than its parent",
        );
    }
    if context.is_none_or(|context| context.read_only_root_filesystem != Some(true)) {
        demand(
            findings,
            place,
            READ_ONLY_ROOT,
            "the root file system is writable",
        );
    }
    let capabilities = context.and_then(|context| context.capabilities.as_ref());
    if capabilities.is_none_or(keeps_some) {
        demand(
            findings,
            place,
            NO_CAPABILITIES,
            "the container keeps Linux capabilities",
        );
    }
    if context.is_some_and(|context| !matches!(context.proc_mount.as_str(), "" | "Default")) {
        let message = "procMount shows parts of /proc that are otherwise hidden";
        demand(findings, place, MASKED_PROC, message);
    }
}

fn keeps_some(capabilities: &Capabilities<'_>) -> bool {
    !capabilities.add.is_empty() || !capabilities.drop.iter().any(|name| name == "ALL")
}

fn seccomp<'a>(case: &Case<'a>, tiller: &TillerContainer<'a>, findings: &mut Findings<'a>) {
    let own = tiller.container.security_context.as_ref();
    let own = own.and_then(|context| context.seccomp_profile.as_ref());
    let pod = case.workload.pod.security_context.as_ref();
    let of_pod = pod.and_then(|context| context.seccomp_profile.as_ref());
    let annotations = case.workload.annotations();
    let annotated = annotations.and_then(|it| it.seccomp.as_ref());
    let annotated = annotated.map(|value| SeccompProfile::of_annotation(value));
    let meant = annotated.clone().filter(SeccompProfile::is_filter);
    let wanted = meant.unwrap_or_else(|| SeccompProfile::of_annotation(RUNTIME_DEFAULT));
    let has_filter = own.or(of_pod).is_some_and(SeccompProfile::is_filter);
    let is_old = !case.knowledge.has_seccomp_field();
    let counts = is_old && own.or(of_pod).is_none() && annotated.as_ref() == Some(&wanted);
    if !has_filter && !counts {
        let message = match own.or(of_pod) {
            None if annotated.as_ref() == Some(&wanted) => {
                "Kubernetes 1.27 and newer ignores the seccomp annotation"
            }
            _ => "no seccomp profile is set, so the container may make every system call",
        };
        let place = place_of(case, tiller, own.is_some());
        demand(findings, place, filter(&wanted), message);
    }
    if own.is_none() {
        let of_pod = of_pod.filter(|it| it.is_filter());
        // OpenShift's security context constraint `restricted` refuses a pod that has it.
        let may_have_it = case.settings.run_as_user != RunAsUser::Project;
        let lacks = annotated.is_none() && !has_filter && may_have_it;
        let settled = of_pod.unwrap_or(&wanted);
        if lacks || annotated.is_some_and(|it| it != *settled) {
            annotate(case, settled, has_filter, findings);
        }
    }
    let named = annotations.and_then(|it| it.container_seccomp.get(&*tiller.container.name));
    if let Some(named) = named.map(|value| SeccompProfile::of_annotation(value)) {
        let agrees = match own.filter(|it| it.is_filter()) {
            Some(own) => named == *own,
            None => named.is_filter(),
        };
        if !agrees {
            forget_annotation(case, &tiller.container.name, findings);
        }
    }
}

/// Lets the pod's annotation say what its field says.
fn annotate<'a>(
    case: &Case<'a>,
    profile: &SeccompProfile<'a>,
    has_filter: bool,
    findings: &mut Findings<'a>,
) {
    let value = match &*profile.localhost_profile {
        "" => RUNTIME_DEFAULT.into(),
        file => Cow::Owned(format!("localhost/{file}")),
    };
    findings.harden(
        &RULE,
        case.template(SECCOMP_ANNOTATION.path),
        if has_filter {
            "the seccomp annotation and seccompProfile disagree"
        } else {
            "no seccomp profile for Kubernetes before 1.19, which reads it from this annotation"
        },
        format!("set it to {value}"),
        Edit::Annotation {
            field: SECCOMP_ANNOTATION,
            value,
        },
    );
}

/// Takes away the annotation of a container, which counts more than the pod's up to Kubernetes 1.26. The API server takes no
/// other names of containers than these.
fn forget_annotation(case: &Case<'_>, container: &str, findings: &mut Findings<'_>) {
    let is_label = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if container.bytes().all(is_label) {
        let path = case.template(format!("{CONTAINER_SECCOMP_ANNOTATION}{container}"));
        findings.harden(
            &RULE,
            path.clone(),
            "the container's seccomp annotation and its seccompProfile disagree",
            "remove the annotation",
            Edit::NoField { path },
        );
    }
}

/// A demand for this system call filter.
fn filter<'a>(profile: &SeccompProfile<'a>) -> Demand<'a> {
    let (value, written) = match &*profile.localhost_profile {
        "" => {
            let kind = "RuntimeDefault";
            let value = Content::Typed { r#type: kind };
            (value, format!("{{\"type\":\"{kind}\"}}"))
        }
        file => {
            let members = vec![
                ("type", Content::Text("Localhost".into())),
                (
                    "localhostProfile",
                    Content::Text(Cow::Owned(file.to_owned())),
                ),
            ];
            let written = format!("{{\"type\":\"Localhost\",\"localhostProfile\":\"{file}\"}}");
            (Content::Object(members), written)
        }
    };
    Demand {
        field: SECCOMP_FIELD,
        value,
        remedy: format!("set seccompProfile to {written}").into(),
    }
}

/// Where to set a field that both contexts have: in the container's if it is there, since it counts.
fn place_of(case: &Case<'_>, tiller: &TillerContainer<'_>, in_container: bool) -> Place {
    if in_container {
        tiller.place()
    } else {
        case.pod_place()
    }
}

fn demand<'a>(findings: &mut Findings<'a>, of: Place, demand: Demand<'a>, message: &'static str) {
    let Demand {
        field,
        value,
        remedy,
    } = demand;
    let edit = Edit::Security { of, field, value };
    findings.harden(&RULE, Pointer::new(of, field.path), message, remedy, edit);
}
