//! Reviews of what holds something of a Tiller's.

use serde_json::{Value, json};
use tiller_guard::k8s::review::{Answer, Decision, Webhook, answer};
use tiller_guard::policy::{Context, Knowledge, People, Policy, Timestamp};

use super::response;
use crate::policy::known::known;

/// A team whose account nothing but what is known makes a Tiller's.
fn team() -> Knowledge {
    known(&[json!({
        "kind": "ConfigMap",
        "metadata": { "name": "red" },
        "data": { "tiller-namespace": "red", "service-account": "deployer" },
    })])
}

/// What the API server sends for a token of an account.
fn token_request(account: &str, user: &Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "7",
            "kind": { "group": "authentication.k8s.io", "version": "v1", "kind": "TokenRequest" },
            "resource": { "group": "", "version": "v1", "resource": "serviceaccounts" },
            "subResource": "token",
            "name": account,
            "namespace": "red",
            "operation": "CREATE",
            "userInfo": user,
            "object": {
                "kind": "TokenRequest",
                "apiVersion": "authentication.k8s.io/v1",
                "metadata": { "creationTimestamp": null },
                "spec": { "audiences": ["api"], "expirationSeconds": 3600, "boundObjectRef": null },
            },
            "oldObject": null,
        },
    })
}

fn secret(account: &str) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "7",
            "kind": { "group": "", "version": "v1", "kind": "Secret" },
            "namespace": "red",
            "operation": "CREATE",
            "userInfo": { "username": "ann" },
            "object": {
                "metadata": {
                    "name": "mine",
                    "annotations": { "kubernetes.io/service-account.name": account },
                },
                "type": "kubernetes.io/service-account-token",
            },
        },
    })
}

fn ask_by(policy: &Policy, review: &Value) -> Answer {
    let knowledge = team();
    let context = Context {
        now: Timestamp(0),
        knowledge: &knowledge,
    };
    let body = review.to_string();
    let [mutate, validate] = [Webhook::Mutate, Webhook::Validate]
        .map(|webhook| answer(webhook, body.as_bytes(), policy, &context).unwrap());
    assert_eq!(mutate, validate);
    validate
}

fn ask(review: &Value) -> Answer {
    ask_by(&Policy::default(), review)
}

#[test]
fn a_token_is_refused_by_the_accounts_name() {
    let answer = ask(&token_request("deployer", &json!({ "username": "ann" })));
    assert_eq!(
        (answer.decision, answer.kind),
        (Decision::Refused, "TokenRequest")
    );
    assert_eq!(answer.rules, ["account-token"]);
    assert_eq!(answer.record.as_ref().unwrap().name, "deployer");
    let message = response(&answer)["status"]["message"].to_string();
    assert!(
        message.contains(
            "account-token: /spec: a token of the account red/deployer of a Tiller would be"
        ),
        "{message}"
    );
}

#[test]
fn a_kubelet_gets_the_tokens_of_its_pods() {
    let kubelet = json!({ "username": "system:node:a", "groups": ["system:nodes"] });
    let mut review = token_request("deployer", &kubelet);
    assert_eq!(ask(&review).decision, Decision::Refused);
    review["request"]["object"]["spec"]["boundObjectRef"] =
        json!({ "kind": "Pod", "apiVersion": "v1", "name": "tiller-deploy-0" });
    let answer = ask(&review);
    assert_eq!(answer.decision, Decision::Unconcerned);
    assert_eq!(response(&answer), json!({ "uid": "7", "allowed": true }));
}

#[test]
fn a_token_of_another_account_is_let_through_without_a_word() {
    let answer = ask(&token_request("web", &json!({ "username": "ann" })));
    assert_eq!(answer.decision, Decision::Unconcerned);
}

#[test]
fn who_may_break_the_glass_gets_a_token() {
    let policy = Policy {
        break_glass: People {
            users: Vec::new(),
            groups: vec!["on-call".to_owned()],
        },
        ..Policy::default()
    };
    let user = |group: &str| json!({ "username": "ann", "groups": [group] });
    let answer = ask_by(&policy, &token_request("deployer", &user("on-call")));
    assert_eq!(answer.decision, Decision::BreakGlass);
    let answer = ask_by(&policy, &token_request("deployer", &user("on-leave")));
    assert_eq!(answer.decision, Decision::Refused);
}

#[test]
fn a_secret_for_a_token_is_refused_by_its_own_name() {
    let answer = ask(&secret("deployer"));
    assert_eq!(
        (answer.decision, answer.kind),
        (Decision::Refused, "Secret")
    );
    assert_eq!(answer.rules, ["account-token"]);
    assert_eq!(answer.record.as_ref().unwrap().name, "mine");
    assert_eq!(ask(&secret("web")).decision, Decision::Unconcerned);
}

#[test]
fn a_secret_that_holds_a_token_already_may_be_labelled() {
    let mut review = secret("deployer");
    review["request"]["operation"] = "UPDATE".into();
    let mut old = review["request"]["object"].clone();
    review["request"]["object"]["metadata"]["labels"] = json!({ "a": "b" });
    review["request"]["oldObject"] = old.clone();
    assert_eq!(ask(&review).decision, Decision::Unconcerned);
    old["metadata"]["annotations"]["kubernetes.io/service-account.name"] = "web".into();
    review["request"]["oldObject"] = old;
    assert_eq!(ask(&review).decision, Decision::Refused);
}

#[test]
fn a_malformed_request_for_a_token_is_refused_under_its_own_uid() {
    let mut review = token_request("deployer", &json!({ "username": "ann" }));
    review["request"]["object"]["spec"] = "all".into();
    let response = response(&ask(&review));
    assert_eq!(response["uid"], "7");
    let message = response["status"]["message"].to_string();
    let expected = "the TokenRequest cannot be read: ";
    assert!(message.contains(expected), "{message}");
}
