//! The subresources of a pod, and requests that lack what others have.

use serde_json::{Value, json};
use tiller_guard::k8s::review::{Decision, Webhook};

use super::{ask, bare_pod, changed, pod, response};

const WEBHOOKS: [Webhook; 2] = [Webhook::Mutate, Webhook::Validate];

fn review(kind: &str, sub_resource: &str, object: &Value, old: &Value) -> String {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "1",
            "kind": { "group": "", "version": "v1", "kind": kind },
            "resource": { "group": "", "version": "v1", "resource": "pods" },
            "subResource": sub_resource,
            "name": object["metadata"]["name"],
            "namespace": "team",
            "operation": "UPDATE",
            "object": object,
            "oldObject": old,
        },
    })
    .to_string()
}

fn decided(review: &str) -> [Decision; 2] {
    WEBHOOKS.map(|webhook| ask(webhook, review).unwrap().decision)
}

fn refused_for(review: &str, line: &str) {
    for webhook in WEBHOOKS {
        let response = response(&ask(webhook, review).unwrap());
        let message = response["status"]["message"].as_str().unwrap();
        assert!(
            message.lines().any(|told| told.contains(line)),
            "no {line} in {message}"
        );
        assert_eq!(response.get("patch"), None);
    }
}

/// The hardened Tiller's pod, bare.
fn hardened() -> Value {
    let deployment = crate::policy::corpus::canonical();
    let mut pod = deployment["spec"]["template"].clone();
    pod["metadata"]["name"] = json!("tiller");
    pod["metadata"]["namespace"] = json!("team");
    pod["spec"]["containers"][0]["env"][0]["value"] = json!("team");
    pod
}

fn web() -> Value {
    json!({
        "metadata": { "name": "web", "namespace": "team", "labels": { "app": "web" } },
        "spec": { "serviceAccountName": "web", "containers": [{ "name": "web", "image": "web:1" }] },
    })
}

fn with_ephemeral(pod: &Value, container: &Value) -> Value {
    let mut pod = pod.clone();
    pod["spec"]["ephemeralContainers"] = json!([container]);
    pod
}

/// What `pods/ephemeralcontainers` took up to Kubernetes 1.21: a pod's name and these containers.
fn apart(pod: &Value) -> Value {
    json!({
        "kind": "EphemeralContainers",
        "apiVersion": "v1",
        "metadata": { "name": pod["metadata"]["name"], "namespace": "team" },
        "ephemeralContainers": pod["spec"]["ephemeralContainers"],
    })
}

