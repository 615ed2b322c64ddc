//! `confinement`

use std::borrow::Cow;

use crate::pod::{AppArmorProfile, SeLinuxOptions, Text};
use crate::policy::case::{Case, Findings, TillerContainer};
use crate::policy::harden::Content;
use crate::policy::harden::Edit;
use crate::policy::harden::canonical::USER;
use crate::policy::pointer::Place;
use crate::policy::{Pointer, Rule, Severity};

/// # What it finds
/// A Tiller whose confinement by the kernel is switched off or chosen by hand: AppArmor `unconfined`, also by an
/// annotation; an SELinux type such as `spc_t`; kernel parameters; root's group, or a group ID that is not valid.
/// # Why it matters
/// Tiller renders charts that strangers wrote, and needs none of these.
/// # What hardening does
/// Removes them, so that the container runtime's own confinement counts, and sets group 65534 if the group is root's
/// or not valid.
pub(super) static RULE: Rule = Rule {
    id: "confinement",
    severity: Severity::Medium,
    summary: "AppArmor or SELinux is switched off, or the pod sets kernel parameters or root's group.",
    answer: "Hardened: the container runtime's own profiles, no kernel parameters, group 65534.",
    ..Rule::PLAIN
};

/// The pointer of the annotation before the container's name.
const APP_ARMOR_ANNOTATION: &str =
    "metadata/annotations/container.apparmor.security.beta.kubernetes.io~1";

pub(super) fn check(case: &Case<'_>, tiller: &TillerContainer<'_>, findings: &mut Findings<'_>) {
    annotation(case, tiller, findings);
    let pod = case.workload.pod.security_context.as_ref();
    let own = tiller.container.security_context.as_deref();
    let places = [
        (
            case.pod_place(),
            pod.map(|it| (&it.app_armor_profile, &it.se_linux_options)),
        ),
        (
            tiller.place(),
            own.map(|it| (&it.app_armor_profile, &it.se_linux_options)),
        ),
    ];
    for (place, given) in places {
        let Some((app_armor, se_linux)) = given else {
            continue;
        };
        profile(place, app_armor.as_ref(), findings);
        labels(place, se_linux.as_ref(), findings);
    }
    if pod.is_some_and(|pod| !pod.sysctls.is_empty()) {
        remove(
            Pointer::new(case.pod_place(), "securityContext/sysctls"),
            "kernel parameters are set for the pod",
            findings,
        );
    }
    groups(case, tiller, findings);
}

/// The annotation of the container's AppArmor profile, of Kubernetes before 1.30. The API server takes no other names of
/// containers than these.
fn annotation(case: &Case<'_>, tiller: &TillerContainer<'_>, findings: &mut Findings<'_>) {
    let container = &*tiller.container.name;
    let is_label = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let profile = case
        .workload
        .annotations()
        .and_then(|it| it.container_app_armor.get(container));
    let confines =
        |profile: &Text<'_>| profile == "runtime/default" || profile.starts_with("localhost/");
    if profile.is_some_and(|profile| !confines(profile)) && container.bytes().all(is_label) {
        remove(
            case.template(format!("{APP_ARMOR_ANNOTATION}{container}")),
            "this annotation switches AppArmor off for the container",
            findings,
        );
    }
}

fn profile(place: Place, app_armor: Option<&AppArmorProfile<'_>>, findings: &mut Findings<'_>) {
    let confines = |profile: &AppArmorProfile<'_>| {
        matches!(profile.kind.as_str(), "RuntimeDefault" | "Localhost")
    };
    if app_armor.is_some_and(|profile| !confines(profile)) {
        remove(
            Pointer::new(place, "securityContext/appArmorProfile"),
            "AppArmor does not confine the container",
            findings,
        );
    }
}

/// The types are those of the Pod Security Standard `baseline`.
fn labels(place: Place, options: Option<&SeLinuxOptions<'_>>, findings: &mut Findings<'_>) {
    let Some(SeLinuxOptions { user, role, kind }) = options else {
        return;
    };
    let is_container = matches!(
        kind.as_str(),
        "" | "container_t" | "container_init_t" | "container_kvm_t"
    );
    for (field, bad) in [
        ("user", !user.is_empty()),
        ("role", !role.is_empty()),
        ("type", !is_container),
    ] {
        if bad {
            remove(
                Pointer::new(place, format!("securityContext/seLinuxOptions/{field}")),
                "the container's SELinux options are not those of a container",
                findings,
            );
        }
    }
}

fn groups(case: &Case<'_>, tiller: &TillerContainer<'_>, findings: &mut Findings<'_>) {
    let pod = case.workload.pod.security_context.as_ref();
    let own = tiller.container.security_context.as_deref();
    for (place, field, group) in [
        (
            case.pod_place(),
            "securityContext/runAsGroup",
            pod.and_then(|it| it.run_as_group),
        ),
        (
            tiller.place(),
            "securityContext/runAsGroup",
            own.and_then(|it| it.run_as_group),
        ),
        (
            case.pod_place(),
            "securityContext/fsGroup",
            pod.and_then(|it| it.fs_group),
        ),
    ] {
        if group.is_some_and(|group| !is_harmless(group)) {
            let path = Pointer::new(place, field);
            findings.harden(
                &RULE,
                path.clone(),
                "the group is root or not a valid group ID",
                format!("set it to {USER}"),
                Edit::Field {
                    path,
                    value: Content::Number(USER),
                },
            );
        }
    }
    let supplemental = pod.map_or(&[][..], |pod| &pod.supplemental_groups);
    if supplemental.iter().any(|group| !is_harmless(*group)) {
        remove(
            Pointer::new(case.pod_place(), "securityContext/supplementalGroups"),
            "one of the groups is root or not a valid group ID",
            findings,
        );
    }
}

/// Whether a user's or group's number is not root's, and one that the API server takes: `ValidateUserID` and
/// `ValidateGroupID`, Kubernetes 1.10 to 1.36.
pub(super) fn is_harmless(number: i64) -> bool {
    (1..=i64::from(i32::MAX)).contains(&number)
}

fn remove(path: Pointer, message: impl Into<Cow<'static, str>>, findings: &mut Findings<'_>) {
    findings.harden(
        &RULE,
        path.clone(),
        message,
        "remove it",
        Edit::NoField { path },
    );
}
