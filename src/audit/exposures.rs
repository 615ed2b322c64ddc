//! What leads to Tillers: Services by the labels that they select, Ingresses and routes by the Services that they name.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::labels::Labels;
use crate::gather::Gather as _;
use crate::policy::Object;
use crate::policy::exposure::{ExposureKind, ExposureObject};

/// A namespace and a name.
type Place = (String, String);

/// Objects that expose something.
#[derive(Debug, Default)]
pub(super) struct Exposures {
    /// By namespace.
    services: BTreeMap<String, Vec<Service>>,
    /// Services that are another name of these.
    aliases: BTreeMap<Place, Vec<Place>>,
    /// By the Services that they lead to.
    routes: BTreeMap<Place, Vec<Route>>,
    /// What lets routes lead to Services of these namespaces from others.
    grants: BTreeMap<String, Vec<Grant>>,
    /// Whether there may be others.
    lacks_grants: bool,
}

#[derive(Debug)]
struct Service {
    name: String,
    /// How it is reached, such as `LoadBalancer`.
    kind: String,
    selector: BTreeMap<String, String>,
}

#[derive(Debug)]
struct Route {
    kind: ExposureKind,
    namespace: String,
    name: String,
}

/// A `ReferenceGrant`, as far as it is about Services.
#[derive(Debug, Deserialize)]
struct Grant {
    from: Vec<Granted>,
    to: Vec<Granted>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Granted {
    group: String,
    kind: String,
    namespace: String,
    name: Option<String>,
}

/// The API group of routes.
const GATEWAY: &str = "gateway.networking.k8s.io";

// === impl Exposures ===

impl Exposures {
    pub(super) fn take(&mut self, read: &Object<'_>, object: &str) -> Result<(), String> {
        let Object::Exposure(exposure) = read else {
            return Ok(());
        };
        let place = (
            read.namespace().unwrap_or_default().to_owned(),
            read.name().to_owned(),
        );
        let value = || serde_json::from_str(object).map_err(|error| error.to_string());
        match &**exposure {
            // It selects nothing.
            ExposureObject::Service(service) if service.spec.kind == "ExternalName" => {
                let value: Value = value()?;
                let target = value.pointer("/spec/externalName").and_then(Value::as_str);
                if let Some(target) = target.and_then(service_of) {
                    self.aliases.entry(target).or_default().push(place);
                }
            }
            ExposureObject::Service(service) => {
                let selector = service.spec.selector.iter().flatten();
                let selector: BTreeMap<String, String> = selector
                    .map(|(key, value)| (key.clone(), value.to_string()))
                    .gather();
                // Without a selector it leads where Endpoints say, which are not looked at.
                if !selector.is_empty() {
                    let kind = match service.spec.kind.as_str() {
                        "" => "ClusterIP",
                        kind => kind,
                    };
                    let (namespace, name) = place;
                    self.services.entry(namespace).or_default().push(Service {
                        name,
                        kind: kind.to_owned(),
                        selector,
                    });
                }
            }
            ExposureObject::Route(route) => {
                let mut services = Vec::new();
                backends(route.kind, &place.0, &value()?, &mut services);
                services.sort();
                services.dedup();
                for service in services {
                    self.routes.entry(service).or_default().push(Route {
                        kind: route.kind,
                        namespace: place.0.clone(),
                        name: place.1.clone(),
                    });
                }
            }
            ExposureObject::Endpoints(_) | ExposureObject::EndpointSlice(_) => {}
        }
        Ok(())
    }

    /// Takes a `ReferenceGrant`.
    pub(super) fn take_grant(&mut self, namespace: &str, object: &str) -> Result<(), String> {
        #[derive(Deserialize)]
        struct ReferenceGrant {
            spec: Grant,
        }
        let grant: ReferenceGrant = serde_json::from_str(object).map_err(|it| it.to_string())?;
        let own = self.grants.entry(namespace.to_owned()).or_default();
        own.push(grant.spec);
        Ok(())
    }

    /// Notes that there may be more grants than these.
    pub(super) fn lack_grants(&mut self) {
        self.lacks_grants = true;
    }

    /// The Services that select pods with one of these sets of labels.
    fn selecting<'a>(
        &'a self,
        namespace: &str,
        labels: &[Labels<'_>],
    ) -> impl Iterator<Item = &'a Service> {
        let services = self.services.get(namespace).into_iter().flatten();
        services.filter(|service| labels.iter().any(|it| it.have(&service.selector)))
    }

