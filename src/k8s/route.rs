//! What the specification of an Ingress, or of a route of the Gateway API, leads to.

use crate::json::fields;
use crate::pod::{Items, PortReference, Text};
use crate::policy::exposure::Backend;

/// Of an Ingress: `backend` is of `v1beta1`, `defaultBackend` of `v1`.
#[derive(Default)]
pub(super) struct IngressSpec<'a> {
    backend: Option<IngressBackend<'a>>,
    default_backend: Option<IngressBackend<'a>>,
    rules: Items<IngressRule<'a>>,
}

fields!(IngressSpec<'a> {
    "backend" => backend,
    "defaultBackend" => default_backend,
    "rules" => rules,
});

#[derive(Default)]
struct IngressRule<'a> {
    http: Option<IngressPaths<'a>>,
}

fields!(IngressRule<'a> {
    "http" => http,
});

#[derive(Default)]
struct IngressPaths<'a> {
    paths: Items<IngressPath<'a>>,
}

fields!(IngressPaths<'a> {
    "paths" => paths,
});

#[derive(Default)]
struct IngressPath<'a> {
    backend: Option<IngressBackend<'a>>,
}

fields!(IngressPath<'a> {
    "backend" => backend,
});

/// `servicePort` is of `v1beta1`, `service` of `v1`.
#[derive(Default)]
struct IngressBackend<'a> {
    service_name: Text<'a>,
    service_port: Option<PortReference<'a>>,
    service: Option<IngressService<'a>>,
}

fields!(IngressBackend<'a> {
    "serviceName" => service_name,
    "servicePort" => service_port,
    "service" => service,
});

#[derive(Default)]
struct IngressService<'a> {
    name: Text<'a>,
    port: Option<IngressPort<'a>>,
}

fields!(IngressService<'a> {
    "name" => name,
    "port" => port,
});

/// One of the two.
#[derive(Default)]
struct IngressPort<'a> {
    number: Option<i64>,
    name: Option<Text<'a>>,
}

fields!(IngressPort<'a> {
    "number" => number,
    "name" => name,
});

/// Of a route of the Gateway API.
#[derive(Default)]
pub(super) struct RouteSpec<'a> {
    rules: Items<RouteRule<'a>>,
}

fields!(RouteSpec<'a> {
    "rules" => rules,
});

#[derive(Default)]
struct RouteRule<'a> {
    backend_refs: Items<RouteBackend<'a>>,
}

fields!(RouteRule<'a> {
    "backendRefs" => backend_refs,
});

#[derive(Default)]
struct RouteBackend<'a> {
    name: Text<'a>,
    port: Option<PortReference<'a>>,
}

fields!(RouteBackend<'a> {
    "name" => name,
    "port" => port,
});

// === impl IngressSpec ===

impl<'a> IngressSpec<'a> {
    pub(super) fn backends(self) -> Vec<Backend<'a>> {
        let Self {
            backend,
            default_backend,
            rules,
        } = self;
        let defaults = [("backend", backend), ("defaultBackend", default_backend)];
        let defaults = defaults.map(|(field, backend)| (format!("spec/{field}"), backend));
        let rules = rules.into_iter().enumerate();
        let paths = rules.flat_map(|(rule, IngressRule { http })| {
            let paths = http.unwrap_or_default().paths.into_iter().enumerate();
            paths.map(move |(path, IngressPath { backend })| {
                let place = format!("spec/rules/{rule}/http/paths/{path}/backend");
                (place, backend)
            })
        });
        let all = defaults.into_iter().chain(paths);
        all.filter_map(|(path, backend)| {
            let (service, port) = backend?.service()?;
            Some(Backend {
                path,
                service,
                port,
            })
        })
        .collect()
    }
}

// === impl IngressBackend ===

impl<'a> IngressBackend<'a> {
    /// Its name and port. Nothing where it is no Service.
    fn service(self) -> Option<(Text<'a>, PortReference<'a>)> {
        let IngressService { name, port } = self.service.unwrap_or_default();
        let service = if name.is_empty() {
            self.service_name
        } else {
            name
        };
        let IngressPort { number, name } = port.unwrap_or_default();
        let number = number.map(PortReference::Number);
        let named = || name.map(PortReference::Name);
        let port = self.service_port.or(number).or_else(named)?;
        Some((service, port))
    }
}

// === impl RouteSpec ===

impl<'a> RouteSpec<'a> {
    pub(super) fn backends(self) -> Vec<Backend<'a>> {
        let rules = self.rules.into_iter().enumerate();
        let backends = rules.flat_map(|(rule, RouteRule { backend_refs })| {
            let backends = backend_refs.into_iter().enumerate();
            backends.map(move |(backend, RouteBackend { name, port })| Backend {
                path: format!("spec/rules/{rule}/backendRefs/{backend}"),
                service: name,
                port: port.unwrap_or_default(),
            })
        });
        backends.collect()
    }
}
