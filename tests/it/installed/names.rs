//! The namespace that the guard is installed into, where it is there already.

use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::{World, said};

/// A namespace of somebody else's, from before. Kubernetes before 1.21 gives none the label of its name.
#[tokio::test]
async fn a_namespace_that_is_there_gets_the_label_of_its_name() {
    let world = World::enter().await;
    let namespaces: Api<DynamicObject> = Api::all_with(
        world.client.clone(),
        &ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "Namespace")),
    );
    let own =
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "tiller-guard" } });
    let own = serde_json::from_value(own).unwrap();
    let _there = namespaces.create(&PostParams::default(), &own).await;
    let found = namespaces.get("tiller-guard").await.unwrap();
    let before = found.metadata.labels.unwrap_or_default();
    let nulls: serde_json::Map<_, _> = before
        .keys()
        .map(|key| (key.clone(), Value::Null))
        .collect();
    let set = |labels: Value| Patch::Merge(json!({ "metadata": { "labels": labels } }));
    let parameters = PatchParams::default();
    let bare = namespaces
        .patch("tiller-guard", &parameters, &set(nulls.into()))
        .await;
    let _bare = bare.unwrap();
    world.install().await;
    let told = world
        .run(&["install", world.service_port, "--wait=0"])
        .await;
    assert!(!said(&told).contains("labelled"), "{}", said(&told));
    let found = namespaces.get("tiller-guard").await.unwrap();
    let labels = found.metadata.labels.unwrap_or_default();
    let label = labels.get("kubernetes.io/metadata.name");
    assert_eq!(
        label.map(String::as_str),
        Some("tiller-guard"),
        "{labels:?}"
    );
    assert!(
        !labels.contains_key("app.kubernetes.io/managed-by"),
        "{labels:?}"
    );
    let restored = namespaces
        .patch("tiller-guard", &parameters, &set(json!(before)))
        .await;
    let _restored = restored.unwrap();
}
