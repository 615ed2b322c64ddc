//! Tiller's port, opened beyond the cluster.

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::{create, list};
use crate::api_server::refuse::assert_refused;
use crate::api_server::{World, kubernetes_from, status};

/// The Service of `helm init` by another name.
fn service(name: &str, spec: &Value) -> Value {
    let mut service = json!({
        "metadata": { "name": name },
        "spec": {
            "selector": { "app": "helm", "name": "tiller" },
            "ports": [{ "name": "tiller", "port": 44134, "targetPort": "tiller" }],
        },
    });
    for (field, value) in spec.as_object().unwrap() {
        service["spec"][field] = value.clone();
    }
    service
}

async fn create_service(
    world: &World,
    name: &str,
    spec: &Value,
) -> Result<Value, Box<kube::core::Status>> {
    create(world, "", "v1", "Service", &service(name, spec)).await
}

#[tokio::test]
async fn row_41_exposed_services() {
    let world = World::create("row-41").await;
    for (spec, path, reason) in [
        (
            json!({ "type": "NodePort" }),
            "/spec/type",
            "is of type NodePort",
        ),
        (
            json!({ "type": "LoadBalancer" }),
            "/spec/type",
            "is of type LoadBalancer",
        ),
        (
            json!({ "externalIPs": ["192.0.2.1"] }),
            "/spec/externalIPs",
            "takes traffic at external addresses",
        ),
    ] {
        let answer = create_service(&world, "exposed", &spec).await;
        assert_refused(answer.clone(), "service-exposed", path);
        assert_refused(answer, reason, path);
    }
    create_service(&world, "tiller-deploy", &json!({ "type": "ClusterIP" }))
        .await
        .unwrap();
    let services = world.objects("", "v1", "Service");
    let patch = Patch::Merge(json!({ "spec": { "type": "NodePort" } }));
    let patched = services
        .patch("tiller-deploy", &PatchParams::default(), &patch)
        .await;
    assert_refused(status(patched), "service-exposed", "/spec/type");
    let stored = list(&world, "", "v1", "Service").await;
    assert_eq!(stored.len(), 1, "{stored:#?}");
    assert_eq!(stored[0]["spec"]["type"], "ClusterIP");
}

#[tokio::test]
async fn row_41_ingresses() {
    let world = World::create("row-41-ingresses").await;
    // `networking.k8s.io` has it from 1.14 on, as v1 from 1.19 on; `extensions` up to 1.21.
    let service = json!({ "name": "tiller-deploy", "port": { "number": 44134 } });
    let old = json!({ "serviceName": "tiller-deploy", "servicePort": "tiller" });
    let (networking, extensions) = ("networking.k8s.io", "extensions");
    for (is_served, group, version, backend) in [
        (
            kubernetes_from(19),
            networking,
            "v1",
            json!({ "service": service }),
        ),
        (!kubernetes_from(22), extensions, "v1beta1", old),
    ] {
        if is_served {
            let path = json!({ "path": "/", "pathType": "Prefix", "backend": backend });
            let ingress = json!({
                "metadata": { "name": "web" },
                "spec": { "rules": [{ "http": { "paths": [path] } }] },
            });
            let answer = create(&world, group, version, "Ingress", &ingress).await;
            let path = "/spec/rules/0/http/paths/0/backend";
            assert_refused(answer, "route-exposed", path);
        }
    }
}

/// A Service that names nothing of Tiller leads where addresses of its name say.
#[tokio::test]
async fn row_41_addresses_by_hand() {
    let world = World::create("row-41-addresses").await;
    let service = json!({
        "metadata": { "name": "web" },
        "spec": { "type": "NodePort", "ports": [{ "port": 80 }] },
    });
    create(&world, "", "v1", "Service", &service).await.unwrap();
    let endpoints = json!({
        "metadata": { "name": "web" },
        "subsets": [{ "addresses": [{ "ip": "10.0.0.1" }], "ports": [{ "port": 44134 }] }],
    });
    let answer = create(&world, "", "v1", "Endpoints", &endpoints).await;
    assert_refused(answer, "endpoints-by-hand", "/subsets/0/ports/0/port");
    // EndpointSlices are of 1.17, where they are v1beta1, which is gone in 1.25.
    if kubernetes_from(17) {
        let version = if kubernetes_from(21) { "v1" } else { "v1beta1" };
        let slice = json!({
            "metadata": { "name": "web-1", "labels": { "kubernetes.io/service-name": "web" } },
            "addressType": "IPv4",
            "endpoints": [{ "addresses": ["10.0.0.1"] }],
            "ports": [{ "name": "", "port": 44134 }],
        });
        let answer = create(&world, "discovery.k8s.io", version, "EndpointSlice", &slice).await;
        assert_refused(answer, "endpoints-by-hand", "/ports/0/port");
    }
    assert!(list(&world, "", "v1", "Endpoints").await.is_empty());
}
