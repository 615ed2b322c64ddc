//! What leads to Tillers: Services by the labels that they select, Ingresses and routes by the Services that they name.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::policy::Object;
use crate::policy::exposure::ExposureObject;

/// Objects that expose something, by namespace.
#[derive(Debug, Default)]
pub(super) struct Exposures {
    services: BTreeMap<String, Vec<Service>>,
    routes: BTreeMap<String, Vec<Route>>,
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
    /// Its kind and name.
    title: String,
    /// The Services that it leads to.
    services: Vec<String>,
}

// === impl Exposures ===

impl Exposures {
    pub(super) fn take(&mut self, read: &Object<'_>, object: &str) -> Result<(), String> {
        let Object::Exposure(exposure) = read else {
            return Ok(());
        };
        let namespace = read.namespace().unwrap_or_default().to_owned();
        let name = read.name().to_owned();
        match &**exposure {
            ExposureObject::Service(service) => {
                let selector = service.spec.selector.iter().flatten();
                let selector: BTreeMap<String, String> = selector
                    .map(|(key, value)| (key.clone(), value.to_string()))
                    .collect();
                // Without a selector it leads where Endpoints say, which are not looked at.
                if !selector.is_empty() {
                    let kind = match service.spec.kind.as_str() {
                        "" => "ClusterIP",
                        kind => kind,
                    };
                    let kind = kind.to_owned();
                    let own = self.services.entry(namespace).or_default();
                    own.push(Service {
                        name,
                        kind,
                        selector,
                    });
                }
            }
            ExposureObject::Route(route) => {
                let object: Value = serde_json::from_str(object).map_err(|it| it.to_string())?;
                let mut services = Vec::new();
                backends(&object, &mut services);
                let title = format!("{} {name}", route.kind.as_str());
                let own = self.routes.entry(namespace).or_default();
                own.push(Route { title, services });
            }
            ExposureObject::Endpoints(_) | ExposureObject::EndpointSlice(_) => {}
        }
        Ok(())
    }

    /// The Services that select pods with these labels.
    fn selecting<'a>(
        &'a self,
        namespace: &str,
        labels: &BTreeMap<String, String>,
    ) -> impl Iterator<Item = &'a Service> {
        let services = self.services.get(namespace).into_iter().flatten();
        services.filter(|service| {
            let mut wanted = service.selector.iter();
            wanted.all(|(key, value)| labels.get(key) == Some(value))
        })
    }

    /// Their names.
    pub(super) fn services_of(
        &self,
        namespace: &str,
        labels: &BTreeMap<String, String>,
    ) -> Vec<&str> {
        let services = self.selecting(namespace, labels);
        services.map(|it| &*it.name).collect()
    }

    /// What leads to pods with these labels.
    pub(super) fn leading_to(
        &self,
        namespace: &str,
        labels: &BTreeMap<String, String>,
    ) -> Vec<String> {
        let services: Vec<&Service> = self.selecting(namespace, labels).collect();
        let routes = self.routes.get(namespace).into_iter().flatten();
        let routes = routes.filter(|route| {
            let mut own = services.iter();
            own.any(|service| route.services.contains(&service.name))
        });
        let named = services.iter();
        let named = named.map(|it| format!("Service {} ({})", it.name, it.kind));
        let mut all: Vec<String> = named.chain(routes.map(|it| it.title.clone())).collect();
        all.sort();
        all
    }
}

/// The names of the Services in an Ingress or a route: `serviceName`, `service.name` or `backendRefs[].name`.
fn backends(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| backends(item, found)),
        Value::Object(fields) => {
            let text = |value: Option<&Value>| value.and_then(Value::as_str).map(ToOwned::to_owned);
            found.extend(text(fields.get("serviceName")));
            found.extend(text(fields.get("service").and_then(|it| it.get("name"))));
            let references = fields.get("backendRefs").and_then(Value::as_array);
            found.extend(
                references
                    .into_iter()
                    .flatten()
                    .filter_map(|it| text(it.get("name"))),
            );
            fields.values().for_each(|field| backends(field, found));
        }
        _ => {}
    }
}
