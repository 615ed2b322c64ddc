//! What a controller or a kubelet makes of something else is judged and never changed.

use serde_json::{Value, json};
use tiller_guard::k8s::review::{Decision, Webhook};

use super::{ask, bare_pod, pod, response};

const REPLICA_SET: &str = include_str!("../../data/reviews/1.20-replicaset-create.json");

fn refusal(webhook: Webhook, review: &str) -> Vec<String> {
    let refused = ask(webhook, review).unwrap();
    assert_eq!(refused.decision, Decision::Refused);
    let response = response(&refused);
    assert_eq!(response.get("patch"), None);
    let message = response["status"]["message"].as_str().unwrap();
    message.lines().map(str::to_owned).collect()
}

/// The reason stands in the conditions and events of a ReplicaSet: all of it at once, and first where to
/// mend it.
#[test]
fn a_controllers_pod_is_refused_with_all_that_is_wrong_and_where_it_comes_from() {
    let review = pod().to_string();
    let told = refusal(Webhook::Mutate, &review);
    assert_eq!(told, refusal(Webhook::Validate, &review));
    let origin = "this Pod is made from ReplicaSet tiller-deploy-78cbff5d79: fix the Deployment or other template behind it; ";
    let either = "; if tiller-guard check finds nothing in it, another admission webhook changed this Pod: keep that webhook away";
    assert_eq!(
        told[0],
        format!("{origin}any write of it hardens it{either}")
    );
    // No write heals what hardening does not answer.
    let mut review = pod();
    review["request"]["namespace"] = json!("kube-system");
    review["request"]["object"]["metadata"]["namespace"] = json!("kube-system");
    review["request"]["object"]["spec"]["serviceAccountName"] = json!("default");
    review["request"]["object"]["spec"]["serviceAccount"] = json!("default");
    let told_by_rule = &refusal(Webhook::Validate, &review.to_string())[0];
    let fixed = "a change of its pods is refused too, until these are fixed: protected-namespace, service-account";
    assert!(
        told_by_rule.starts_with(&format!("{origin}{fixed}")),
        "{told_by_rule}"
    );
    let bare = refusal(Webhook::Validate, &bare_pod());
    assert_eq!(told[1..], bare);
    let names = |rule: &str| told.iter().any(|line| line.starts_with(rule));
    assert!(
        names("release-storage: ") && names("tls-disabled: "),
        "{told:#?}"
    );
}

#[test]
fn a_bare_pod_is_hardened() {
    let hardened = ask(Webhook::Mutate, &bare_pod()).unwrap();
    assert_eq!(hardened.decision, Decision::Hardened);
    for owners in [
        json!(null),
        json!([]),
        json!([{ "kind": "ConfigMap", "name": "x" }]),
        json!([{ "kind": "ConfigMap", "name": "x", "controller": false }]),
    ] {
        let mut review = pod();
        review["request"]["object"]["metadata"]["ownerReferences"] = owners;
        let answer = ask(Webhook::Mutate, &review.to_string()).unwrap();
        assert_eq!(answer.decision, Decision::Hardened);
    }
}

/// Who writes a controller into a Pod of his own gets it judged, and nothing else.
#[test]
fn a_claimed_controller_only_makes_it_stricter() {
    let mut review: Value = serde_json::from_str(&bare_pod()).unwrap();
    review["request"]["object"]["metadata"]["ownerReferences"] = json!([
        { "kind": "ConfigMap", "name": "x" },
        { "kind": "Tiller\nfine: ", "name": "mine", "controller": true },
    ]);
    let told = refusal(Webhook::Mutate, &review.to_string());
    assert!(
        told[0].starts_with("this Pod is made from Tiller\u{fffd}fine:  mine: "),
        "{told:#?}"
    );
}

/// Refusing a mirror does not stop what it mirrors, but hides it from Services and from Helm; a patch would
/// make it lie.
#[test]
fn a_mirror_of_a_static_pod_is_refused_and_never_changed() {
    let mut review: Value = serde_json::from_str(&bare_pod()).unwrap();
    review["request"]["object"]["metadata"]["annotations"] =
        json!({ "kubernetes.io/config.mirror": "9bf1cb2f0d" });
    for owners in [
        json!(null),
        json!([{ "kind": "Node", "name": "worker-1", "controller": true }]),
    ] {
        review["request"]["object"]["metadata"]["ownerReferences"] = owners;
        let told = refusal(Webhook::Mutate, &review.to_string());
        assert_eq!(
            told[0],
            "this Pod mirrors a static pod, which runs all the same: remove its manifest from the node"
        );
    }
}

/// A ReplicaSet that differs from its Deployment makes the Deployment's controller make another.
#[test]
fn a_deployments_replica_set_is_refused_and_never_changed() {
    let told = refusal(Webhook::Mutate, REPLICA_SET);
    assert!(
        told[0].starts_with("this ReplicaSet is made from Deployment tiller-deploy: "),
        "{told:#?}"
    );
    let mut bare: Value = serde_json::from_str(REPLICA_SET).unwrap();
    bare["request"]["object"]["metadata"]["ownerReferences"] = json!(null);
    let hardened = ask(Webhook::Mutate, &bare.to_string()).unwrap();
    assert_eq!(hardened.decision, Decision::Hardened);
}

fn update(change: impl FnOnce(&mut Value)) -> String {
    let mut review: Value = serde_json::from_str(REPLICA_SET).unwrap();
    let request = &mut review["request"];
    request["operation"] = json!("UPDATE");
    request["oldObject"] = request["object"].clone();
    change(request);
    review.to_string()
}

/// A Deployment says nothing of a ReplicaSet that it could not scale; of pods that were refused it does.
#[test]
fn a_controller_may_scale_the_replica_set_it_made() {
    let decided = |review: &str| {
        [Webhook::Mutate, Webhook::Validate].map(|webhook| ask(webhook, review).unwrap().decision)
    };
    let scaled = update(|request| request["object"]["spec"]["replicas"] = json!(7));
    assert_eq!(decided(&scaled), [Decision::Unconcerned; 2]);
    let weakened = update(|request| {
        request["object"]["spec"]["template"]["spec"]["hostNetwork"] = json!(true);
    });
    assert_eq!(decided(&weakened), [Decision::Refused; 2]);
    let labelled = update(|request| {
        request["object"]["spec"]["template"]["metadata"]["labels"]["name"] = json!("other");
    });
    assert_eq!(decided(&labelled), [Decision::Refused; 2]);
    // Whose it is, is what was stored.
    let claimed = update(|request| {
        request["oldObject"]["metadata"]["ownerReferences"] = json!(null);
        request["object"]["spec"]["replicas"] = json!(7);
    });
    assert_eq!(decided(&claimed), [Decision::Refused; 2]);
}