/// Both forms of the request: the containers alone, and the whole pod.
fn ephemeral(pod: &Value, container: &Value) -> [(String, &'static str); 2] {
    let new = with_ephemeral(pod, container);
    let name = "ephemeralcontainers";
    [
        (
            review("EphemeralContainers", name, &apart(&new), &apart(pod)),
            "extra-containers: /ephemeralContainers: ",
        ),
        (
            review("Pod", name, &new, pod),
            "extra-containers: /spec/ephemeralContainers: ",
        ),
    ]
}

#[test]
fn an_ephemeral_tiller_is_refused_in_any_pod() {
    for container in [
        json!({ "name": "debug", "image": "ghcr.io/helm/tiller:v2.17.0" }),
        json!({ "name": "debug", "image": "busybox", "command": ["/tiller"] }),
        hardened()["spec"]["containers"][0].clone(),
    ] {
        for (review, line) in ephemeral(&web(), &container) {
            refused_for(&review, line);
        }
    }
}

#[test]
fn any_ephemeral_container_is_refused_in_a_tiller_pod() {
    let debugger = json!({ "name": "debug", "image": "busybox" });
    assert_eq!(
        decided(&review("Pod", "", &hardened(), &web())),
        [Decision::Allowed; 2]
    );
    for (review, line) in ephemeral(&hardened(), &debugger) {
        refused_for(&review, line);
    }
    // The request tells the name, whether or not the object does.
    let mut nameless = apart(&with_ephemeral(&hardened(), &debugger));
    let mut body: Value = serde_json::from_str(&review(
        "EphemeralContainers",
        "ephemeralcontainers",
        &nameless,
        &json!(null),
    ))
    .unwrap();
    nameless["metadata"] = json!({});
    body["request"]["object"] = nameless;
    refused_for(
        &body.to_string(),
        "extra-containers: /ephemeralContainers: ",
    );
}

#[test]
fn other_ephemeral_containers_pass() {
    let debugger =
        json!({ "name": "debug", "image": "busybox", "env": [{ "name": "X", "value": "tiller" }] });
    for (review, _) in ephemeral(&web(), &debugger) {
        assert_eq!(decided(&review), [Decision::Unconcerned; 2]);
    }
    // None is added to the Tiller.
    let none = apart(&hardened());
    let review = review("EphemeralContainers", "ephemeralcontainers", &none, &none);
    assert_eq!(decided(&review), [Decision::Unconcerned; 2]);
}

#[test]
fn a_resized_pod_is_judged_and_not_changed() {
    let mut resized = hardened();
    resized["spec"]["containers"][0]["resources"] = json!({ "limits": { "cpu": "2" } });
    let body = review("Pod", "resize", &resized, &hardened());
    assert_eq!(decided(&body), [Decision::Unconcerned; 2]);
    resized["spec"]["hostNetwork"] = json!(true);
    refused_for(
        &review("Pod", "resize", &resized, &hardened()),
        "host-access: /spec/hostNetwork: ",
    );
    resized["spec"]["hostNetwork"] = json!(null);
    resized["spec"]["containers"][0]["args"] = json!(["--storage=configmap"]);
    refused_for(
        &review("Pod", "resize", &resized, &hardened()),
        "release-storage: /spec/containers/0/args: ",
    );
}

/// The API server keeps the stored specification when a status is written.
#[test]
fn a_status_passes() {
    let unhardened = &pod()["request"]["object"];
    let body = review("Pod", "status", unhardened, unhardened);
    assert_eq!(decided(&body), [Decision::Unconcerned; 2]);
    let body = review("Pod", "status", unhardened, &web());
    assert_eq!(decided(&body), [Decision::Unconcerned; 2]);
    let body = review("Pod", "", unhardened, &web());
    assert_eq!(decided(&body), [Decision::Refused; 2]);
}

/// 1.10 sends objects without `apiVersion` and `kind`, and no name where it is to make one.
#[test]
fn a_name_still_to_be_made_and_no_kind_inside_make_no_difference() {
    let mut review: Value = serde_json::from_str(&bare_pod()).unwrap();
    let request = review["request"].as_object_mut().unwrap();
    request.remove("name");
    let object = request["object"].as_object_mut().unwrap();
    assert_eq!(
        object["metadata"]["generateName"],
        "tiller-deploy-78cbff5d79-"
    );
    let whole = review.to_string();
    let object = review["request"]["object"].as_object_mut().unwrap();
    object.remove("kind");
    object.remove("apiVersion");
    for body in [whole, review.to_string()] {
        assert_eq!(decided(&body), [Decision::Hardened, Decision::Refused]);
    }
}

#[test]
fn a_change_away_from_tiller_passes() {
    let body = changed(|review| {
        let request = &mut review["request"];
        request["operation"] = json!("UPDATE");
        request["oldObject"] = request["object"].clone();
        let template = &mut request["object"]["spec"]["template"];
        template["metadata"]["labels"] = json!({ "app": "web" });
        template["spec"] = web()["spec"].clone();
    });
    assert_eq!(decided(&body), [Decision::Unconcerned; 2]);
}

/// A Tiller from before the guard may have new metadata; where its template can be hardened on the way, it is.
#[test]
fn new_metadata_on_an_unhardened_tiller_hardens_it_or_passes() {
    let body = changed(|review| {
        let request = &mut review["request"];
        request["operation"] = json!("UPDATE");
        request["oldObject"] = request["object"].clone();
        request["object"]["metadata"]["labels"]["team"] = json!("blue");
    });
    assert_eq!(decided(&body), [Decision::Hardened, Decision::Unconcerned]);
    let mut review: Value = serde_json::from_str(&bare_pod()).unwrap();
    let request = &mut review["request"];
    request["operation"] = json!("UPDATE");
    request["oldObject"] = request["object"].clone();
    request["object"]["metadata"]["labels"]["team"] = json!("blue");
    assert_eq!(decided(&review.to_string()), [Decision::Unconcerned; 2]);
}
