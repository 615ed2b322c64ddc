//! UPDATE: a hardened Tiller stays one.

use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::expected::{annotations, hardened_pod};
use super::{World, kubernetes_from, pod, status, value};
use crate::helm_client::as_read;

/// Reads, changes and writes back, again when a controller wrote in between.
async fn put(world: &World, change: impl Fn(&mut Value)) -> (Value, Value) {
    for _attempt in 0..20 {
        let live = value(&world.deployments().get("tiller-deploy").await.unwrap());
        let mut changed = live.clone();
        change(&mut changed);
        let object = serde_json::from_value(changed).unwrap();
        let answer = status(
            world
                .deployments()
                .replace("tiller-deploy", &PostParams::default(), &object)
                .await,
        );
        match answer {
            Err(status) if status.code == 409 => {}
            answer => return (live, answer.unwrap()),
        }
    }
    panic!("20 conflicts in a row");
}

/// Helm first sends its CREATE, and on `AlreadyExists` a PUT of the live object with the new image and the
/// account's name blanked; the deprecated alias still names it. What Helm does not know of the live object is not in
/// what it sends.
#[tokio::test]
async fn helm_init_upgrade() {
    let world = World::create("upgrade").await;
    world.install(world.helm_init("2.16.12-sa-ns")).await;

    let sent = world.helm_init("2.17.0-sa-ns");
    let conflict = world.try_install(sent.clone()).await.unwrap_err();
    assert_eq!(
        (conflict.code, conflict.reason.as_str()),
        (409, "AlreadyExists")
    );

    let (live, stored) = put(&world, |deployment| {
        *deployment = as_read(deployment);
        let pod = &mut deployment["spec"]["template"]["spec"];
        pod["containers"][0]["image"] = pod_image(&sent);
        pod["serviceAccountName"] = json!("");
    })
    .await;
    assert_eq!(pod(&stored), &hardened_pod("upgrade", pod(&sent)));
    assert_eq!(
        stored["spec"]["template"]["metadata"]["annotations"],
        annotations()
    );
    // It did take something away.
    assert!(!kubernetes_from(19) || as_read(&live) != live);
}

fn pod_image(deployment: &Value) -> Value {
    pod(deployment)["containers"][0]["image"].clone()
}

/// What `kubectl set env`, `kubectl edit` and `kubectl patch` send.
#[tokio::test]
async fn patches_that_weaken_are_undone() {
    let world = World::create("weaken").await;
    let sent = world.helm_init("2.17.0-sa-ns");
    world.install(sent.clone()).await;
    let expected = hardened_pod("weaken", pod(&sent));
    let mut expected_with_user = expected.clone();
    let security = &mut expected_with_user["containers"][0]["securityContext"];
    security["runAsNonRoot"] = json!(true);
    security["runAsUser"] = json!(65534);
    let weaker = [
        (
            json!({ "env": [{ "name": "TILLER_TLS_ENABLE", "value": "" }] }),
            &expected,
        ),
        (
            json!({ "env": [{ "name": "TILLER_TLS_CERTS", "$patch": "delete" }] }),
            &expected,
        ),
        (
            json!({ "args": ["--tls=false", "--tls-verify=false"] }),
            &expected,
        ),
        (
            json!({ "command": ["/tiller", "--storage=memory"], "args": null }),
            &expected,
        ),
        // A user of the container's own counts, so that is what is mended.
        (
            json!({ "securityContext": { "runAsUser": 0, "runAsNonRoot": false } }),
            &expected_with_user,
        ),
    ];
    for (mut container, expected) in weaker {
        let what = container.to_string();
        container["name"] = json!("tiller");
        let patch = json!({ "spec": { "template": { "spec": { "containers": [container] } } } });
        let parameters = PatchParams::default();
        let patch = Patch::Strategic(patch);
        let answer = world
            .deployments()
            .patch("tiller-deploy", &parameters, &patch)
            .await;
        assert_eq!(pod(&status(answer).unwrap()), expected, "{what}");
    }
}

/// Writing back what was stored is no change: the object is not written at all. Up to Kubernetes 1.20 the
/// first writer after a webhook becomes the recorded manager of what that changed, hence the first round.
#[tokio::test]
async fn hardening_the_hardened_changes_nothing() {
    let world = World::create("again").await;
    let created = world.install(world.helm_init("2.17.0-sa-ns")).await;
    put(&world, |_unchanged| {}).await;
    let (live, stored) = put(&world, |_unchanged| {}).await;
    assert_eq!(stored["spec"], created["spec"]);
    assert_eq!(stored["metadata"]["generation"], 1);
    assert_eq!(
        stored["metadata"]["resourceVersion"],
        live["metadata"]["resourceVersion"]
    );
    assert_eq!(stored, live);
}
