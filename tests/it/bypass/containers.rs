//! A Tiller, or a neighbour of it, in another of a pod's lists of containers.

use hyper::Request;
use serde_json::{Value, json};

use super::{assert_no_unhardened_tiller, create_pod, is_hardened, list, tiller, tillers, web};
use crate::api_server::refuse::assert_refused;
use crate::api_server::{World, cluster, kubernetes_from};
use crate::suite::Feature;

fn deployment(world: &World, template: &Value) -> Value {
    let mut deployment = world.helm_init("2.17.0-sa-ns");
    deployment["spec"]["selector"]["matchLabels"] = template["metadata"]["labels"].clone();
    deployment["spec"]["template"] = template.clone();
    deployment
}

#[tokio::test]
async fn row_07_init_containers() {
    let world = World::create("row-07").await;
    let mut container = tiller(&world)["spec"]["containers"][0].clone();
    container.as_object_mut().unwrap().remove("livenessProbe");
    container.as_object_mut().unwrap().remove("readinessProbe");
    for restart in [None, Some("Always")] {
        let mut template = web();
        template["spec"]["initContainers"] = json!([container]);
        if let Some(restart) = restart {
            // A sidecar, from Kubernetes 1.28 on.
            template["spec"]["initContainers"][0]["restartPolicy"] = json!(restart);
        }
        let answer = world.try_install(deployment(&world, &template)).await;
        assert_refused(
            answer,
            "extra-containers",
            "/spec/template/spec/initContainers",
        );
    }
    assert_no_unhardened_tiller(&world).await;
}

/// The API server takes the containers alone up to 1.21, and the pod with them from then on.
async fn debug(world: &World, pod: &str, container: &Value) -> Result<(), Box<kube::core::Status>> {
    let path = format!(
        "/api/v1/namespaces/{}/pods/{pod}/ephemeralcontainers",
        world.namespace
    );
    let request = Request::get(&path).body(Vec::new()).unwrap();
    let mut live: Value = world.client.request(request).await.unwrap();
    if kubernetes_from(22) {
        live["spec"]["ephemeralContainers"] = json!([container]);
    } else {
        live["ephemeralContainers"] = json!([container]);
    }
    let request = Request::put(&path)
        .header("content-type", "application/json")
        .body(serde_json::to_vec(&live).unwrap())
        .unwrap();
    match world.client.request::<Value>(request).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) => Err(status),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn row_08_ephemeral_containers() {
    if Feature::EphemeralContainers.is_missing(cluster().version()) {
        return;
    }
    let world = World::create("row-08").await;
    let named = |mut template: Value, name: &str| {
        template["metadata"]["name"] = json!(name);
        template
    };
    create_pod(&world, &named(tiller(&world), "tiller"))
        .await
        .unwrap();
    create_pod(&world, &named(web(), "web")).await.unwrap();
    let container = |image: &str| {
        json!({
            "name": "debug",
            "image": image,
            "imagePullPolicy": "IfNotPresent",
            "terminationMessagePolicy": "File",
        })
    };
    let into_tiller = debug(&world, "tiller", &container("busybox:1")).await;
    let refused = into_tiller.map(|()| Value::Null);
    assert_refused(refused, "extra-containers", "/ephemeralContainers");
    let tiller = debug(&world, "web", &container("ghcr.io/helm/tiller:v2.17.0")).await;
    let refused = tiller.map(|()| Value::Null);
    assert_refused(refused, "extra-containers", "/ephemeralContainers");
    debug(&world, "web", &container("busybox:1")).await.unwrap();
    assert_no_unhardened_tiller(&world).await;
    assert_eq!(tillers(&world).await.len(), 1);
    assert!(
        list(&world, "", "v1", "Pod").await.len() == 2 && is_hardened(&tillers(&world).await[0])
    );
}

#[tokio::test]
async fn row_09_several_containers() {
    let world = World::create("row-09").await;
    let alone = tiller(&world);
    let own = alone["spec"]["containers"][0].clone();
    let mut second = own.clone();
    second["name"] = json!("second");
    let neighbour = json!({ "name": "web", "image": "web:1" });
    for containers in [
        json!([own, second]),
        json!([own, neighbour]),
        json!([neighbour, own]),
    ] {
        let mut template = alone.clone();
        template["spec"]["containers"] = containers;
        let answer = world.try_install(deployment(&world, &template)).await;
        assert_refused(answer, "extra-containers", "/spec/template/spec/containers");
    }
    assert_no_unhardened_tiller(&world).await;
}
