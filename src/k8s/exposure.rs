//! From a Service, Endpoints, an `EndpointSlice`, an Ingress or a route to what it opens.

use serde::Deserialize;
use serde::de::Deserializer;

use super::Malformed;
use super::route::{IngressSpec, RouteSpec};
use crate::pod::{Items, Text};
use crate::policy::exposure::{
    EndpointPort, EndpointSlice, EndpointSubset, Endpoints, ExposureKind, ExposureObject, Route,
    Service, ServiceSpec,
};

/// Reads an object of this kind, borrowed where the deserialiser lends (JSON text, or a
/// `&serde_json::Value`).
pub fn exposure_object<'de, D: Deserializer<'de>>(
    kind: ExposureKind,
    object: D,
) -> Result<ExposureObject<'de>, Malformed> {
    read(kind, object).map_err(|error| Malformed {
        kind: kind.as_str(),
        reason: error.to_string(),
    })
}

/// The same, with the deserialiser's own error.
pub(super) fn read<'de, D: Deserializer<'de>>(
    kind: ExposureKind,
    object: D,
) -> Result<ExposureObject<'de>, D::Error> {
    Ok(match kind {
        ExposureKind::Service => {
            let ServiceFields { metadata, spec } = ServiceFields::deserialize(object)?;
            ExposureObject::Service(Service {
                name: metadata.name,
                spec: spec.unwrap_or_default(),
            })
        }
        ExposureKind::Endpoints => {
            let EndpointsFields { metadata, subsets } = EndpointsFields::deserialize(object)?;
            ExposureObject::Endpoints(Endpoints {
                name: metadata.name,
                subsets,
            })
        }
        ExposureKind::EndpointSlice => {
            let SliceFields { metadata, ports } = SliceFields::deserialize(object)?;
            ExposureObject::EndpointSlice(EndpointSlice {
                name: metadata.name,
                ports,
            })
        }
        ExposureKind::Ingress => {
            let RouteFields { metadata, spec } =
                RouteFields::<IngressSpec<'_>>::deserialize(object)?;
            ExposureObject::Route(Route {
                kind,
                name: metadata.name,
                backends: spec.unwrap_or_default().backends(),
            })
        }
        ExposureKind::HttpRoute
        | ExposureKind::GrpcRoute
        | ExposureKind::TlsRoute
        | ExposureKind::TcpRoute => {
            let RouteFields { metadata, spec } = RouteFields::<RouteSpec<'_>>::deserialize(object)?;
            ExposureObject::Route(Route {
                kind,
                name: metadata.name,
                backends: spec.unwrap_or_default().backends(),
            })
        }
    })
}

#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Metadata<'a> {
    name: Text<'a>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct ServiceFields<'a> {
    #[serde(default)]
    metadata: Metadata<'a>,
    #[serde(default)]
    spec: Option<ServiceSpec<'a>>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct EndpointsFields<'a> {
    #[serde(default)]
    metadata: Metadata<'a>,
    #[serde(default)]
    subsets: Items<EndpointSubset<'a>>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct SliceFields<'a> {
    #[serde(default)]
    metadata: Metadata<'a>,
    #[serde(default)]
    ports: Items<EndpointPort<'a>>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a, S: Deserialize<'de>"))]
struct RouteFields<'a, S> {
    #[serde(default)]
    metadata: Metadata<'a>,
    spec: Option<S>,
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let empty = read(kind, &mut serde_json::Deserializer::from_str("{}")).unwrap();
            let read = read(kind, &mut serde_json::Deserializer::from_str(json)).unwrap();
            assert_eq!(read, empty, "{json}");
            assert_eq!(read.kind(), kind);
        }
    }

    #[test]
    fn a_field_of_another_type_is_an_error_that_names_the_kind() {
        let object = serde_json::json!({ "subsets": "all" });
        let error = exposure_object(ExposureKind::Endpoints, &object).unwrap_err();
        let expected = "the Endpoints cannot be read: invalid type: string \"all\"";
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}
