//! Requests that would be let off: by labels, by size, by another door.

use serde_json::{Value, json};

use super::{assert_no_unhardened_tiller, create, tiller, tried, unmutated};
use crate::api_server::refuse::assert_refused;
use crate::api_server::{World, kubernetes_from};
use crate::cluster::UNMUTATED;

const CONTAINER: &str = "/spec/template/spec/containers/0";

/// The controller of `rollback` writes the Deployment's template, as `kubectl rollout undo` does itself from 1.16 on.
#[tokio::test]
async fn row_33_rollbacks() {
    let world = unmutated("row-33").await;
    let deployment = world.helm_init("2.17.0-sa-ns");
    let mut web = deployment.clone();
    web["spec"]["template"]["spec"] = super::web()["spec"].clone();
    web["metadata"]["name"] = json!("web");
    let labels = json!({ "app": "web" });
    web["metadata"]["labels"] = labels.clone();
    web["spec"]["selector"] = json!({ "matchLabels": labels });
    web["spec"]["template"]["metadata"]["labels"] = labels;
    world.install(web).await;
    let undo = json!([{
        "op": "replace", "path": "/spec/template/spec", "value": tiller(&world)["spec"],
    }]);
    let request = hyper::Request::patch("/apis/apps/v1/namespaces/row-33/deployments/web")
        .header("content-type", "application/json-patch+json")
        .body(serde_json::to_vec(&undo).unwrap())
        .unwrap();
    let answer = match world.client.request::<Value>(request).await {
        Err(kube::Error::Api(status)) => Err(status),
        other => panic!("{other:?}"),
    };
    assert_refused(answer, "tls-disabled", CONTAINER);
    assert_no_unhardened_tiller(&world).await;
}

#[tokio::test]
async fn row_49_labels_of_namespaces() {
    for (namespace, label, value) in [
        ("row-49-guard", "tiller-guard.io/exempt", "true"),
        ("row-49-off", "tiller-guard.io/mode", "off"),
        ("row-49-level", "control-plane", "true"),
        ("row-49-name", "kubernetes.io/metadata.name", "tiller-guard"),
    ] {
        // From 1.21 on the API server alone says what a namespace is called.
        if value == "tiller-guard" && kubernetes_from(21) {
            continue;
        }
        let world = World::create_labelled(namespace, json!({ UNMUTATED: "", label: value })).await;
        let answer = world.try_install(world.helm_init("2.17.0-sa-ns")).await;
        assert_refused(answer, "tls-disabled", CONTAINER);
        assert_no_unhardened_tiller(&world).await;
    }
}

#[tokio::test]
async fn row_50_labels_of_objects() {
    let world = unmutated("row-50").await;
    let mut deployment = world.helm_init("2.17.0-sa-ns");
    for place in ["/metadata", "/spec/template/metadata"] {
        let metadata = deployment.pointer_mut(place).unwrap();
        for field in ["labels", "annotations"] {
            metadata[field]["tiller-guard.io/exempt"] = json!("true");
            metadata[field]["admission.gatekeeper.sh/ignore"] = json!("true");
        }
    }
    let answer = world.try_install(deployment).await;
    assert_refused(answer, "tls-disabled", CONTAINER);
    assert_no_unhardened_tiller(&world).await;
}

/// Near the size at which the API server takes no more, and with more in it than is read.
#[tokio::test]
async fn row_52_large_objects() {
    let world = World::create("row-52").await;
    let variable = json!({ "name": "HOME", "value": "a".repeat(1_000_000) });
    let answer = tried(&world, |pod| {
        pod["spec"]["containers"][0]["env"] = json!([variable]);
    })
    .await;
    assert_refused(answer, "environment", "/spec/containers/0/env/0");
    let many = vec![json!({ "name": "A", "value": "b" }); 5000];
    let answer = tried(&world, |pod| {
        pod["spec"]["containers"][0]["env"] = json!(many);
    })
    .await;
    assert_refused(answer, "the Pod cannot be read", "");
    assert_no_unhardened_tiller(&world).await;
}

/// An API server writes `<` as six bytes, so that a review may be longer than two objects can be: it is answered all the
/// same.
#[tokio::test]
async fn row_52_objects_that_grow_on_their_way() {
    let world = unmutated("row-52-grown").await;
    for (count, judged) in [(1_000_000, true), (2_900_000, false)] {
        let answer = tried(&world, |pod| {
            pod["spec"]["containers"][0]["workingDir"] = json!("<".repeat(count));
            pod["spec"]["hostNetwork"] = json!(true);
        })
        .await;
        if judged {
            assert_refused(answer, "host-access", "/spec/hostNetwork");
        } else {
            let status = answer.unwrap_err();
            let told = "denied the request: this object is too large for tiller-guard to judge";
            assert!(status.message.contains(told), "{status:?}");
        }
    }
    assert_no_unhardened_tiller(&world).await;
}

#[tokio::test]
async fn row_58_protected_namespaces() {
    let world = World::create("row-58").await;
    for namespace in ["kube-system", "kube-public", "kube-node-lease", "default"] {
        // A namespace of 1.14 and later.
        if namespace == "kube-node-lease" && !kubernetes_from(14) {
            continue;
        }
        let there = World {
            client: world.client.clone(),
            namespace: namespace.to_owned(),
        };
        let answer = there.try_install(there.helm_init("2.17.0-sa-ns")).await;
        assert_refused(answer, "protected-namespace", "/metadata/namespace");
        let mut pod = tiller(&there);
        pod["metadata"]["name"] = json!("row-58");
        let answer = create(&there, "", "v1", "Pod", &pod).await;
        assert!(answer.is_err(), "{answer:?}");
        assert!(
            there
                .deployments()
                .get_opt("tiller-deploy")
                .await
                .unwrap()
                .is_none()
        );
    }
}
