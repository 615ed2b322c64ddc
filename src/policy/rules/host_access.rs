//! `host-access`

use crate::pod::VolumeSource;
use crate::policy::case::{Case, Findings};
use crate::policy::{Pointer, Rule, Severity};

/// # What it finds
/// A Tiller's pod with access to its node: the node's network, processes, inter-process communication, ports or
/// files; and containers that see each other's processes.
/// # Why it matters
/// On the node's network, Tiller's ports are open to everything on the node, 127.0.0.1 included, and past network
/// policies. The node's files and processes hold other pods' credentials.
/// # What hardening does
/// Nothing: a pod that needs the node cannot run without it.
pub(super) static RULE: Rule = Rule {
    id: "host-access",
    severity: Severity::Critical,
    summary: "The pod reaches its node: network, processes, ports or files.",
    answer: "Refused: remove `--net-host`, `hostPort`, `hostPath` and similar settings.",
    ..Rule::PLAIN
};

pub(super) fn check(case: &Case<'_>, findings: &mut Findings<'_>) {
    let pod = &case.workload.pod;
    for (field, given, what) in [
        ("hostNetwork", pod.host_network, "the node's network"),
        ("hostPID", pod.host_pid, "the node's processes"),
        (
            "hostIPC",
            pod.host_ipc,
            "the node's inter-process communication",
        ),
        (
            "shareProcessNamespace",
            pod.share_process_namespace,
            "one another's processes",
        ),
    ] {
        if given == Some(true) {
            findings.refuse(
                &RULE,
                case.pod(field),
                format!("the pod's containers see {what}"),
                format!("remove {field}"),
            );
        }
    }
    for (index, volume) in pod.volumes.iter().enumerate() {
        if matches!(&volume.source, VolumeSource::Other(kind) if kind == "hostPath") {
            findings.refuse(
                &RULE,
                case.pod(format!("volumes/{index}/hostPath")),
                format!("volume {} is a path on the node", volume.name),
                "remove it",
            );
        }
    }
    for (place, container) in case.containers() {
        for (index, port) in container.ports.iter().enumerate() {
            if let Some(number @ 1..) = port.host_port {
                findings.refuse(
                    &RULE,
                    Pointer::new(place, format!("ports/{index}/hostPort")),
                    format!("the pod opens port {number} on its node"),
                    "remove hostPort",
                );
            }
        }
    }
    windows(case, findings);
}

fn windows(case: &Case<'_>, findings: &mut Findings<'_>) {
    let pod = case.workload.pod.security_context.as_ref();
    let of_pod = pod.and_then(|context| Some((case.pod_place(), context.windows_options?)));
    let of_containers = case.containers().filter_map(|(place, container)| {
        let context = container.security_context.as_ref()?;
        Some((place, context.windows_options?))
    });
    for (place, options) in of_pod.into_iter().chain(of_containers) {
        if options.host_process == Some(true) {
            findings.refuse(
                &RULE,
                Pointer::new(place, "securityContext/windowsOptions/hostProcess"),
                "the container runs as a process of the node",
                "remove hostProcess",
            );
        }
    }
}
