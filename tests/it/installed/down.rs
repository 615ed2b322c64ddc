//! What goes on while nobody answers, and what does not.

use kube::api::{DeleteParams, PostParams};
use serde_json::{Value, json};

use super::{SERVICE_PORT, World, said};

/// Tries an object, of which nothing stays.
async fn try_object(
    world: &World,
    group: &str,
    version: &str,
    namespace: &str,
    object: Value,
) -> Result<(), String> {
    let kind = object["kind"].as_str().unwrap().to_owned();
    let parameters = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let api = world.objects(group, version, &kind, namespace);
    let answer = api
        .create(&parameters, &serde_json::from_value(object).unwrap())
        .await;
    answer.map(drop).map_err(|error| error.to_string())
}

fn pod(namespace: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": "other", "namespace": namespace },
        "spec": { "containers": [{ "name": "other", "image": "example/other:1" }] },
    })
}

#[tokio::test]
async fn nodes_control_plane_and_guard_start_while_nobody_answers_and_a_tiller_does_not() {
    let world = World::enter().await;
    world.install().await;
    let refused = world.try_tiller().await.unwrap_err();
    assert!(
        refused.contains("failed calling webhook \"validate.tiller-guard.io\""),
        "{refused}"
    );
    for namespace in ["kube-system", "tiller-guard"] {
        try_object(&world, "", "v1", namespace, pod(namespace))
            .await
            .unwrap();
    }
    let node = json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": "n" } });
    try_object(&world, "", "v1", "", node).await.unwrap();
    let lease = json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": { "name": "l" }, "spec": {} });
    try_object(
        &world,
        "coordination.k8s.io",
        "v1",
        "kube-node-lease",
        lease,
    )
    .await
    .unwrap();
    let event = json!({
        "apiVersion": "v1", "kind": "Event", "metadata": { "name": "e", "namespace": "default" },
        "involvedObject": { "kind": "Pod", "namespace": "default", "name": "p" },
    });
    try_object(&world, "", "v1", "default", event)
        .await
        .unwrap();
    let endpoints = json!({ "apiVersion": "v1", "kind": "Endpoints", "metadata": { "name": "e" } });
    try_object(&world, "", "v1", "kube-system", endpoints)
        .await
        .unwrap();
    let role = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": { "name": "r" }, "rules": [] });
    try_object(&world, "rbac.authorization.k8s.io", "v1", "default", role)
        .await
        .unwrap();
    // The installation can be mended: nothing of it needs its own answer.
    world
        .objects("apps", "v1", "Deployment", "tiller-guard")
        .delete("tiller-guard", &DeleteParams::default())
        .await
        .unwrap();
    world.install().await;
}

#[tokio::test]
async fn an_installation_that_nobody_answers_for_is_told() {
    let world = World::enter().await;
    world.install().await;
    let bad = world.run(&["doctor", SERVICE_PORT, "--wait=2"]).await;
    let told = said(&bad);
    assert_eq!(bad.status.code(), Some(124), "{told}");
    assert!(told.contains("✗ pods: 0 of 2 pods are ready"), "{told}");
    assert!(told.contains("has no caBundle yet"), "{told}");
    assert!(
        told.contains("✗ proof: the API server cannot ask"),
        "{told}"
    );
    let installed = world.run(&["install", SERVICE_PORT, "--wait=1"]).await;
    assert_eq!(installed.status.code(), Some(124), "{}", said(&installed));
}
