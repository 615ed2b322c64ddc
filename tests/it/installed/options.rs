//! Every object that an option of the chart makes is tried by the API server, which keeps all that is said in it.

use kube::api::{DeleteParams, PostParams};
use serde_json::{Value, json};
use tiller_guard::cluster::apply::missing;
use tokio::task::spawn_blocking;
use tokio::time::{Duration, Instant, sleep};

use super::World;
use crate::chart::helm::rendered;
use crate::suite::{Feature, trial};

/// Kinds of others, which are known here by name alone: what their controllers make of them is not tried.
const FOREIGN: [(&str, &str, &str, &str); 4] = [
    (
        "monitoring.coreos.com",
        "v1",
        "ServiceMonitor",
        "servicemonitors",
    ),
    (
        "monitoring.coreos.com",
        "v1",
        "PrometheusRule",
        "prometheusrules",
    ),
    ("cert-manager.io", "v1", "Certificate", "certificates"),
    ("cert-manager.io", "v1", "Issuer", "issuers"),
];

/// Values that differ from the chart's own in each of its options.
fn values(service_port: u16) -> Vec<Value> {
    let whole = json!({
        "image": {
            "repository": "registry.example.com/tiller-guard", "pullPolicy": "Always",
            "digest": format!("sha256:{}", "a".repeat(64)), "pullSecrets": [{ "name": "registry" }],
        },
        "replicas": 3,
        "accountPatterns": ["helm-*", "deployer"],
        "service": { "port": service_port },
        "extraArguments": ["--log-format=json"],
        "renewCertificates": true,
        "nodeSelector": { "role": "control" },
        "tolerations": [{ "key": "role", "operator": "Exists", "effect": "NoSchedule" }],
        "podAnnotations": { "example.com/a": "b" },
        "podLabels": { "example.com/c": "d" },
        "networkPolicy": { "apiServerPorts": [6443] },
        "certManager": { "enabled": true },
        "metrics": {
            "serviceMonitor": { "enabled": true, "interval": "15s", "labels": { "release": "prometheus" } },
            "prometheusRule": { "enabled": true, "labels": { "release": "prometheus" } },
            "dashboard": { "enabled": true },
        },
    });
    let mut with_issuer = whole.clone();
    with_issuer["certManager"]["issuerRef"] = json!({ "name": "ours", "kind": "ClusterIssuer" });
    with_issuer["aks"] = json!(true);
    with_issuer["hostNetwork"] = json!(true);
    with_issuer["ports"] = json!({ "review": 14443, "health": 14444 });
    let little = json!({
        "image": { "tag": "v9" },
        "registrations": { "enabled": false },
        "podDisruptionBudget": { "enabled": false },
        "networkPolicy": { "enabled": false },
        "priorityClassName": "",
        "replicas": 1,
    });
    vec![whole, with_issuer, little]
}

fn definition(group: &str, version: &str, kind: &str, plural: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.{group}") },
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": { "kind": kind, "plural": plural, "singular": kind.to_lowercase() },
            "versions": [{
                "name": version, "served": true, "storage": true,
                "schema": { "openAPIV3Schema": {
                    "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                } },
            }],
        },
    })
}

/// The same before Kubernetes 1.16.
fn old_definition(group: &str, version: &str, kind: &str, plural: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1beta1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.{group}") },
        "spec": {
            "group": group,
            "version": version,
            "scope": "Namespaced",
            "names": { "kind": kind, "plural": plural, "singular": kind.to_lowercase() },
        },
    })
}

/// What the API server would store.
async fn tried(world: &World, object: &Value) -> Result<Value, kube::Error> {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
    let (api_version, kind) = (text("/apiVersion").unwrap(), text("/kind").unwrap());
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let namespace = text("/metadata/namespace").unwrap_or_default();
    let api = world.objects(group, version, kind, namespace);
    let sent = serde_json::from_value(object.clone()).unwrap();
    let stored = trial(world.cluster.version(), &api, &sent).await?;
    Ok(serde_json::to_value(stored).unwrap())
}

#[tokio::test]
async fn every_object_of_every_option_of_the_chart_is_taken_as_it_is() {
    let world = World::enter().await;
    // It makes the namespace; the rest would be in the way.
    world.install().await;
    world.run(&["uninstall"]).await;
    let has_schema = Feature::Definitions.is_in(world.cluster.version());
    let version = if has_schema { "v1" } else { "v1beta1" };
    let group = "apiextensions.k8s.io";
    let definitions = world.objects(group, version, "CustomResourceDefinition", "");
    for (group, version, kind, plural) in FOREIGN {
        let definition = if has_schema {
            definition(group, version, kind, plural)
        } else {
            old_definition(group, version, kind, plural)
        };
        let definition = serde_json::from_value(definition).unwrap();
        definitions
            .create(&PostParams::default(), &definition)
            .await
            .unwrap();
    }
    let minor = world.cluster.version().1;
    let service_port = if Feature::ServicePort.is_in(world.cluster.version()) {
        8443
    } else {
        443
    };
    for mut values in values(service_port) {
        values["kubeVersion"] = json!(format!("1.{minor}"));
        let objects = spawn_blocking(move || rendered(&values)).await.unwrap();
        assert!(objects.len() > 6);
        for object in objects {
            let end = Instant::now() + Duration::from_secs(20);
            let stored = loop {
                match tried(&world, &object).await {
                    Ok(stored) => break stored,
                    // A kind that was defined a moment ago; and without dry run, registrations that were there a moment
                    // ago.
                    Err(kube::Error::Api(status))
                        if Instant::now() < end
                            && (status.code == 404
                                || status.message.contains("failed calling")) =>
                    {
                        sleep(Duration::from_millis(200)).await;
                    }
                    Err(error) => panic!("{error}\n{object}"),
                }
            };
            assert_eq!(missing(&object, &stored), None, "{object}");
        }
    }
    for (group, _, _, plural) in FOREIGN {
        definitions
            .delete(&format!("{plural}.{group}"), &DeleteParams::default())
            .await
            .unwrap();
    }
}
