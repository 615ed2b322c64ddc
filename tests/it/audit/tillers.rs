//! Tillers of 12 kinds, and what opens them.

use std::time::Duration;

use kube::Client;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::api_server::recorded_deployment;
use crate::cluster::{Cluster, User, resource};
use crate::offline::run;
use crate::releases::recordings;

/// How many pods there are of them and beside them.
const PODS: usize = 11;

/// Makes all of it, and waits until the controllers have made the pods.
pub(super) async fn create(cluster: &Cluster) {
    let client = cluster.client(User::Admin).await.unwrap();
    let (_, minor) = cluster.version();
    let put = async |object: Value| put_object(&client, &object).await;
    for namespace in [
        "own", "team", "other", "job", "sql", "old", "zero", "mirror", "set", "node", "pod", "cron",
    ] {
        put(namespaced(
            "v1",
            "Namespace",
            "",
            &format!("aud-{namespace}"),
        ))
        .await;
    }
    put(namespaced("v1", "Namespace", "", "tiller-guard")).await;
    for namespace in [
        "aud-own",
        "aud-old",
        "aud-zero",
        "aud-mirror",
        "aud-set",
        "aud-node",
        "aud-pod",
        "aud-cron",
        "aud-job",
        "aud-sql",
        "kube-system",
    ] {
        put(namespaced("v1", "ServiceAccount", namespace, "tiller")).await;
    }
    for object in deployments()
        .into_iter()
        .chain(others(minor))
        .chain(rights())
        .chain(around(minor))
    {
        put(object).await;
    }
    team(cluster);
    records(&client).await;
    // A second ReplicaSet; the first is left without pods.
    pods(&client, PODS).await;
    let api = api(&client, "apps/v1", "Deployment", "aud-old");
    let patch =
        json!({ "spec": { "template": { "metadata": { "annotations": { "changed": "yes" } } } } });
    let patch = Patch::Merge(&patch);
    let _patched = api
        .patch("tiller-deploy", &PatchParams::default(), &patch)
        .await
        .unwrap();
    settled(&client).await;
}

/// Waits for so many pods.
async fn pods(client: &Client, wanted: usize) {
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource("", "v1", "Pod"));
    for _attempt in 0..600 {
        if api.list(&ListParams::default()).await.unwrap().items.len() == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{:?}", api.list(&ListParams::default()).await.unwrap());
}

