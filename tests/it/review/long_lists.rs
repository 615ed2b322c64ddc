//! Pods with long lists.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tiller_guard::k8s::review::{Decision, Webhook};

use super::{ask, response};

/// Innocent pods have no limit but that of the review; a Tiller with such a list is refused.
#[test]
fn a_long_list_is_judged_whole_and_refused_only_of_a_tiller() {
    let container = |more: Value| {
        let mut container =
            json!({ "name": "a", "image": "example/web:1", "args": ["$(POD_NAME)"] });
        for (key, value) in more.as_object().unwrap() {
            container[key] = value.clone();
        }
        container
    };
    let of = |more: Value| json!({ "containers": [container(more)] });
    let many = |count: usize, one: Value| vec![one; count];
    let variables = |count: usize| -> Vec<Value> {
        let one = |number| json!({ "name": format!("V{number}"), "value": "artillery" });
        (0..count).map(one).collect()
    };
    let mut starts = vec![json!("tiller"); 70_000];
    starts.insert(0, json!("/web"));
    for (spec, list) in [
        (
            of(json!({ "args": many(80_000, json!("--a=$(A)")) })),
            "args",
        ),
        (
            of(json!({ "args": many(80_000, json!("a")), "command": ["/web", "artillery"] })),
            "args",
        ),
        (of(json!({ "args": starts })), "args"),
        (of(json!({ "env": variables(20_000) })), "env"),
        (
            of(json!({ "ports": many(20_000, json!({ "containerPort": 80 })) })),
            "ports",
        ),
        (
            of(
                json!({ "volumeMounts": many(300, json!({ "name": "v", "mountPath": "/artillery" })) }),
            ),
            "volumeMounts",
        ),
        (
            json!({ "containers": many(2_000, container(json!({ "name": "artillery" }))) }),
            "containers",
        ),
        (
            json!({ "containers": [container(json!({}))], "volumes": many(300, json!({ "name": "artillery", "emptyDir": {} })) }),
            "volumes",
        ),
    ] {
        let review = |spec: &Value| {
            json!({
                "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
                    "uid": "u-1", "kind": { "group": "", "version": "v1", "kind": "Pod" },
                    "operation": "CREATE", "namespace": "n", "userInfo": { "username": "ann" },
                    "object": { "metadata": { "name": "web" }, "spec": spec },
                },
            })
            .to_string()
        };
        for webhook in [Webhook::Mutate, Webhook::Validate] {
            let started = Instant::now();
            let innocent = ask(webhook, &review(&spec)).unwrap();
            assert_eq!(innocent.decision, Decision::Unconcerned, "{list}");
            let taken = started.elapsed();
            assert!(taken < Duration::from_secs(2), "{list}: {taken:?}");
        }
        let mut spec = spec;
        spec["containers"][0]["image"] = json!("ghcr.io/helm/tiller:v2.17.0");
        let refused = ask(Webhook::Validate, &review(&spec)).unwrap();
        assert_eq!(refused.decision, Decision::Refused, "{list}");
        let response = response(&refused);
        let message = response["status"]["message"].as_str().unwrap();
        let reason = format!("{list}: more than ");
        assert!(message.contains(&reason), "{message}");
    }
}
