//! Server-side apply, beta and on since Kubernetes 1.16.

use kube::api::{Patch, PatchParams};
use serde_json::Value;

use super::expected::hardened_pod;
use super::{World, cluster, pod, status};
use crate::suite::Feature;

async fn apply(world: &World, deployment: &Value) -> Value {
    let parameters = PatchParams::apply("it");
    status(
        world
            .deployments()
            .patch("tiller-deploy", &parameters, &Patch::Apply(deployment))
            .await,
    )
    .unwrap()
}

#[tokio::test]
async fn what_is_applied_comes_out_hardened_and_stays_so() {
    if Feature::Apply.is_missing(cluster().version()) {
        return;
    }
    let world = World::create("apply").await;
    let mut sent = world.helm_init("2.17.0-sa-ns");
    sent.as_object_mut().unwrap().remove("status");
    let first = apply(&world, &sent).await;
    assert_eq!(pod(&first), &hardened_pod("apply", pod(&sent)));
    let second = apply(&world, &sent).await;
    assert_eq!(second["spec"], first["spec"]);
    assert_eq!(
        second["metadata"]["generation"],
        first["metadata"]["generation"]
    );
}
