//! The review codec without a socket.

mod access;
mod bad_input;
mod connections;
mod copies;
mod custody;
mod decisions;
mod doors;
mod exceptions;
mod injected;
mod long_lists;
mod lookups;
mod modes;
mod owners;
mod services;
mod subresources;
mod templates;
mod updates;

use serde_json::{Value, json};
use tiller_guard::k8s::review::{Answer, BadReview, Webhook, answer};
use tiller_guard::policy::{Context, Mode, Modes, Policy};

use crate::policy::NOW;

pub(crate) const DEPLOYMENTS: [(&str, &str, &str); 3] = [
    (
        "1.10",
        "admission.k8s.io/v1beta1",
        include_str!("../../data/reviews/1.10-deployment-create.json"),
    ),
    (
        "1.20",
        "admission.k8s.io/v1",
        include_str!("../../data/reviews/1.20-deployment-create.json"),
    ),
    (
        "1.36",
        "admission.k8s.io/v1",
        include_str!("../../data/reviews/1.36-deployment-create.json"),
    ),
];
pub(crate) const OTHERS: [&str; 2] = [
    include_str!("../../data/reviews/1.10-other-pod-create.json"),
    include_str!("../../data/reviews/1.20-other-pod-create.json"),
];

/// The usual policy, with this mode everywhere.
fn in_mode(mode: Mode) -> Policy {
    Policy {
        modes: Modes {
            default: mode,
            ..Modes::default()
        },
        ..Policy::default()
    }
}

pub(crate) fn ask(webhook: Webhook, body: &str) -> Result<Answer, BadReview> {
    answer(webhook, body.as_bytes(), &Policy::default(), &NOW)
}

/// What both webhooks answer alike, as they do to what carries no pod.
fn ask_both(policy: &Policy, review: &Value, context: &Context<'_>) -> Answer {
    let body = review.to_string();
    let [mutate, validate] = [Webhook::Mutate, Webhook::Validate]
        .map(|webhook| answer(webhook, body.as_bytes(), policy, context).unwrap());
    assert_eq!(mutate, validate);
    validate
}

pub(crate) fn response(answer: &Answer) -> Value {
    let review: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(review["kind"], "AdmissionReview");
    review["response"].clone()
}

/// What is asked when `ann` creates an object in the namespace `red`.
fn creation(group: &str, kind: &str, object: &Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "7",
            "kind": { "group": group, "version": "v1", "kind": kind },
            "namespace": "red",
            "operation": "CREATE",
            "userInfo": { "username": "ann" },
            "object": object,
        },
    })
}

/// The recorded creation of a Pod by the controller of a ReplicaSet.
pub(crate) fn pod() -> Value {
    serde_json::from_str(include_str!("../../data/reviews/1.20-pod-create.json")).unwrap()
}

/// The same of a Pod that nobody made from anything.
pub(crate) fn bare_pod() -> String {
    let mut review = pod();
    let metadata = review["request"]["object"]["metadata"]
        .as_object_mut()
        .unwrap();
    metadata.remove("ownerReferences").unwrap();
    review.to_string()
}

/// The 1.20 recording, changed.
pub(crate) fn changed(change: impl FnOnce(&mut Value)) -> String {
    let mut review: Value = serde_json::from_str(DEPLOYMENTS[1].2).unwrap();
    change(&mut review);
    review.to_string()
}
