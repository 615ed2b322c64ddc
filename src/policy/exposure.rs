//! What opens a port beside the pod: Services, the addresses that traffic to them goes to, and what leads to them from the
//! cluster's edge.
//!
//! Such an object is judged by itself: no knowledge of the pods behind it is taken. What leads to
//! a Tiller by labels and names of ports that do not tell of one is not seen.
//!
//! Source: the API reference of `Service` and `Endpoints` v1, `EndpointSlice` v1alpha1, v1beta1 and v1, and `Ingress`
//! v1beta1 and v1, Kubernetes 1.10 to 1.36; of the Gateway API, whose routes name their backends alike in all versions.

use std::collections::BTreeMap;

use crate::json::fields;
use crate::pod::{Items, PortReference, Text};
use crate::tiller::signs;

/// The kinds that open a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExposureKind {
    /// Service.
    Service,
    /// Endpoints.
    Endpoints,
    /// `EndpointSlice`.
    EndpointSlice,
    /// Ingress.
    Ingress,
    /// `HTTPRoute`.
    HttpRoute,
    /// `GRPCRoute`.
    GrpcRoute,
    /// `TLSRoute`.
    TlsRoute,
    /// `TCPRoute`.
    TcpRoute,
}

/// An object that opens a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExposureObject<'a> {
    /// A Service.
    Service(Service<'a>),
    /// Endpoints.
    Endpoints(Endpoints<'a>),
    /// An `EndpointSlice`.
    EndpointSlice(EndpointSlice<'a>),
    /// An Ingress, or a route of the Gateway API.
    Route(Route<'a>),
}

/// A Service: who reaches it, and where it leads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Service<'a> {
    /// The namespace, if the object or the request names it.
    pub namespace: Option<Text<'a>>,
    /// The object's name; empty where the API server is to make one.
    pub name: Text<'a>,
    /// What is asked for.
    pub spec: ServiceSpec<'a>,
}

/// A Service's specification.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceSpec<'a> {
    /// Who reaches it; the API server takes none for `ClusterIP`.
    pub kind: Text<'a>,
    /// Addresses at which nodes take traffic for it, whatever its type.
    pub external_ips: Items<Text<'a>>,
    /// The labels of the pods that it leads to. Without any, it leads where [`Endpoints`] of its name say.
    pub selector: Option<BTreeMap<String, Text<'a>>>,
    /// Its ports.
    pub ports: Items<ServicePort<'a>>,
}

fields!(ServiceSpec<'a> {
    "type" => kind,
    "externalIPs" => external_ips,
    "selector" => selector,
    "ports" => ports,
});

/// A port of a Service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServicePort<'a> {
    /// The Service's own port.
    pub port: PortReference<'a>,
    /// The pods' port; where there is none, the Service's own.
    pub target_port: PortReference<'a>,
}

fields!(ServicePort<'a> {
    "port" => port,
    "targetPort" => target_port,
});

/// Endpoints: where the traffic to the Service of the same name goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoints<'a> {
    /// The namespace, if the object or the request names it.
    pub namespace: Option<Text<'a>>,
    /// The object's name; empty where the API server is to make one.
    pub name: Text<'a>,
    /// Addresses with the ports that they have in common.
    pub subsets: Items<EndpointSubset<'a>>,
}

/// Some addresses of Endpoints, of which only the ports are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointSubset<'a> {
    /// The ports.
    pub ports: Items<EndpointPort<'a>>,
}

fields!(EndpointSubset<'a> {
    "ports" => ports,
});

/// An `EndpointSlice`: some of the addresses of a Service, of which only the ports are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointSlice<'a> {
    /// The namespace, if the object or the request names it.
    pub namespace: Option<Text<'a>>,
    /// The object's name; empty where the API server is to make one.
    pub name: Text<'a>,
    /// The ports that the addresses have in common.
    pub ports: Items<EndpointPort<'a>>,
}

/// A port at an address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointPort<'a> {
    /// The number; `EndpointSlice`s may leave it out.
    pub port: PortReference<'a>,
}

fields!(EndpointPort<'a> {
    "port" => port,
});

/// An Ingress, or a route of the Gateway API: where it leads from the cluster's edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route<'a> {
    /// Which of them.
    pub kind: ExposureKind,
    /// The namespace, if the object or the request names it.
    pub namespace: Option<Text<'a>>,
    /// The object's name; empty where the API server is to make one.
    pub name: Text<'a>,
    /// Everything it leads to.
    pub backends: Vec<Backend<'a>>,
}

