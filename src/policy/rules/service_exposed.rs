//! `service-exposed`

use crate::policy::case::Findings;
use crate::policy::exposure::{ExposureObject, Service};
use crate::policy::pointer::Place;
use crate::policy::{Pointer, Rule, Severity};

/// # What it finds
/// A Service that leads to Tiller (a label in its selector has the value `tiller`, or a port is 44134, or a target
/// port is 44134 or `tiller`) and is of another type than `ClusterIP`, or has `externalIPs`.
/// # Why it matters
/// Tiller's port is open to everyone who reaches a node, a load balancer or that address; no `NetworkPolicy` that
/// names pods and namespaces keeps them out.
/// # What hardening does
/// Nothing: a person must decide who reaches Tiller. Helm's client needs no Service at all.
pub(super) static RULE: Rule = Rule {
    id: "service-exposed",
    severity: Severity::High,
    summary: "A Service opens Tiller's port 44134 beyond the cluster.",
    answer: "Refused: use type ClusterIP without externalIPs; Helm reaches Tiller by port-forward.",
    ..Rule::PLAIN
};

pub(super) fn check(object: &ExposureObject<'_>, findings: &mut Findings<'_>) {
    let ExposureObject::Service(Service { spec, .. }) = object else {
        return;
    };
    let Some(lead) = spec.lead() else {
        return;
    };
    let kind = match spec.kind.as_str() {
        "" | "ClusterIP" => None,
        "NodePort" => Some("is of type NodePort"),
        "LoadBalancer" => Some("is of type LoadBalancer"),
        "ExternalName" => Some("is of type ExternalName"),
        _ => Some("is not of type ClusterIP"),
    };
    if let Some(kind) = kind {
        findings.refuse(
            &RULE,
            Pointer::new(Place::Object, "spec/type"),
            format!("the Service {lead} and {kind}"),
            "set the type ClusterIP: Helm's client reaches Tiller by port-forward",
        );
    }
    if !spec.external_ips.is_empty() {
        findings.refuse(
            &RULE,
            Pointer::new(Place::Object, "spec/externalIPs"),
            format!("the Service {lead} and takes traffic at external addresses"),
            "remove externalIPs: Helm's client reaches Tiller by port-forward",
        );
    }
}
