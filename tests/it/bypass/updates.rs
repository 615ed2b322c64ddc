//! Weakening a Tiller that was hardened when it was made.

use hyper::Request;
use kube::core::Status;
use serde_json::{Value, json};

use super::{assert_no_unhardened_tiller, tiller};
use crate::api_server::expected::hardened_pod;
use crate::api_server::refuse::assert_refused;
use crate::api_server::{World, pod};

/// Patches the Deployment as kubectl does, by a patch of this type.
async fn patch(world: &World, kind: &str, patch: &Value) -> Result<Value, Box<Status>> {
    let namespace = &world.namespace;
    let url = format!("/apis/apps/v1/namespaces/{namespace}/deployments/tiller-deploy");
    let request = Request::patch(url)
        .header("content-type", format!("application/{kind}+json"))
        .body(serde_json::to_vec(patch).unwrap())
        .unwrap();
    match world.client.request(request).await {
        Ok(stored) => Ok(stored),
        Err(kube::Error::Api(status)) => Err(status),
        Err(error) => panic!("{error}"),
    }
}

async fn set(world: &World, pod: &Value) -> Result<Value, Box<Status>> {
    let set = json!({ "spec": { "template": { "spec": pod } } });
    patch(world, "strategic-merge-patch", &set).await
}

/// `kubectl set image`, `set env` and `set serviceaccount` send strategic merge patches, `rollout undo` a
/// JSON patch of the template.
#[tokio::test]
async fn row_32_set_image_env_and_account() {
    let world = World::create("row-32").await;
    let sent = world.helm_init("2.17.0-sa-ns");
    world.install(sent.clone()).await;
    let container = "/spec/template/spec/containers/0";
    let refused = [
        (
            json!({ "image": "gcr.io/kubernetes-helm/tiller:v2.6.2" }),
            "version-floor",
            format!("{container}/image"),
        ),
        (
            json!({ "image": "docker.io/somebody/tiller:v2.17.0" }),
            "image-repository",
            format!("{container}/image"),
        ),
        (
            json!({ "env": [{ "name": "KUBECONFIG", "value": "/tmp/config" }] }),
            "environment",
            format!("{container}/env"),
        ),
        (
            json!({ "env": [{ "name": "TILLER_NAMESPACE", "value": "kube-system" }] }),
            "tiller-namespace",
            format!("{container}/env"),
        ),
    ];
    for (mut container, rule, path) in refused {
        container["name"] = json!("tiller");
        let answer = set(&world, &json!({ "containers": [container] })).await;
        assert_refused(answer, rule, &path);
    }
    let account = json!({ "serviceAccountName": "default", "serviceAccount": "default" });
    let answer = set(&world, &account).await;
    let path = "/spec/template/spec/serviceAccountName";
    assert_refused(answer, "service-account", path);

    let mut undone = tiller(&world);
    undone["spec"]["automountServiceAccountToken"] =
        pod(&sent)["automountServiceAccountToken"].clone();
    let undo = json!([{ "op": "replace", "path": "/spec/template", "value": undone }]);
    let stored = patch(&world, "json-patch", &undo).await.unwrap();
    assert_eq!(pod(&stored), &hardened_pod("row-32", pod(&sent)));
    assert_no_unhardened_tiller(&world).await;
}