/// Waits until the first ReplicaSet of the changed Deployment has no pods any more: none of them ever becomes ready, so that it
/// is scaled down here.
async fn settled(client: &Client) {
    let api = api(client, "apps/v1", "ReplicaSet", "aud-old");
    for _attempt in 0..600 {
        let sets = api.list(&ListParams::default()).await.unwrap().items;
        if sets.len() == 2 {
            let wanted: i64 = sets
                .iter()
                .map(|it| it.data["spec"]["replicas"].as_i64().unwrap())
                .sum();
            if wanted == 1 {
                return pods(client, PODS).await;
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{:?}", api.list(&ListParams::default()).await.unwrap());
}

fn namespaced(api_version: &str, kind: &str, namespace: &str, name: &str) -> Value {
    let mut metadata = json!({ "name": name });
    if !namespace.is_empty() {
        metadata["namespace"] = json!(namespace);
    }
    json!({ "apiVersion": api_version, "kind": kind, "metadata": metadata })
}

pub(super) fn api(
    client: &Client,
    api_version: &str,
    kind: &str,
    namespace: &str,
) -> Api<DynamicObject> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let resource = resource(group, version, kind);
    match namespace {
        "" => Api::all_with(client.clone(), &resource),
        namespace => Api::namespaced_with(client.clone(), namespace, &resource),
    }
}

async fn put_object(client: &Client, object: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let namespace = text(&object["metadata"]["namespace"]);
    let api = api(
        client,
        &text(&object["apiVersion"]),
        &text(&object["kind"]),
        &namespace,
    );
    let written: DynamicObject = serde_json::from_value(object.clone()).unwrap();
    for _attempt in 0..300 {
        match api.create(&PostParams::default(), &written).await {
            Ok(_) => return,
            // A service account has its token a moment later, before Kubernetes 1.24.
            Err(kube::Error::Api(status)) if status.code == 500 || status.code == 403 => {}
            Err(error) => panic!("{error}: {object}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the API server does not take {object}");
}

/// `helm init` of a version, in this namespace.
fn helm_init(recording: &str, namespace: &str) -> Value {
    let mut deployment = recorded_deployment(recording);
    deployment["apiVersion"] = json!("apps/v1");
    deployment["metadata"]["namespace"] = json!(namespace);
    deployment["spec"]["selector"] = json!({ "matchLabels": { "app": "helm", "name": "tiller" } });
    let pod = &mut deployment["spec"]["template"]["spec"];
    pod["serviceAccountName"] = json!("tiller");
    pod["containers"][0]["env"][0]["value"] = json!(namespace);
    deployment
}

fn deployments() -> Vec<Value> {
    let own = helm_init("2.17.0-plain", "aud-own");
    let system = helm_init("2.16.12-plain", "kube-system");
    let old = {
        let mut old = helm_init("2.7.2-plain", "aud-old");
        // No pod becomes ready without a kubelet: the new one comes after the old one is gone.
        old["spec"]["strategy"] = json!({ "type": "Recreate" });
        old
    };
    let mut zero = helm_init("2.9.1-plain", "aud-zero");
    zero["spec"]["replicas"] = json!(0);
    let mut sql = helm_init("2.17.0-plain", "aud-sql");
    sql["spec"]["template"]["spec"]["containers"][0]["args"] = json!([
        "--storage=sql",
        "--sql-dialect=postgres",
        "--sql-connection-string=host=db"
    ]);
    let mut mirror = helm_init("2.16.12-plain", "aud-mirror");
    mirror["spec"]["template"]["spec"]["containers"][0]["image"] =
        json!("registry.example.com/mirror/tiller:v2.16.12");
    vec![own, system, old, zero, sql, mirror]
}

/// What is no Deployment.
fn others(minor: u16) -> Vec<Value> {
    let template =
        |namespace: &str| helm_init("2.16.12-secret", namespace)["spec"]["template"].clone();
    let mut set = namespaced("apps/v1", "StatefulSet", "aud-set", "tiller");
    set["spec"] = json!({
        "serviceName": "tiller",
        "selector": { "matchLabels": { "app": "helm", "name": "tiller" } },
        "template": template("aud-set"),
    });
    let mut node = namespaced("apps/v1", "DaemonSet", "aud-node", "tiller");
    node["spec"] = json!({
        "selector": { "matchLabels": { "app": "helm", "name": "tiller" } },
        "template": template("aud-node"),
    });
    let of_node = &mut node["spec"]["template"]["spec"];
    of_node["hostNetwork"] = json!(true);
    // Kubernetes before 1.28 fills hostPort in of ports in the node's network.
    of_node["containers"][0]["ports"] = json!([]);
    let mut pod = namespaced("v1", "Pod", "aud-pod", "tiller");
    pod["spec"] = template("aud-pod")["spec"].clone();
    pod["metadata"]["labels"] = json!({ "app": "helm", "name": "tiller" });
    let script = "tiller --storage=secret --listen=127.0.0.1:44134 & helm upgrade app chart";
    let job = json!({
        "spec": {
            "restartPolicy": "Never",
            "serviceAccountName": "tiller",
            "containers": [{
                "name": "deploy",
                "image": "registry.example.com/tools/helm-tiller:2.17.0",
                "command": ["/bin/sh", "-c", script],
                "env": [{ "name": "TILLER_NAMESPACE", "value": "aud-job" }],
            }],
        },
    });
    let mut tillerless = namespaced("batch/v1", "Job", "aud-job", "deploy");
    tillerless["spec"] = json!({ "template": job.clone() });
    let mut cron = namespaced("batch/v1beta1", "CronJob", "aud-cron", "nightly");
    cron["spec"] = json!({
        "schedule": "0 0 1 1 *",
        "suspend": true,
        "jobTemplate": { "spec": { "template": job } },
    });
    if minor >= 21 {
        cron["apiVersion"] = json!("batch/v1");
    }
    vec![set, node, pod, tillerless, cron]
}

/// Roles and bindings.
fn rights() -> Vec<Value> {
    let text = include_str!("../../data/audit/rights.yaml");
    serde_saphyr::from_multiple(text).unwrap()
}

/// What opens a Tiller, or only looks so.
fn around(minor: u16) -> Vec<Value> {
    let mut web = namespaced("apps/v1", "Deployment", "aud-own", "web");
    web["spec"] = json!({
        "replicas": 0,
        "selector": { "matchLabels": { "app": "web" } },
        "template": {
            "metadata": { "labels": { "app": "web" } },
            "spec": { "serviceAccountName": "tiller", "containers": [{ "name": "web", "image": "nginx" }] },
        },
    });
    // A pod that runs as the Tiller's account, and one that does not.
    let beside = |name: &str, account: &str| {
        let mut pod = namespaced("v1", "Pod", "aud-pod", name);
        pod["spec"] = json!({
            "serviceAccountName": account,
            "containers": [{ "name": "web", "image": "nginx" }],
        });
        pod
    };
    let (side, plain_pod) = (beside("side", "tiller"), beside("plain", "default"));
    let mut token = namespaced("v1", "Secret", "aud-zero", "forever");
    token["type"] = json!("kubernetes.io/service-account-token");
    token["metadata"]["annotations"] = json!({ "kubernetes.io/service-account.name": "tiller" });
    let mut service = namespaced("v1", "Service", "aud-pod", "tiller-deploy");
    service["spec"] = json!({
        "type": "LoadBalancer",
        "selector": { "app": "helm", "name": "tiller" },
        "ports": [{ "port": 44134, "targetPort": "tiller" }],
    });
    let mut plain = namespaced("v1", "Service", "aud-own", "tiller-deploy");
    plain["spec"] =
        json!({ "selector": { "app": "helm", "name": "tiller" }, "ports": [{ "port": 44134 }] });
    let mut other = namespaced("v1", "Service", "aud-own", "web");
    other["spec"] = json!({ "selector": { "app": "web" }, "ports": [{ "port": 80 }] });
    let mut ingress = namespaced("extensions/v1beta1", "Ingress", "aud-pod", "tiller");
    ingress["spec"] =
        json!({ "backend": { "serviceName": "tiller-deploy", "servicePort": 44134 } });
    if minor >= 19 {
        ingress["apiVersion"] = json!("networking.k8s.io/v1");
        ingress["spec"] = json!({
            "defaultBackend": { "service": { "name": "tiller-deploy", "port": { "number": 44134 } } },
        });
    }
    vec![web, side, plain_pod, token, service, plain, other, ingress]
}

/// A team, with a hardened Tiller and its certificates.
fn team(cluster: &Cluster) {
    let kubeconfig = format!("--kubeconfig={}", cluster.kubeconfig().display());
    let made = run(
        &[
            "provision",
            "aud-team",
            "--tiller-namespace=aud-team-t",
            "--target-namespace=aud-team",
            "--no-wait",
            "--user=aud-ada",
            &kubeconfig,
        ],
        b"",
    );
    assert_eq!(made.code, Some(0), "{}{}", made.stdout, made.stderr);
}

/// Releases of Tiller's in ConfigMaps, one of them stuck, and one in both storages.
async fn records(client: &Client) {
    let of = |name: &str| {
        let name = format!("2.17.0-configmap-k8s1.20/{name}");
        let all = recordings().into_iter();
        let recording = all.into_iter().find(|it| it.name() == name);
        recording.unwrap().records()
    };
    for record in [of("plain"), of("stuckup")].concat() {
        let mut object = namespaced(
            "v1",
            "ConfigMap",
            "aud-own",
            record["metadata"]["name"].as_str().unwrap(),
        );
        object["metadata"]["labels"] = record["metadata"]["labels"].clone();
        object["data"] = record["data"].clone();
        put_object(client, &object).await;
    }
    let mut damaged = namespaced("v1", "Secret", "aud-sql", "broken.v1");
    damaged["metadata"]["labels"] =
        json!({ "OWNER": "TILLER", "NAME": "broken", "STATUS": "DEPLOYED", "VERSION": "1" });
    damaged["stringData"] = json!({ "release": "this is no release" });
    put_object(client, &damaged).await;
}
