//! From a Service, Endpoints, an `EndpointSlice`, an Ingress or a route to what it opens.

use super::route::{IngressSpec, RouteSpec};
use super::workload::told_namespace;
use crate::json::{ReadError, Source, fields, read as read_value};
use crate::pod::{Items, Text};
use crate::policy::exposure::{
    EndpointPort, EndpointSlice, EndpointSubset, Endpoints, ExposureKind, ExposureObject, Route,
    Service, ServiceSpec,
};

/// Reads an object of this kind.
pub(super) fn read<'j, S: Source<'j>>(
    kind: ExposureKind,
    object: &mut S,
) -> Result<ExposureObject<'j>, ReadError> {
    Ok(match kind {
        ExposureKind::Service => {
            let ServiceFields { metadata, spec } = read_value(object)?;
            ExposureObject::Service(Service {
                namespace: told_namespace(metadata.namespace).0,
                name: metadata.name,
                spec: spec.unwrap_or_default(),
            })
        }
        ExposureKind::Endpoints => {
            let EndpointsFields { metadata, subsets } = read_value(object)?;
            ExposureObject::Endpoints(Endpoints {
                namespace: told_namespace(metadata.namespace).0,
                name: metadata.name,
                subsets,
            })
        }
        ExposureKind::EndpointSlice => {
            let SliceFields { metadata, ports } = read_value(object)?;
            ExposureObject::EndpointSlice(EndpointSlice {
                namespace: told_namespace(metadata.namespace).0,
                name: metadata.name,
                ports,
            })
        }
        ExposureKind::Ingress => {
            let IngressFields { metadata, spec } = read_value(object)?;
            ExposureObject::Route(Route {
                kind,
                namespace: told_namespace(metadata.namespace).0,
                name: metadata.name,
                backends: spec.unwrap_or_default().backends(),
            })
        }
        ExposureKind::HttpRoute
        | ExposureKind::GrpcRoute
        | ExposureKind::TlsRoute
        | ExposureKind::TcpRoute => {
            let RouteFields { metadata, spec } = read_value(object)?;
            ExposureObject::Route(Route {
                kind,
                namespace: told_namespace(metadata.namespace).0,
                name: metadata.name,
                backends: spec.unwrap_or_default().backends(),
            })
        }
    })
}

#[derive(Default)]
struct Metadata<'a> {
    name: Text<'a>,
    namespace: Text<'a>,
}

fields!(Metadata<'a> {
    "name" => name,
    "namespace" => namespace,
});

#[derive(Default)]
struct ServiceFields<'a> {
    metadata: Metadata<'a>,
    spec: Option<ServiceSpec<'a>>,
}

fields!(ServiceFields<'a> {
    "metadata" => metadata,
    "spec" => spec,
});

#[derive(Default)]
struct EndpointsFields<'a> {
    metadata: Metadata<'a>,
    subsets: Items<EndpointSubset<'a>>,
}

fields!(EndpointsFields<'a> {
    "metadata" => metadata,
    "subsets" => subsets,
});

#[derive(Default)]
struct SliceFields<'a> {
    metadata: Metadata<'a>,
    ports: Items<EndpointPort<'a>>,
}

fields!(SliceFields<'a> {
    "metadata" => metadata,
    "ports" => ports,
});

#[derive(Default)]
struct IngressFields<'a> {
    metadata: Metadata<'a>,
    spec: Option<IngressSpec<'a>>,
}

fields!(IngressFields<'a> {
    "metadata" => metadata,
    "spec" => spec,
});

#[derive(Default)]
struct RouteFields<'a> {
    metadata: Metadata<'a>,
    spec: Option<RouteSpec<'a>>,
}

fields!(RouteFields<'a> {
    "metadata" => metadata,
    "spec" => spec,
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Reader;

    #[test]
    fn null_is_nothing_in_every_field() {
        for (kind, json) in [
            (
                ExposureKind::Service,
                r#"{"metadata":{"name":null},"spec":null}"#,
            ),
            (
                ExposureKind::Service,
                r#"{"spec":{"type":null,"externalIPs":null,"selector":null,"ports":null}}"#,
            ),
            (ExposureKind::Endpoints, r#"{"subsets":null}"#),
            (ExposureKind::EndpointSlice, r#"{"ports":null}"#),
            (ExposureKind::Ingress, r#"{"spec":null}"#),
            (
                ExposureKind::Ingress,
                r#"{"spec":{"backend":null,"defaultBackend":null,"rules":[{"http":null},{"http":{"paths":null}}]}}"#,
            ),
            (
                ExposureKind::TcpRoute,
                r#"{"spec":{"rules":[{"backendRefs":null}]}}"#,
            ),
        ] {
            let empty = read(kind, &mut Reader::new("{}")).unwrap();
            let read = read(kind, &mut Reader::new(json)).unwrap();
            assert_eq!(read, empty, "{json}");
            assert_eq!(read.kind(), kind);
        }
    }

    #[test]
    fn a_field_of_another_type_is_an_error_that_names_the_kind() {
        let object = serde_json::json!({ "subsets": "all" });
        let error = crate::k8s::read(ExposureKind::Endpoints, &object).unwrap_err();
        let expected = "the Endpoints cannot be read: subsets: expected a list, found a string";
        assert_eq!(error.to_string(), expected);
    }
}
