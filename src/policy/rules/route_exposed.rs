//! `route-exposed`

use crate::policy::case::Findings;
use crate::policy::exposure::{Backend, ExposureObject};
use crate::policy::pointer::Place;
use crate::policy::{Pointer, Rule, Severity};

/// # What it finds
/// An Ingress, or a route of the Gateway API (`HTTPRoute`, `GRPCRoute`, `TLSRoute`, `TCPRoute`), with a backend whose
/// port is 44134 or named `tiller`, or whose Service is called `tiller-deploy`.
/// # Why it matters
/// Whoever reaches the cluster's edge reaches Tiller's port. A proxy that passes TLS through, as a `TLSRoute` does
/// and an Ingress may, opens it like a load balancer. A proxy that ends TLS hides from Tiller who the client is.
/// # What hardening does
/// Nothing: Helm's client needs no way through the edge.
pub(super) static RULE: Rule = Rule {
    id: "route-exposed",
    severity: Severity::High,
    summary: "An Ingress or a route of the Gateway API leads to Tiller's port 44134.",
    answer: "Refused: remove the backend; Helm reaches Tiller by port-forward.",
    ..Rule::PLAIN
};

pub(super) fn check(object: &ExposureObject<'_>, findings: &mut Findings<'_>) {
    let ExposureObject::Route(route) = object else {
        return;
    };
    let mut backends = route.backends.iter();
    if let Some(Backend { path, .. }) = backends.find(|backend| backend.is_tillers()) {
        findings.refuse(
            &RULE,
            Pointer::new(Place::Object, path.clone()),
            "this exposes Tiller's port outside the cluster",
            "remove this backend: Helm's client reaches Tiller by port-forward",
        );
    }
}
