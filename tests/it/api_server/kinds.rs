//! A Tiller is hardened, and refused, in whatever kind its pod comes.

use kube::api::PostParams;
use serde_json::{Value, json};

use super::expected::hardened_pod;
use super::{World, kubernetes_from, pod, status};

/// Every kind that carries a pod, around the pod, and where the pod is in it.
fn carriers(
    template: &Value,
) -> Vec<(
    &'static str,
    &'static str,
    &'static str,
    Value,
    &'static str,
)> {
    let selector = json!({ "matchLabels": template["metadata"]["labels"] });
    let mut once = template.clone();
    once["spec"]["restartPolicy"] = json!("Never");
    let cron_job = if kubernetes_from(21) { "v1" } else { "v1beta1" };
    vec![
        ("", "v1", "Pod", template.clone(), "/spec"),
        (
            "",
            "v1",
            "PodTemplate",
            json!({ "template": template }),
            "/template/spec",
        ),
        (
            "",
            "v1",
            "ReplicationController",
            json!({ "spec": { "selector": template["metadata"]["labels"], "template": template } }),
            "/spec/template/spec",
        ),
        (
            "apps",
            "v1",
            "ReplicaSet",
            json!({ "spec": { "selector": selector, "template": template } }),
            "/spec/template/spec",
        ),
        (
            "apps",
            "v1",
            "StatefulSet",
            json!({ "spec": { "serviceName": "tiller", "selector": selector, "template": template } }),
            "/spec/template/spec",
        ),
        (
            "apps",
            "v1",
            "DaemonSet",
            json!({ "spec": { "selector": selector, "template": template } }),
            "/spec/template/spec",
        ),
        (
            "batch",
            "v1",
            "Job",
            json!({ "spec": { "template": once } }),
            "/spec/template/spec",
        ),
        (
            "batch",
            cron_job,
            "CronJob",
            json!({ "spec": { "schedule": "@daily", "jobTemplate": { "spec": { "template": once } } } }),
            "/spec/jobTemplate/spec/template/spec",
        ),
    ]
}

/// Each kind in a namespace of its own, for there is one Tiller in each.
#[tokio::test]
async fn every_kind_comes_out_hardened() {
    for index in 0..carriers(&json!({})).len() {
        let namespace = format!("kinds-{index}");
        let world = World::create(&namespace).await;
        let mut template = world.helm_init("2.17.0-sa-ns")["spec"]["template"].clone();
        // A Pod of its own gets the token's volume from the API server too; it is not what is tested here.
        template["spec"]["automountServiceAccountToken"] = json!(false);
        let expected = hardened_pod(
            &namespace,
            pod(&json!({ "spec": { "template": template } })),
        );
        let (group, version, kind, mut object, path) = carriers(&template).swap_remove(index);
        let group_version = if group.is_empty() {
            version.to_owned()
        } else {
            format!("{group}/{version}")
        };
        object["apiVersion"] = json!(group_version);
        object["kind"] = json!(kind);
        object["metadata"]["name"] = json!("tiller");
        let object = serde_json::from_value(object).unwrap();
        let created = world
            .objects(group, version, kind)
            .create(&PostParams::default(), &object)
            .await;
        let stored = status(created).unwrap();
        let pod = stored.pointer(path).unwrap();
        for field in [
            "containers",
            "volumes",
            "securityContext",
            "serviceAccountName",
        ] {
            assert_eq!(pod[field], expected[field], "{kind}: {field}");
        }
    }
}
