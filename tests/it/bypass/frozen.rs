//! New Tillers in a frozen namespace, made to look like those that are there.

use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use tiller_guard::policy::WorkloadKind;

use super::{
    carrier, create, create_pod, eventually, guard, is_hardened, list, tiller, tillers,
    told_by_events, unguarded, web,
};
use crate::api_server::{World, cluster, value};
use crate::suite::skip;

/// A hardened Tiller's Deployment, as another namespace got it, for this one.
async fn hardened(world: &World) -> Value {
    let source = World::create("row-72-source").await;
    let mut deployment = source.helm_init("2.17.0-sa-ns");
    deployment["spec"]["template"] = tiller(&source);
    deployment["spec"] = source.install(deployment.clone()).await["spec"].clone();
    let text = deployment.to_string();
    let text = text.replace(&source.namespace, &world.namespace);
    serde_json::from_str(&text).unwrap()
}

async fn pod_named(world: &World, begin: &str) -> Value {
    eventually("pod", || async {
        let pods = list(world, "", "v1", "Pod").await;
        pods.into_iter()
            .find(|pod| pod["metadata"]["name"].as_str().unwrap().starts_with(begin))
    })
    .await
}

async fn delete(world: &World, group: &str, kind: &str, object: &Value) {
    let name = object["metadata"]["name"].as_str().unwrap();
    let api = world.objects(group, "v1", kind);
    let now = DeleteParams::default().grace_period(0);
    api.delete(name, &now).await.unwrap();
}

/// The reference by which an object names its maker.
fn owned_by(kind: &str, owner: &Value) -> Value {
    let metadata = &owner["metadata"];
    json!([{
        "apiVersion": "apps/v1", "kind": kind, "name": metadata["name"], "uid": metadata["uid"],
        "controller": true,
    }])
}

#[tokio::test]
async fn row_72_new_tillers_in_a_freeze() {
    if !cluster().has_controllers() {
        skip("no kube-controller-manager");
        return;
    }
    let world = unguarded("row-72").await;
    let deployment = hardened(&world).await;
    let stored = world.install(deployment.clone()).await;
    let first = pod_named(&world, "tiller-deploy-").await;
    let [replicas] = &list(&world, "apps", "v1", "ReplicaSet").await[..] else {
        panic!("not one ReplicaSet");
    };
    guard(&world).await;

    // What is there restarts.
    delete(&world, "", "Pod", &first).await;
    eventually("pod in its place", || async {
        let pods = tillers(&world).await;
        let is_next = |pod: &Value| pod["metadata"]["uid"] != first["metadata"]["uid"];
        pods.iter()
            .any(|pod| is_next(pod) && is_hardened(pod))
            .then_some(())
    })
    .await;

    let mut other = deployment.clone();
    other["metadata"]["name"] = json!("other");
    let refused = world.try_install(other).await.unwrap_err();
    assert!(refused.message.contains("tiller-frozen: "), "{refused:?}");

    // A tenant can name any maker, and an account of another name than a controller's is no controller.
    let template = &deployment["spec"]["template"];
    let mut set = carrier(WorkloadKind::ReplicaSet, template);
    set["metadata"]["name"] = json!("tiller-deploy-forged");
    set["metadata"]["ownerReferences"] = owned_by("Deployment", &stored);
    let mut pod = template.clone();
    pod["metadata"]["name"] = json!("tiller-deploy-forged");
    pod["metadata"]["ownerReferences"] = owned_by("ReplicaSet", replicas);
    let evil = "system:serviceaccount:kube-system:evil-controller";
    for user in ["ann", evil] {
        let client = cluster().client_as(user, &["system:masters"]).await;
        let tenant = World {
            client: client.unwrap(),
            namespace: world.namespace.clone(),
        };
        for answer in [
            create(&tenant, "apps", "v1", "ReplicaSet", &set).await,
            create_pod(&tenant, &pod).await,
        ] {
            let refused = answer.unwrap_err();
            assert!(
                refused.message.contains("tiller-frozen: "),
                "{user}: {refused:?}"
            );
        }
    }
    makes_no_pod_of_a_forged_revision(&world, template).await;
    for pod in tillers(&world).await {
        let name = pod["metadata"]["name"].as_str().unwrap();
        assert!(
            name.starts_with("tiller-deploy-") && name != "tiller-deploy-forged",
            "{name}"
        );
    }
}

/// The controller of StatefulSets makes pods of ControllerRevisions, which a tenant writes.
async fn makes_no_pod_of_a_forged_revision(world: &World, template: &Value) {
    let mut set = carrier(WorkloadKind::StatefulSet, &web());
    set["metadata"]["name"] = json!("web");
    // The first pod stays of the old revision.
    set["spec"]["updateStrategy"] =
        json!({ "type": "RollingUpdate", "rollingUpdate": { "partition": 1 } });
    create(world, "apps", "v1", "StatefulSet", &set)
        .await
        .unwrap();
    let pod = pod_named(world, "web-0").await;
    let sets = world.objects("apps", "v1", "StatefulSet");
    let note = json!({ "spec": { "template": { "metadata": { "annotations": { "a": "b" } } } } });
    let (parameters, note) = (PatchParams::default(), Patch::Merge(note));
    let _updated = sets.patch("web", &parameters, &note).await.unwrap();
    let current = eventually("second revision", || async {
        let status = value(&sets.get("web").await.unwrap())["status"].clone();
        let (current, update) = (&status["currentRevision"], &status["updateRevision"]);
        (current.is_string() && update.is_string() && current != update).then(|| current.clone())
    })
    .await;
    let revisions = list(world, "apps", "v1", "ControllerRevision").await;
    let mut revisions = revisions.into_iter();
    let mut revision = revisions
        .find(|it| it["metadata"]["name"] == current)
        .unwrap();
    delete(world, "apps", "ControllerRevision", &revision).await;
    let mut forged = template.clone();
    forged["metadata"]["labels"] = web()["metadata"]["labels"].clone();
    forged["$patch"] = json!("replace");
    revision["data"] = json!({ "spec": { "template": forged } });
    for set_by_the_server in [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "managedFields",
    ] {
        let metadata = revision["metadata"].as_object_mut().unwrap();
        metadata.remove(set_by_the_server);
    }
    create(world, "apps", "v1", "ControllerRevision", &revision)
        .await
        .unwrap();
    delete(world, "", "Pod", &pod).await;
    let told = told_by_events(world, "StatefulSet", "tiller-frozen: ").await;
    assert!(told.contains("web-0"), "{told}");
}
