//! CREATE: what `helm init` sends comes out hardened, and what is no Tiller as it came.

use std::time::Duration;

use hyper::Request;
use kube::api::{ListParams, PostParams};
use serde_json::{Value, json};

use super::expected::{annotations, hardened_pod};
use super::{World, cluster, pod, value};
use crate::cluster::get;
use crate::suite::{Feature, skip};

macro_rules! comes_out_hardened {
    ($($name:ident: $recording:literal,)*) => {$(
        #[tokio::test]
        async fn $name() {
            let world = World::create(&stringify!($name).replace('_', "-")).await;
            let sent = world.helm_init($recording);
            let stored = world.install(sent.clone()).await;
            assert_eq!(pod(&stored), &hardened_pod(&world.namespace, pod(&sent)));
            let template = &stored["spec"]["template"]["metadata"];
            assert_eq!(template["annotations"], annotations());
            assert_eq!(template["labels"], sent["spec"]["template"]["metadata"]["labels"]);
            assert_eq!(stored["metadata"]["labels"], sent["metadata"]["labels"]);
            assert_eq!(stored["spec"]["selector"], sent["spec"]["selector"]);
        }
    )*};
}

comes_out_hardened! {
    helm_2_7_2: "2.7.2-sa-ns",
    helm_2_7_2_with_secret_storage: "2.7.2-secret",
    helm_2_9_1: "2.9.1-sa-ns",
    helm_2_9_1_with_secret_storage: "2.9.1-secret",
    helm_2_16_12: "2.16.12-sa-ns",
    helm_2_16_12_with_secret_storage: "2.16.12-secret",
    helm_2_17_0: "2.17.0-sa-ns",
    helm_2_17_0_with_secret_storage: "2.17.0-secret",
}

#[tokio::test]
async fn a_dry_run_answers_the_same_and_stores_nothing() {
    if Feature::DryRun.is_missing(cluster().version()) {
        return;
    }
    let world = World::create("dry-run").await;
    let sent = world.helm_init("2.17.0-sa-ns");
    let parameters = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let object = serde_json::from_value(sent.clone()).unwrap();
    let answer = value(
        &world
            .deployments()
            .create(&parameters, &object)
            .await
            .unwrap(),
    );
    assert_eq!(pod(&answer), &hardened_pod("dry-run", pod(&sent)));
    assert!(
        world
            .deployments()
            .get_opt("tiller-deploy")
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn what_is_no_tiller_is_stored_as_it_came() {
    let world = World::create("unrelated").await;
    let sent = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": "shop" },
        "spec": {
            "replicas": 1,
            "revisionHistoryLimit": 10,
            "progressDeadlineSeconds": 600,
            "selector": { "matchLabels": { "app": "shop" } },
            "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": "25%", "maxUnavailable": "25%" } },
            "template": {
                "metadata": { "creationTimestamp": null, "labels": { "app": "shop" } },
                "spec": {
                    "containers": [{
                        "name": "shop",
                        "image": "shop:1",
                        "imagePullPolicy": "IfNotPresent",
                        "command": ["sh", "-c", "serve --tls=false"],
                        "env": [{ "name": "STORAGE", "value": "configmap" }],
                        "resources": {},
                        "securityContext": { "runAsUser": 0 },
                        "terminationMessagePath": "/dev/termination-log",
                        "terminationMessagePolicy": "File",
                    }],
                    "restartPolicy": "Always",
                    "terminationGracePeriodSeconds": 30,
                    "dnsPolicy": "ClusterFirst",
                    "securityContext": {},
                    "schedulerName": "default-scheduler",
                },
            },
        },
    });
    let mut stored = world.install(sent.clone()).await;
    // Newer API servers leave it out.
    stored["spec"]["template"]["metadata"]["creationTimestamp"] = Value::Null;
    assert_eq!(stored["spec"], sent["spec"]);
}

#[tokio::test]
async fn a_person_is_warned_of_what_was_changed() {
    if Feature::Warnings.is_missing(cluster().version()) {
        return;
    }
    let world = World::create("warnings").await;
    let body = serde_json::to_vec(&world.helm_init("2.17.0-sa-ns")).unwrap();
    let request = Request::post("/apis/apps/v1/namespaces/warnings/deployments?dryRun=All")
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap();
    let answer = world.client.send(request).await.unwrap();
    assert_eq!(answer.status(), 201);
    let warnings: Vec<&str> = answer
        .headers()
        .get_all("warning")
        .iter()
        .map(|warning| warning.to_str().unwrap())
        .collect();
    for rule in ["release-storage", "tls-disabled"] {
        assert!(
            warnings.iter().any(|warning| warning.contains(rule)),
            "no {rule} in {warnings:#?}"
        );
    }
}

/// Controllers make a `ReplicaSet` and a Pod of a hardened Deployment: neither is refused nor changed,
/// though the API server adds the service account's token to the Pod.
#[tokio::test]
async fn its_pod_comes_up_as_the_deployment_says() {
    let world = World::create("pods").await;
    let sent = world.helm_init("2.17.0-sa-ns");
    world.install(sent.clone()).await;
    let pods = world.objects("", "v1", "Pod");
    let mut created = Vec::new();
    for _attempt in 0..200 {
        created = pods.list(&ListParams::default()).await.unwrap().items;
        if !created.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    if created.is_empty() && !cluster().has_controllers() {
        skip("no kube-controller-manager");
        return;
    }
    let events = world
        .objects("", "v1", "Event")
        .list(&ListParams::default())
        .await
        .unwrap()
        .items;
    let messages: Vec<Value> = events
        .iter()
        .map(|event| value(event)["message"].clone())
        .collect();
    assert_eq!(created.len(), 1, "no pod: {messages:#?}");
    let expected = hardened_pod("pods", pod(&sent));
    let created = value(&created[0]);
    let container = &created["spec"]["containers"][0];
    for field in [
        "command",
        "args",
        "env",
        "securityContext",
        "image",
        "ports",
    ] {
        assert_eq!(
            container[field], expected["containers"][0][field],
            "{field}"
        );
    }
    let mounts = container["volumeMounts"].as_array().unwrap();
    assert_eq!(
        mounts[..2],
        expected["containers"][0]["volumeMounts"]
            .as_array()
            .unwrap()[..]
    );
    assert_eq!(
        mounts[2]["mountPath"],
        "/var/run/secrets/kubernetes.io/serviceaccount"
    );
    assert_eq!(mounts.len(), 3);
    assert_eq!(created["spec"]["serviceAccountName"], "tiller");
}

#[tokio::test]
async fn the_guard_counts_reviews() {
    let world = World::create("metrics").await;
    world.install(world.helm_init("2.17.0-sa-ns")).await;
    let metrics = get(cluster().guard().unwrap().health, "/metrics").unwrap();
    let counted = |webhook: &str, decision: &str| {
        metrics
            .lines()
            .any(|line| line.contains(webhook) && line.contains(decision))
    };
    assert!(counted("mutate", "hardened"), "{metrics}");
    assert!(counted("validate", "allowed"), "{metrics}");
}
