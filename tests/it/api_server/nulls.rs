//! Objects with null in all that the conditions look at, as a person may write them.

use std::time::Duration;

use kube::api::{DynamicObject, PostParams};
use kube::core::Request;
use serde_json::{Value, json};

use super::{World, status};

/// A pod in which everything is null that the conditions look at, and a container with such fields where it may have one.
fn pods() -> [Value; 3] {
    let container = json!({
        "name": "web", "image": "example/web:1", "command": null, "args": null, "ports": null,
        "env": [{ "name": "A", "value": null }, null], "lifecycle": { "postStart": null, "preStop": { "exec": null } },
        "livenessProbe": null, "readinessProbe": { "httpGet": null, "exec": { "command": null } }, "startupProbe": null,
    });
    let containers = |first: Value, volumes: Value| {
        json!({
            "metadata": { "name": "web", "labels": null },
            "spec": {
                "serviceAccountName": null, "serviceAccount": null, "volumes": volumes, "containers": first,
                "initContainers": null, "ephemeralContainers": null,
            },
        })
    };
    [
        json!({ "metadata": { "name": "web", "labels": { "name": null } }, "spec": null }),
        containers(Value::Null, json!(null)),
        containers(
            json!([container, null]),
            json!([{ "name": "a", "secret": null, "image": null }, { "name": "b", "secret": { "secretName": null } }, null]),
        ),
    ]
}

#[tokio::test]
async fn null_is_no_error_to_a_condition() {
    let world = World::create("nulls").await;
    let mut objects: Vec<(&str, &str, Value)> = Vec::new();
    for pod in pods() {
        let workload = json!({ "selector": { "matchLabels": { "a": "b" } }, "template": pod });
        objects.push(("apps/v1", "Deployment", json!({ "spec": workload })));
        let controller = json!({ "selector": { "a": "b" }, "template": pod });
        objects.push(("v1", "ReplicationController", json!({ "spec": controller })));
        objects.push(("v1", "PodTemplate", json!({ "template": pod })));
        objects.push(("v1", "Pod", pod));
    }
    for spec in [
        Value::Null,
        json!({ "template": null }),
        json!({ "selector": null, "ports": null }),
        json!({ "selector": { "a": null }, "ports": [{ "port": 80, "targetPort": null }, null] }),
    ] {
        objects.push(("apps/v1", "Deployment", json!({ "spec": spec })));
        objects.push(("v1", "Service", json!({ "spec": spec })));
    }
    objects.push(("v1", "PodTemplate", json!({ "template": null })));
    objects.push((
        "v1",
        "Secret",
        json!({ "metadata": { "labels": null }, "data": null, "type": null }),
    ));
    for (number, (version, kind, mut object)) in objects.into_iter().enumerate() {
        object["apiVersion"] = json!(version);
        object["kind"] = json!(kind);
        object["metadata"]["name"] = json!(format!("null-{number}"));
        let root = if version == "v1" { "api" } else { "apis" };
        let plural = format!("{}s", kind.to_lowercase());
        let path = format!("/{root}/{version}/namespaces/nulls/{plural}");
        let body = serde_json::to_vec(&object).unwrap();
        let code = loop {
            // As bytes, since the types of the crate take no null.
            let request = Request::new(&path)
                .create(&PostParams::default(), body.clone())
                .unwrap();
            let answer = status(world.client.request::<DynamicObject>(request).await);
            match answer {
                // The account's token is on its way.
                Err(status) if status.reason == "ServerTimeout" => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                // Stored, or refused by Kubernetes' own validation: a condition that fails is a 403 or a 500.
                answer => break answer.map_or_else(|status| status.code, |_stored| 201),
            }
        };
        assert!([201, 422].contains(&code), "{code}: {object}");
    }
}
