//! What goes on while nobody answers, and what does not.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use kube::api::DeleteParams;
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};

use super::{World, said, tiller};
use crate::suite::{in_new_words, trial};

/// Tries an object, of which nothing stays.
async fn try_object(
    world: &World,
    group: &str,
    version: &str,
    namespace: &str,
    object: Value,
) -> Result<(), String> {
    let kind = object["kind"].as_str().unwrap().to_owned();
    let api = world.objects(group, version, &kind, namespace);
    let object = serde_json::from_value(object).unwrap();
    let answer = trial(world.cluster.version(), &api, &object).await;
    answer
        .map(drop)
        .map_err(|error| in_new_words(&error.to_string()))
}

/// One that the namespace's pod security lets in.
fn pod(namespace: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": "other", "namespace": namespace },
        "spec": {
            "securityContext": { "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } },
            "containers": [{
                "name": "other", "image": "example/other:1",
                "securityContext": {
                    "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] },
                },
            }],
        },
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
    // Kubernetes shows the whole URL to the user, so it cannot hold a secret.
    assert!(refused.contains("/validate?timeout="), "{refused}");
    for namespace in ["kube-system", "tiller-guard"] {
        try_object(&world, "", "v1", namespace, pod(namespace))
            .await
            .unwrap();
    }
    let node = json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": "n" } });
    try_object(&world, "", "v1", "", node).await.unwrap();
    if world.cluster.version() >= (1, 14) {
        let lease = json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": { "name": "l" }, "spec": {} });
        let group = "coordination.k8s.io";
        try_object(&world, group, "v1", "kube-node-lease", lease)
            .await
            .unwrap();
    }
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
    let review = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": { "token": "none" } });
    try_object(&world, "authentication.k8s.io", "v1", "", review)
        .await
        .unwrap();
    if world.cluster.version() >= (1, 19) {
        try_object(
            &world,
            "certificates.k8s.io",
            "v1",
            "",
            certificate_request(),
        )
        .await
        .unwrap();
    }
    // The installation can be mended: nothing of it needs its own answer.
    world
        .objects("apps", "v1", "Deployment", "tiller-guard")
        .delete("tiller-guard", &DeleteParams::default())
        .await
        .unwrap();
    world.install().await;
}

/// A node's, say.
fn certificate_request() -> Value {
    let key = KeyPair::generate().unwrap();
    let parameters = CertificateParams::new([]).unwrap();
    let request = parameters.serialize_request(&key).unwrap().pem().unwrap();
    json!({
        "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
        "metadata": { "name": "node" },
        "spec": {
            "request": BASE64_STANDARD.encode(request),
            "signerName": "kubernetes.io/kube-apiserver-client",
            "usages": ["client auth"],
        },
    })
}

/// What the README says of a guard that is down, each way.
#[tokio::test]
async fn what_nobody_answers_for_is_held_or_let_through_as_the_readme_says() {
    const ACCESS: &str = "rbac.authorization.k8s.io";
    let world = World::enter().await;
    world.install().await;
    let in_system = |mut object: Value| {
        object["metadata"]["namespace"] = json!("kube-system");
        object
    };
    let has_conditions = world.cluster.version() >= (1, 28);
    let bare = try_object(&world, "", "v1", "kube-system", in_system(tiller())).await;
    assert_eq!(bare.is_err(), has_conditions, "{bare:?}");
    let mut labelled = in_system(tiller());
    labelled["metadata"]["labels"] = json!({ "app": "helm", "name": "tiller" });
    let labelled = try_object(&world, "", "v1", "kube-system", labelled).await;
    // Before 1.15 labels do not choose what is asked about.
    if world.cluster.version() >= (1, 15) {
        let refused = labelled.unwrap_err();
        assert!(refused.contains("failed calling webhook"), "{refused}");
    } else {
        assert_eq!(labelled, Ok(()));
    }
    let other = try_object(&world, "", "v1", "default", pod("default")).await;
    assert_eq!(other.is_ok(), has_conditions, "{other:?}");
    let subject = json!([{ "kind": "ServiceAccount", "name": "tiller", "namespace": "default" }]);
    for (group, object) in [
        (
            ACCESS,
            json!({
                "kind": "ClusterRoleBinding", "metadata": { "name": "tiller" }, "subjects": subject,
                "roleRef": { "apiGroup": ACCESS, "kind": "ClusterRole", "name": "cluster-admin" },
            }),
        ),
        (
            "",
            json!({ "kind": "Secret", "metadata": { "name": "tiller-secret", "namespace": "default" } }),
        ),
        (
            "",
            json!({
                "kind": "ConfigMap",
                "metadata": { "name": "shop.v1", "namespace": "default", "labels": { "OWNER": "TILLER" } },
            }),
        ),
        (
            "",
            json!({
                "kind": "Endpoints", "metadata": { "name": "tiller-deploy", "namespace": "default" },
                "subsets": [{ "addresses": [{ "ip": "192.0.2.1" }], "ports": [{ "port": 44134 }] }],
            }),
        ),
    ] {
        let mut object = object;
        let dot = if group.is_empty() { "" } else { "/" };
        object["apiVersion"] = json!(format!("{group}{dot}v1"));
        let namespace = object["metadata"]["namespace"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let tried = try_object(&world, group, "v1", &namespace, object.clone()).await;
        assert_eq!(tried, Ok(()), "{object}");
    }
    // It opens a way to Tiller.
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": "tiller-deploy" },
        "spec": { "type": "NodePort", "selector": { "app": "helm", "name": "tiller" }, "ports": [{ "port": 44134 }] },
    });
    let refused = try_object(&world, "", "v1", "default", service)
        .await
        .unwrap_err();
    assert!(refused.contains("failed calling webhook"), "{refused}");
}

#[tokio::test]
async fn an_installation_that_nobody_answers_for_is_told() {
    let world = World::enter().await;
    world.install().await;
    let bad = world.run(&["doctor", world.service_port, "--wait=2"]).await;
    let told = said(&bad);
    assert_eq!(bad.status.code(), Some(124), "{told}");
    assert!(told.contains("✗ pods: 0 of 2 pods are ready"), "{told}");
    assert!(told.contains("has no caBundle yet"), "{told}");
    assert!(
        told.contains("✗ validating-proof: the API server cannot ask"),
        "{told}"
    );
    let installed = world
        .run(&["install", world.service_port, "--wait=1"])
        .await;
    assert_eq!(installed.status.code(), Some(124), "{}", said(&installed));
}