/// A Service that a route leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backend<'a> {
    /// Where it stands in the object, from the root without a slash before.
    pub path: String,
    /// The Service's name.
    pub service: Text<'a>,
    /// The Service's port.
    pub port: PortReference<'a>,
}

/// The port on which every Tiller serves Helm's clients: the rule `listen-address` lets it have no other.
const TILLER: PortReference<'static> = PortReference::Number(44134);

// === impl ExposureKind ===

impl ExposureKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Service,
        Self::Endpoints,
        Self::EndpointSlice,
        Self::Ingress,
        Self::HttpRoute,
        Self::GrpcRoute,
        Self::TlsRoute,
        Self::TcpRoute,
    ];

    /// The kind's name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Service => "Service",
            Self::Endpoints => "Endpoints",
            Self::EndpointSlice => "EndpointSlice",
            Self::Ingress => "Ingress",
            Self::HttpRoute => "HTTPRoute",
            Self::GrpcRoute => "GRPCRoute",
            Self::TlsRoute => "TLSRoute",
            Self::TcpRoute => "TCPRoute",
        }
    }

    /// Whether it is the addresses of a Service.
    pub fn is_addresses(self) -> bool {
        matches!(self, Self::Endpoints | Self::EndpointSlice)
    }
}

// === impl ExposureObject ===

impl<'a> ExposureObject<'a> {
    /// The object's name; empty where the API server is to make one.
    pub fn name(&self) -> &Text<'a> {
        match self {
            Self::Service(service) => &service.name,
            Self::Endpoints(endpoints) => &endpoints.name,
            Self::EndpointSlice(slice) => &slice.name,
            Self::Route(route) => &route.name,
        }
    }

    /// The namespace, if the object or the request names it.
    pub fn namespace(&self) -> Option<&str> {
        let namespace = match self {
            Self::Service(service) => &service.namespace,
            Self::Endpoints(endpoints) => &endpoints.namespace,
            Self::EndpointSlice(slice) => &slice.namespace,
            Self::Route(route) => &route.namespace,
        };
        namespace.as_deref()
    }

    /// Places it in a namespace.
    pub fn place_in(&mut self, namespace: Text<'a>) {
        let place = match self {
            Self::Service(service) => &mut service.namespace,
            Self::Endpoints(endpoints) => &mut endpoints.namespace,
            Self::EndpointSlice(slice) => &mut slice.namespace,
            Self::Route(route) => &mut route.namespace,
        };
        *place = Some(namespace);
    }

    /// The kind of the object.
    pub fn kind(&self) -> ExposureKind {
        match self {
            Self::Service(_) => ExposureKind::Service,
            Self::Endpoints(_) => ExposureKind::Endpoints,
            Self::EndpointSlice(_) => ExposureKind::EndpointSlice,
            Self::Route(route) => route.kind,
        }
    }
}

// === impl Service ===

impl Service<'_> {
    /// Whether its selector or ports tell that it leads to Tillers.
    pub fn leads_to_tiller(&self) -> bool {
        self.spec.lead().is_some()
    }
}

// === impl ServiceSpec ===

impl ServiceSpec<'_> {
    /// By what it leads to Tillers, if it does, to be said of the Service: a label in the selector whose value is
    /// `tiller`, the port 44134, or pods' port 44134 or `tiller`. `helm init` makes a Service of `name=tiller`, port
    /// 44134 and pods' port `tiller`.
    pub(super) fn lead(&self) -> Option<&'static str> {
        let selects = |(_, value): (&String, &Text<'_>)| *value == "tiller";
        if self.selector.iter().flatten().any(selects) {
            return Some("selects pods labelled tiller");
        }
        self.ports
            .iter()
            .find_map(|ServicePort { port, target_port }| {
                if *port == TILLER {
                    Some("has the port 44134")
                } else if *target_port == TILLER {
                    Some("has the target port 44134")
                } else if matches!(target_port, PortReference::Name(name) if *name == "tiller") {
                    Some("has the target port tiller")
                } else {
                    None
                }
            })
    }
}

// === impl EndpointPort ===

impl EndpointPort<'_> {
    /// Whether it is Tiller's.
    pub(super) fn is_tillers(&self) -> bool {
        self.port == TILLER
    }
}

// === impl Backend ===

impl Backend<'_> {
    /// Whether it is Tiller's: by its port's number, or by the names that `helm init` gives the port and the Service.
    pub(super) fn is_tillers(&self) -> bool {
        self.port == TILLER
            || matches!(&self.port, PortReference::Name(name) if *name == "tiller")
            || self.service == signs::NAME_START
    }
}
