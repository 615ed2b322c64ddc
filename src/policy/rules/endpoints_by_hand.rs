//! `endpoints-by-hand`

use crate::policy::case::Findings;
use crate::policy::exposure::{EndpointPort, ExposureObject};
use crate::policy::pointer::Place;
use crate::policy::{Pointer, Rule, Severity};

/// # What it finds
/// Endpoints, or an `EndpointSlice`, with port 44134, unless one of Kubernetes' controllers writes them. In a
/// manifest they always count as written by hand.
/// # Why it matters
/// A Service without a selector, whatever its port and type, leads to these addresses: to a Tiller that the Service
/// does not name.
/// # What hardening does
/// Nothing: for a Service with a selector, a controller writes the addresses.
pub(super) static RULE: Rule = Rule {
    id: "endpoints-by-hand",
    severity: Severity::High,
    summary: "Endpoints or an EndpointSlice with Tiller's port 44134 that no controller wrote.",
    answer: "Refused: create a ClusterIP Service that selects the pods.",
    ..Rule::PLAIN
};

pub(super) fn check(object: &ExposureObject<'_>, findings: &mut Findings<'_>) {
    let path = match object {
        ExposureObject::Service(_) | ExposureObject::Route(_) => None,
        ExposureObject::Endpoints(endpoints) => {
            let mut subsets = endpoints.subsets.iter().enumerate();
            subsets.find_map(|(index, subset)| {
                Some(format!("subsets/{index}/{}", port(&subset.ports)?))
            })
        }
        ExposureObject::EndpointSlice(slice) => port(&slice.ports),
    };
    if let Some(path) = path {
        findings.refuse(
            &RULE,
            Pointer::new(Place::Object, path),
            "addresses written by hand lead to port 44134",
            "make a ClusterIP Service that selects Tiller's pods: its addresses are written by a controller",
        );
    }
}

/// Where the first port that is Tiller's stands.
fn port(ports: &[EndpointPort<'_>]) -> Option<String> {
    let index = ports.iter().position(EndpointPort::is_tillers)?;
    Some(format!("ports/{index}/port"))
}
