//! Tillers of before the guard whose pod is evicted, as by a node drain: what the refusal of the next pod says is true of them.

use kube::api::{Patch, PatchParams};
use kube::core::Status;
use serde_json::{Value, json};

use super::{
    assert_no_unhardened_tiller, eventually, guard, is_hardened, tiller, tillers, unguarded,
};
use crate::api_server::{World, cluster, kubernetes_from, status, value};
use crate::knowledge::{self, binding, wide_role};
use crate::provision::proxy::run_at;
use crate::releases::kubelet::play_kubelet;
use crate::releases::moved::{all, create, found, kubeconfig, records_of};
use crate::suite::skip;

async fn evict(world: &World, pod: &Value) {
    let (namespace, name) = (&world.namespace, pod["metadata"]["name"].as_str().unwrap());
    let version = if kubernetes_from(22) {
        "policy/v1"
    } else {
        "policy/v1beta1"
    };
    let eviction = json!({
        "apiVersion": version,
        "kind": "Eviction",
        "metadata": { "namespace": namespace, "name": name },
    });
    let path = format!("/api/v1/namespaces/{namespace}/pods/{name}/eviction");
    let request = hyper::Request::post(path).header("content-type", "application/json");
    let request = request.body(eviction.to_string().into_bytes()).unwrap();
    let _evicted: Value = world.client.request(request).await.unwrap();
}

/// Evicts the pod of an old Tiller once the guard is asked: what its Deployment says of the next pod, with this in it.
async fn drained(world: &World, reason: &str) -> String {
    let mut deployment = world.helm_init("2.17.0-sa-ns");
    deployment["spec"]["template"] = tiller(world);
    world.install(deployment).await;
    let old = eventually("pod", || async { tillers(world).await.pop() }).await;
    assert!(!is_hardened(&old), "{old:#}");
    guard(world).await;
    evict(world, &old).await;
    let told = eventually(reason, || async {
        let deployment = value(&world.deployments().get("tiller-deploy").await.unwrap());
        let conditions = deployment["status"]["conditions"].as_array()?;
        let mut failures = conditions
            .iter()
            .filter(|it| it["type"] == "ReplicaFailure");
        let message = failures.next()?["message"].as_str()?.to_owned();
        message.contains(reason).then_some(message)
    })
    .await;
    assert_tells(&told, "this Pod is made from ReplicaSet tiller-deploy-");
    assert_no_unhardened_tiller(world).await;
    told
}

#[track_caller]
fn assert_tells(text: &str, needle: &str) {
    assert!(text.contains(needle), "{needle}\nis not in\n{text}");
}

async fn write(world: &World, change: Value) -> Result<Value, Box<Status>> {
    let (api, change) = (world.deployments(), Patch::Merge(change));
    let parameters = PatchParams::default();
    status(api.patch("tiller-deploy", &parameters, &change).await)
}

/// What `kubectl annotate deployment tiller-deploy hardened=please` writes.
async fn annotate(world: &World) {
    let change = json!({ "metadata": { "annotations": { "hardened": "please" } } });
    write(world, change).await.unwrap();
}

/// A write that changes the pods is refused by this rule, and one that does not brings no pod.
async fn assert_not_hardened_by_a_write(world: &World, rule: &str) {
    let change =
        json!({ "spec": { "template": { "spec": { "terminationGracePeriodSeconds": 5 } } } });
    let refused = write(world, change).await.unwrap_err();
    assert_tells(&refused.message, rule);
    annotate(world).await;
    assert_eq!(tillers(world).await, [Value::Null; 0]);
}

async fn hardened(world: &World) {
    let pod = eventually("pod", || async { tillers(world).await.pop() }).await;
    assert!(is_hardened(&pod), "{pod:#}");
    assert_no_unhardened_tiller(world).await;
}

#[tokio::test]
async fn row_35_a_drained_tiller_that_any_write_hardens() {
    if !cluster().has_controllers() {
        skip("no kube-controller-manager");
        return;
    }
    let world = unguarded("drained").await;
    let told = drained(&world, "tls-disabled: ").await;
    assert_tells(&told, "any write of it hardens it");
    annotate(&world).await;
    hardened(&world).await;
}

#[tokio::test]
async fn row_35_a_drained_tiller_with_records_that_it_would_no_longer_see() {
    if !cluster().has_controllers() {
        skip("no kube-controller-manager");
        return;
    }
    let world = unguarded("drained-records").await;
    for record in records_of("plain") {
        create(&world, record).await;
    }
    let told = drained(&world, "until these are fixed: storage-switch").await;
    assert_tells(&told, "drained-records has 4 release records in ConfigMaps");
    let next = "tiller-guard releases move --to secrets -n drained-records";
    assert_tells(&told, &format!("run: {next}; "));
    assert_not_hardened_by_a_write(&world, "storage-switch").await;
    let kubelet = play_kubelet(&world);
    let words: Vec<_> = next.split(' ').skip(1).collect();
    let run = run_at(&kubeconfig(), &words).await;
    kubelet.abort();
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert_eq!(found(&world).await, all("plain", "Secret"));
    hardened(&world).await;
}

#[tokio::test]
async fn row_35_a_drained_tiller_with_too_many_rights() {
    if !cluster().has_controllers() {
        skip("no kube-controller-manager");
        return;
    }
    let world = unguarded("drained-rights").await;
    for object in [wide_role("wide"), binding("wide", "wide", "tiller")] {
        knowledge::create(&world, &object).await.unwrap();
    }
    let told = drained(&world, "until these are fixed: account-rights").await;
    assert_tells(&told, "RoleBinding drained-rights/wide");
    assert_tells(&told, "delete the binding");
    assert_not_hardened_by_a_write(&world, "account-rights").await;
    knowledge::delete(&world, "RoleBinding", "wide").await;
    let change =
        json!({ "spec": { "template": { "spec": { "terminationGracePeriodSeconds": 6 } } } });
    eventually("write that is not refused", || async {
        write(&world, change.clone()).await.ok()
    })
    .await;
    hardened(&world).await;
}
