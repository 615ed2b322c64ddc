//! Pods that a webhook which nobody knows changed after their template was judged.

use serde_json::{Value, json};
use tiller_guard::k8s::overlay;
use tiller_guard::k8s::review::{Answer, Decision, Lookup, Webhook, answer};
use tiller_guard::policy::{Context, Knowledge, Policy, Timestamp, WorkloadKind};

use super::injected::changed;
use crate::policy::corpus::canonical;

const ORIGIN: &str = "this Pod is made from ReplicaSet tiller-deploy-78cbff5d79";

fn judge(review: &Value, knowledge: &Knowledge) -> Answer {
    let context = Context::new(Timestamp(0), knowledge);
    let body = review.to_string();
    let [mutate, validate] = [Webhook::Mutate, Webhook::Validate]
        .map(|webhook| answer(webhook, body.as_bytes(), &Policy::default(), &context).unwrap());
    assert_eq!(mutate.refusal, validate.refusal);
    if validate.decision == Decision::Refused {
        assert_eq!(mutate.lookups, validate.lookups);
    }
    validate
}

fn lookup() -> Lookup {
    Lookup::Template {
        kind: WorkloadKind::ReplicaSet,
        namespace: "tiller-world".into(),
        name: "tiller-deploy-78cbff5d79".into(),
    }
}

/// The ReplicaSet of the hardened Deployment, after this was done to it.
fn replica_set(change: impl FnOnce(&mut Value)) -> Value {
    let mut set = json!({
        "metadata": {
            "name": "tiller-deploy-78cbff5d79",
            "namespace": "tiller-world",
            "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "Deployment", "name": "tiller-deploy", "uid": "u", "controller": true }],
        },
        "spec": { "replicas": 1, "template": canonical()["spec"]["template"] },
    });
    change(&mut set["spec"]["template"]["spec"]);
    set
}

/// The first line of the refusal once the API server was asked, which it is once.
fn origin(review: &Value, there: &[Value]) -> String {
    let knowledge = Knowledge::default();
    let first = judge(review, &knowledge);
    assert_eq!(first.decision, Decision::Refused);
    assert!(first.lookups.contains(&lookup()), "{:?}", first.lookups);
    let there: Vec<_> = there.iter().map(ToString::to_string).collect();
    let found = there.iter().map(|it| &**it);
    let (known, unread) = overlay(&knowledge, &knowledge, &lookup(), found);
    assert_eq!(unread, 0);
    let second = judge(review, &known);
    assert_eq!(second.decision, Decision::Refused);
    assert!(!second.lookups.contains(&lookup()));
    assert_eq!(first.rules, second.rules);
    let refusal = second.refusal.unwrap();
    refusal.lines().next().unwrap().to_owned()
}

fn with_proxy(pod: &mut Value) {
    let variables = &mut pod["env"];
    let proxy = json!({ "name": "HTTPS_PROXY", "value": "http://p" });
    variables.as_array_mut().unwrap().push(proxy);
}

/// What a webhook does to the spec of a Pod.
type Change = fn(&mut Value);

#[test]
fn a_clean_template_is_not_at_fault_for_what_a_webhook_adds_to_its_pod() {
    let cases: [(&str, Change); 3] = [
        ("environment", |spec| with_proxy(&mut spec["containers"][0])),
        ("extra-containers", |spec| {
            let containers = spec["containers"].as_array_mut().unwrap();
            containers.insert(0, json!({ "name": "foo-agent", "image": "foo/agent:1" }));
        }),
        ("security-context", |spec| {
            spec["securityContext"]["runAsUser"] = json!(0);
            spec["containers"][0]["securityContext"]["runAsUser"] = json!(0);
        }),
    ];
    for (rule, change) in cases {
        let review = changed(|pod| change(&mut pod["spec"]));
        let told = origin(&review, &[replica_set(|_| {})]);
        let innocent = format!(
            "{ORIGIN}, and another admission webhook or plugin changed it afterwards: the template is not at fault; keep that \
             webhook away from this Pod, by its own label, annotation or namespaceSelector, or except in the policy: "
        );
        assert!(told.starts_with(&innocent), "{rule}: {told}");
        assert!(told.ends_with(rule), "{rule}: {told}");
        assert!(!told.contains("hardens it"), "{told}");
        // The same in the template is the template's.
        let told = origin(&review, &[replica_set(change)]);
        assert!(
            told.starts_with(&format!(
                "{ORIGIN}: fix the Deployment or other template behind it; "
            )),
            "{told}"
        );
        assert!(!told.contains("webhook"), "{told}");
    }
}

#[test]
fn what_is_wrong_in_the_template_and_what_was_added_are_told_apart() {
    let host_network: fn(&mut Value) = |spec| spec["hostNetwork"] = json!(true);
    let review = changed(|pod| {
        host_network(&mut pod["spec"]);
        with_proxy(&mut pod["spec"]["containers"][0]);
    });
    let told = origin(&review, &[replica_set(host_network)]);
    assert!(
        told.ends_with("another admission webhook or plugin changed this Pod too: keep it away, or except in the policy: environment"),
        "{told}"
    );
    assert!(told.contains("fix the Deployment"), "{told}");
}

/// Who cannot know says both.
#[test]
fn without_the_template_both_are_said() {
    let review = changed(|pod| with_proxy(&mut pod["spec"]["containers"][0]));
    let mut other = replica_set(|_| {});
    other["metadata"]["name"] = json!("another");
    for there in [&[][..], &[other]] {
        let told = origin(&review, there);
        assert!(told.contains("fix the Deployment"), "{told}");
        assert!(
            told.ends_with("; if tiller-guard check finds nothing in it, another admission webhook changed this Pod: keep that webhook away"),
            "{told}"
        );
    }
}

/// What is admitted asks for nothing, and what a tenant says of an owner is not looked at.
#[test]
fn only_a_controllers_refused_pod_is_looked_up() {
    let knowledge = Knowledge::default();
    let admitted = judge(&changed(|_| {}), &knowledge);
    assert_eq!(admitted.decision, Decision::Allowed);
    assert!(!admitted.lookups.contains(&lookup()));
    let mut review = changed(|pod| with_proxy(&mut pod["spec"]["containers"][0]));
    review["request"]["userInfo"] =
        json!({ "username": "tenant", "groups": ["system:authenticated"] });
    let refused = judge(&review, &knowledge);
    assert_eq!(refused.decision, Decision::Refused);
    assert!(!refused.lookups.contains(&lookup()));
}
