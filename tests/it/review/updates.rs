//! Updates that leave the pod as it is: a refusal of them would protect nothing.

use serde_json::{Value, json};
use tiller_guard::k8s::review::{Decision, Webhook};

use super::{DEPLOYMENTS, ask, pod};

/// A Tiller from before the guard, as a Pod with the owner that made it.
fn stored() -> Value {
    let mut pod = pod()["request"]["object"].clone();
    pod["metadata"]["name"] = json!("tiller-deploy-5d7-x2");
    pod["metadata"]["finalizers"] = json!(["batch.kubernetes.io/job-tracking"]);
    pod["status"] = json!({ "phase": "Succeeded" });
    pod
}

/// The Deployment of `helm init`, as it was before the guard.
fn deployment() -> Value {
    let review: Value = serde_json::from_str(DEPLOYMENTS[1].2).unwrap();
    review["request"]["object"].clone()
}

/// The update of an object of this kind from the one to the other.
fn update(group: &str, kind: &str, old: &Value, new: &Value) -> String {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "7",
            "kind": { "group": group, "version": "v1", "kind": kind },
            "namespace": old["metadata"]["namespace"].as_str().unwrap_or("red"),
            "name": old["metadata"]["name"],
            "operation": "UPDATE",
            "userInfo": { "username": "system:serviceaccount:kube-system:job-controller" },
            "object": new,
            "oldObject": old,
        },
    })
    .to_string()
}

/// What both webhooks decide.
fn decided(group: &str, kind: &str, old: &Value, change: impl FnOnce(&mut Value)) -> [Decision; 2] {
    let mut new = old.clone();
    change(&mut new);
    let body = update(group, kind, old, &new);
    [Webhook::Mutate, Webhook::Validate].map(|webhook| ask(webhook, &body).unwrap().decision)
}

const PASSED: [Decision; 2] = [Decision::Unconcerned; 2];
const REFUSED: [Decision; 2] = [Decision::Refused; 2];

#[test]
fn a_pods_finalizers_annotations_owners_and_status_may_change() {
    let old = stored();
    let changes: [fn(&mut Value); 5] = [
        |pod| pod["metadata"]["finalizers"] = json!([]),
        |pod| pod["metadata"]["annotations"] = json!({ "k8s.ovn.org/pod-networks": "{}" }),
        |pod| pod["metadata"]["ownerReferences"] = Value::Null,
        |pod| pod["metadata"]["labels"]["security.istio.io/tlsMode"] = json!("istio"),
        |pod| pod["status"]["phase"] = json!("Failed"),
    ];
    for change in changes {
        assert_eq!(decided("", "Pod", &old, change), PASSED);
    }
}

#[test]
fn a_pods_image_labels_and_containers_are_judged() {
    let old = stored();
    let changes: [fn(&mut Value); 3] = [
        |pod| pod["spec"]["containers"][0]["image"] = json!("ghcr.io/helm/tiller:v2.16.12"),
        |pod| pod["metadata"]["labels"] = json!({}),
        |pod| pod["spec"]["ephemeralContainers"] = json!([{ "name": "x", "image": "busybox" }]),
    ];
    for change in changes {
        assert_eq!(decided("", "Pod", &old, change), REFUSED);
    }
    let mut other = old.clone();
    other["spec"] = json!({ "containers": [{ "name": "web", "image": "web:1" }] });
    other["metadata"]["labels"] = json!({});
    let label =
        |pod: &mut Value| pod["metadata"]["labels"] = json!({ "app": "helm", "name": "tiller" });
    assert_eq!(decided("", "Pod", &other, label), REFUSED);
}

#[test]
fn a_jobs_template_cannot_change_and_the_rest_of_it_may() {
    let pod = stored();
    let template =
        json!({ "metadata": { "labels": pod["metadata"]["labels"] }, "spec": pod["spec"] });
    let old = json!({ "metadata": { "name": "migrate" }, "spec": { "parallelism": 1, "template": template } });
    let scale = |job: &mut Value| job["spec"]["parallelism"] = json!(2);
    assert_eq!(decided("batch", "Job", &old, scale), PASSED);
    let annotate = |job: &mut Value| job["metadata"]["annotations"] = json!({ "a": "b" });
    assert_eq!(decided("batch", "Job", &old, annotate), PASSED);
    let mut suspended = old.clone();
    suspended["spec"]["suspend"] = json!(true);
    let wake = |job: &mut Value| job["spec"]["suspend"] = json!(false);
    assert_eq!(decided("batch", "Job", &suspended, wake), REFUSED);
}

/// A template can still be hardened, and is; where it cannot, what leaves it as it is passes.
#[test]
fn a_templates_metadata_may_change() {
    let old = deployment();
    let annotate = |it: &mut Value| it["metadata"]["annotations"] = json!({ "a": "b" });
    let hardened = [Decision::Hardened, Decision::Unconcerned];
    assert_eq!(decided("apps", "Deployment", &old, annotate), hardened);
    let mut bad = old.clone();
    bad["spec"]["template"]["spec"]["hostNetwork"] = json!(true);
    for kind in ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"] {
        assert_eq!(decided("apps", kind, &bad, annotate), PASSED, "{kind}");
        let scale = |it: &mut Value| it["spec"]["replicas"] = json!(3);
        assert_eq!(decided("apps", kind, &bad, scale), REFUSED, "{kind}");
        let restart = |it: &mut Value| {
            it["spec"]["template"]["metadata"]["annotations"] = json!({ "x": "y" });
        };
        assert_eq!(decided("apps", kind, &bad, restart), REFUSED, "{kind}");
    }
}
