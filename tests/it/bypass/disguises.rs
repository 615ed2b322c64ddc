//! A Tiller that does not look like one, and a request that does not look like others.

use kube::api::PostParams;
use serde_json::json;

use super::{
    assert_no_unhardened_tiller, create_pod, is_hardened, tiller, tillers, unmutated, web,
};
use crate::api_server::refuse::assert_refused;
use crate::api_server::{World, cluster, status};
use crate::suite::Feature;

#[tokio::test]
async fn row_04_other_names_and_labels() {
    let world = unmutated("row-04").await;
    let mut deployment = world.helm_init("2.17.0-sa-ns");
    deployment["metadata"] = json!({ "name": "web" });
    deployment["spec"]["selector"]["matchLabels"] = json!({ "app": "web" });
    deployment["spec"]["template"]["metadata"]["labels"] = json!({ "app": "web" });
    deployment["spec"]["template"]["spec"]["containers"][0]["name"] = json!("web");
    let answer = world.try_install(deployment).await;
    assert_refused(answer, "tls-disabled", "/spec/template/spec/containers/0");
    assert_no_unhardened_tiller(&world).await;
}

/// Helm's client connects to whatever carries these labels.
#[tokio::test]
async fn row_42_fake_labels() {
    let world = World::create("row-42").await;
    let mut pod = web();
    pod["metadata"] = json!({ "name": "web", "labels": { "app": "helm", "name": "tiller" } });
    let answer = create_pod(&world, &pod).await;
    assert_refused(answer, "image-repository", "/spec/containers/0/image");
    assert_no_unhardened_tiller(&world).await;
}

#[tokio::test]
async fn row_53_dry_run() {
    if Feature::DryRun.is_missing(cluster().version()) {
        return;
    }
    let world = unmutated("row-53").await;
    let object = serde_json::from_value(world.helm_init("2.17.0-sa-ns")).unwrap();
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let answer = status(world.deployments().create(&dry_run, &object).await);
    assert_refused(answer, "tls-disabled", "/spec/template/spec/containers/0");
    assert_no_unhardened_tiller(&world).await;
}

#[tokio::test]
async fn row_54_generate_name() {
    let world = unmutated("row-54").await;
    let mut pod = tiller(&world);
    pod["metadata"]["generateName"] = json!("web-");
    let answer = create_pod(&world, &pod).await;
    assert_refused(answer, "tls-disabled", "/spec/containers/0");
    assert_no_unhardened_tiller(&world).await;

    let world = World::create("row-54-mutated").await;
    let mut pod = tiller(&world);
    pod["metadata"]["generateName"] = json!("web-");
    create_pod(&world, &pod).await.unwrap();
    let tillers = tillers(&world).await;
    assert_eq!(tillers.len(), 1);
    assert!(is_hardened(&tillers[0]), "{:#}", tillers[0]);
}

/// Whoever may create pods may claim to mirror a static one. A mirror has no service account.
#[tokio::test]
async fn row_55_mirror_pods() {
    let world = World::create("row-55").await;
    let mut pod = tiller(&world);
    pod["metadata"]["name"] = json!("tiller-worker-1");
    pod["metadata"]["annotations"] = json!({ "kubernetes.io/config.mirror": "9bf1cb2f0d" });
    pod["spec"]["nodeName"] = json!("worker-1");
    pod["spec"]
        .as_object_mut()
        .unwrap()
        .remove("serviceAccountName");
    let answer = create_pod(&world, &pod).await;
    assert_refused(answer.clone(), "this Pod mirrors a static pod", "");
    assert_refused(answer, "service-account", "/spec/serviceAccountName");
    assert_no_unhardened_tiller(&world).await;
}