    /// Their names.
    pub(super) fn services_of(&self, namespace: &str, labels: &[Labels<'_>]) -> Vec<&str> {
        let services = self.selecting(namespace, labels);
        services.map(|it| &*it.name).collect()
    }

    /// What leads to pods with one of these sets of labels.
    pub(super) fn leading_to(&self, namespace: &str, labels: &[Labels<'_>]) -> Vec<String> {
        let mut all = Vec::new();
        for service in self.selecting(namespace, labels) {
            all.push(format!("Service {} ({})", service.name, service.kind));
            let place = (namespace.to_owned(), service.name.clone());
            all.extend(self.routes_to(&place, namespace));
            for alias in self.aliases.get(&place).into_iter().flatten() {
                let called = called(namespace, &alias.0, &alias.1);
                all.push(format!("Service {called} (ExternalName)"));
                all.extend(self.routes_to(alias, namespace));
            }
        }
        all.sort();
        all.dedup();
        all
    }

    /// The Ingresses and routes to a Service, named as in a namespace.
    fn routes_to<'a>(&'a self, service: &'a Place, seen: &'a str) -> impl Iterator<Item = String> {
        let routes = self.routes.get(service).into_iter().flatten();
        routes.filter_map(move |route| {
            let title = format!(
                "{} {}",
                route.kind.as_str(),
                called(seen, &route.namespace, &route.name)
            );
            match self.is_granted(route, service) {
                true => Some(title),
                false if self.lacks_grants => {
                    Some(format!("{title}, if a ReferenceGrant allows it"))
                }
                false => None,
            }
        })
    }

    /// Whether a route may lead to this Service.
    fn is_granted(&self, route: &Route, (namespace, name): &Place) -> bool {
        let is_from = |it: &Granted| {
            it.group == GATEWAY && it.kind == route.kind.as_str() && it.namespace == route.namespace
        };
        let is_to = |it: &Granted| {
            let named = it.name.as_ref().filter(|it| !it.is_empty());
            it.group.is_empty() && it.kind == "Service" && named.is_none_or(|it| it == name)
        };
        let mut grants = self.grants.get(namespace).into_iter().flatten();
        route.namespace == *namespace
            || grants.any(|it| it.from.iter().any(is_from) && it.to.iter().any(is_to))
    }
}

/// A name, with its namespace if that is not the one from which it is seen.
fn called(seen: &str, namespace: &str, name: &str) -> String {
    if seen == namespace {
        name.to_owned()
    } else {
        format!("{namespace}/{name}")
    }
}

/// The Service of a name such as `tiller-deploy.kube-system.svc.cluster.local`.
fn service_of(host: &str) -> Option<Place> {
    let mut parts = host.split('.');
    let (name, namespace) = (parts.next()?, parts.next()?);
    (parts.next() == Some("svc")).then(|| (namespace.to_owned(), name.to_owned()))
}

/// The Services in an Ingress of this namespace, which are of its own: `serviceName` or `service.name`; or in a route of the Gateway
/// API: `backendRefs[]`, and `backendRef` of what is mirrored.
fn backends(kind: ExposureKind, namespace: &str, value: &Value, found: &mut Vec<Place>) {
    match value {
        Value::Array(items) => items
            .iter()
            .for_each(|item| backends(kind, namespace, item, found)),
        Value::Object(fields) => {
            let text = |value: Option<&Value>| value.and_then(Value::as_str).map(ToOwned::to_owned);
            if kind == ExposureKind::Ingress {
                let service = fields.get("service").and_then(|it| it.get("name"));
                let names = [text(fields.get("serviceName")), text(service)];
                let own = names.into_iter().flatten();
                found.extend(own.map(|name| (namespace.to_owned(), name)));
            } else {
                let several = fields.get("backendRefs").and_then(Value::as_array);
                let references = several
                    .into_iter()
                    .flatten()
                    .chain(fields.get("backendRef"));
                found.extend(references.filter_map(|it| reference(namespace, it)));
            }
            fields
                .values()
                .for_each(|field| backends(kind, namespace, field, found));
        }
        _ => {}
    }
}

/// The Service that a route of this namespace refers to, if it is one.
fn reference(namespace: &str, value: &Value) -> Option<Place> {
    let text = |key| value.get(key).and_then(Value::as_str);
    let is_service = text("group").unwrap_or_default().is_empty()
        && matches!(text("kind"), None | Some("" | "Service"));
    let of = text("namespace").filter(|it| !it.is_empty());
    let place = (of.unwrap_or(namespace).to_owned(), text("name")?.to_owned());
    is_service.then_some(place)
}
