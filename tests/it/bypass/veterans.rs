//! Tillers that were stored before the webhooks were registered.

use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use tiller_guard::policy::WorkloadKind;

use super::{
    assert_no_unhardened_tiller, carrier, create, eventually, guard, is_hardened, list, scale,
    tiller, tillers, told_by_events, unguarded,
};
use crate::api_server::{World, cluster, value};
use crate::suite::skip;

async fn replica_sets(world: &World) -> Vec<Value> {
    list(world, "apps", "v1", "ReplicaSet").await
}

/// The message of the Deployment's condition that its pods could not be made.
async fn replica_failure(world: &World) -> String {
    eventually("condition ReplicaFailure", || async {
        let deployment = value(&world.deployments().get("tiller-deploy").await.unwrap());
        let conditions = deployment["status"]["conditions"].as_array()?;
        let failure = conditions
            .iter()
            .find(|it| it["type"] == "ReplicaFailure" && it["status"] == "True")?;
        Some(failure["message"].as_str().unwrap().to_owned())
    })
    .await
}

#[tokio::test]
async fn row_34_scale_from_zero() {
    if !cluster().has_controllers() {
        skip("no kube-controller-manager");
        return;
    }
    let world = unguarded("row-34").await;
    let mut deployment = world.helm_init("2.17.0-sa-ns");
    deployment["spec"]["replicas"] = json!(0);
    deployment["spec"]["template"] = tiller(&world);
    world.install(deployment).await;
    eventually("ReplicaSet", || async { replica_sets(&world).await.pop() }).await;
    guard(&world).await;

    scale(&world, "apps", "Deployment", "tiller-deploy", 1).await;
    let told = replica_failure(&world).await;
    assert!(
        told.contains("this Pod is made from ReplicaSet tiller-deploy-"),
        "{told}"
    );
    assert!(
        told.contains("tls-disabled: /spec/containers/0: "),
        "{told}"
    );
    assert_eq!(tillers(&world).await, [Value::Null; 0]);
    // A controller whose ReplicaSet comes out otherwise than it was sent makes one after the other.
    assert_eq!(replica_sets(&world).await.len(), 1);

    // Any write of the Deployment itself hardens it.
    let written = Patch::Merge(json!({ "metadata": { "annotations": { "seen": "yes" } } }));
    let parameters = PatchParams::default();
    let api = world.deployments();
    let _deployment = api
        .patch("tiller-deploy", &parameters, &written)
        .await
        .unwrap();
    let pod = eventually("pod", || async { tillers(&world).await.pop() }).await;
    assert!(is_hardened(&pod), "{pod:#}");
    assert_eq!(replica_sets(&world).await.len(), 2);
    assert_no_unhardened_tiller(&world).await;
}

/// A Deployment without a ReplicaSet yet: its controller was away.
#[tokio::test]
async fn row_34_replica_set_still_to_come() {
    if !cluster().has_controllers() {
        skip("no kube-controller-manager");
        return;
    }
    let world = unguarded("row-34-late").await;
    let mut deployment = world.helm_init("2.17.0-sa-ns");
    deployment["spec"]["paused"] = json!(true);
    deployment["spec"]["replicas"] = json!(0);
    deployment["spec"]["template"] = tiller(&world);
    world.install(deployment).await;
    guard(&world).await;
    assert_eq!(replica_sets(&world).await, [Value::Null; 0]);
    let mut made = carrier(WorkloadKind::ReplicaSet, &tiller(&world));
    made["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "tiller-deploy",
        "uid": value(&world.deployments().get("tiller-deploy").await.unwrap())["metadata"]["uid"],
        "controller": true,
    }]);
    let refused = create(&world, "apps", "v1", "ReplicaSet", &made)
        .await
        .unwrap_err();
    let expected = "this ReplicaSet is made from Deployment tiller-deploy: ";
    assert!(refused.message.contains(expected), "{refused:?}");
    assert!(refused.message.contains("tls-disabled"), "{refused:?}");
    assert_no_unhardened_tiller(&world).await;
}

/// A pod from before the guard runs on; the one that is to take its place is refused.
#[tokio::test]
async fn row_35_pods_of_old_templates() {
    if !cluster().has_controllers() {
        skip("no kube-controller-manager");
        return;
    }
    let world = unguarded("row-35").await;
    let mut deployment = world.helm_init("2.17.0-sa-ns");
    deployment["spec"]["template"] = tiller(&world);
    world.install(deployment).await;
    let old = eventually("pod", || async { tillers(&world).await.pop() }).await;
    assert!(!is_hardened(&old), "{old:#}");
    guard(&world).await;
    let name = old["metadata"]["name"].as_str().unwrap();
    let pods = world.objects("", "v1", "Pod");
    let _deleted = pods.delete(name, &DeleteParams::default()).await.unwrap();
    let told = told_by_events(&world, "ReplicaSet", "tls-disabled").await;
    assert!(
        told.contains("this Pod is made from ReplicaSet tiller-deploy-"),
        "{told}"
    );
    assert_no_unhardened_tiller(&world).await;
}

#[tokio::test]
async fn row_35_other_controllers() {
    if !cluster().has_controllers() {
        skip("no kube-controller-manager");
        return;
    }
    let kinds = [
        (WorkloadKind::ReplicationController, "", "row-35-controller"),
        (WorkloadKind::ReplicaSet, "apps", "row-35-set"),
        (WorkloadKind::StatefulSet, "apps", "row-35-stateful"),
    ];
    for (kind, group, namespace) in kinds {
        let world = unguarded(namespace).await;
        let mut object = carrier(kind, &tiller(&world));
        object["spec"]["replicas"] = json!(0);
        create(&world, group, "v1", kind.as_str(), &object)
            .await
            .unwrap();
        guard(&world).await;
        scale(&world, group, kind.as_str(), "tiller", 1).await;
        let told = told_by_events(&world, kind.as_str(), "tls-disabled").await;
        let maker = format!("this Pod is made from {} tiller: ", kind.as_str());
        assert!(told.contains(&maker), "{told}");
        assert_no_unhardened_tiller(&world).await;
    }
}
