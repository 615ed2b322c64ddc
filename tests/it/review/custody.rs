//! Reviews of what holds something of a Tiller's.

use serde_json::{Value, json};
use tiller_guard::k8s::review::{Answer, Decision};
use tiller_guard::policy::{Context, Knowledge, Mode, People, Policy, Timestamp};

use super::{ask_both, creation, in_mode, response};
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
    let secret = json!({
        "metadata": {
            "name": "mine",
            "annotations": { "kubernetes.io/service-account.name": account },
        },
        "type": "kubernetes.io/service-account-token",
    });
    creation("", "Secret", &secret)
}

fn ask_by(policy: &Policy, review: &Value) -> Answer {
    let knowledge = team();
    let context = Context::new(Timestamp(0), &knowledge);
    ask_both(policy, review, &context)
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
            "account-token: /spec: a token of Tiller's service account red/deployer would be"
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

/// A release as a Tiller writes it, or not.
fn record(kind: &str, user: &str) -> Value {
    let mut review = secret("none");
    review["request"]["kind"]["kind"] = kind.into();
    review["request"]["userInfo"]["username"] = user.into();
    review["request"]["object"] = json!({
        "metadata": { "name": "web.v1", "labels": { "NAME": "web", "OWNER": "TILLER", "VERSION": "1" } },
        "data": { "release": "H4sIAAAAAAAC" },
    });
    review
}

#[test]
fn a_release_in_a_config_map_is_told_in_every_mode_and_refused_in_one() {
    let tiller = "system:serviceaccount:red:deployer";
    for (mode, decision) in [
        (Mode::Audit, Decision::Audited),
        (Mode::Warn, Decision::Warned),
        (Mode::Enforce, Decision::Warned),
        (Mode::Freeze, Decision::Warned),
        (Mode::Forbid, Decision::Refused),
    ] {
        let answer = ask_by(&in_mode(mode), &record("ConfigMap", tiller));
        assert_eq!(answer.decision, decision, "{mode:?}");
        assert_eq!(answer.rules, ["release-record"]);
        let record = answer.record.as_ref().unwrap();
        assert_eq!(
            (record.user.as_str(), record.name.as_str()),
            (tiller, "web.v1")
        );
        let told = response(&answer).to_string();
        assert!(
            told.contains("a release is recorded in a ConfigMap, by system:"),
            "{told}"
        );
        assert!(!told.contains("H4sI"), "{told}");
    }
}

#[test]
fn a_release_in_a_secret_is_told_where_no_tiller_wrote_it() {
    let answer = ask(&record("Secret", "system:serviceaccount:red:deployer"));
    assert_eq!(answer.decision, Decision::Unconcerned);
    let answer = ask(&record("Secret", "system:serviceaccount:red:web"));
    assert_eq!(answer.decision, Decision::Warned);
    let warning = response(&answer)["warnings"][0].to_string();
    let expected = "tiller-guard notes release-record: a release is recorded, by system:serviceaccount:red:web, which";
    assert!(warning.contains(expected), "{warning}");
}

#[test]
fn a_release_that_changes_its_state_is_told_no_more() {
    let mut review = record("ConfigMap", "ann");
    review["request"]["operation"] = "UPDATE".into();
    review["request"]["oldObject"] = review["request"]["object"].clone();
    review["request"]["object"]["metadata"]["labels"]["STATUS"] = "SUPERSEDED".into();
    let answer = ask_by(&in_mode(Mode::Forbid), &review);
    assert_eq!(answer.decision, Decision::Unconcerned);
}

#[test]
fn a_config_map_that_comes_to_hold_a_release_is_told() {
    let mut review = record("ConfigMap", "ann");
    review["request"]["operation"] = "UPDATE".into();
    review["request"]["oldObject"] = json!({ "metadata": { "name": "web.v1" } });
    assert_eq!(ask(&review).decision, Decision::Warned);
}

/// The Secret of a team's Tiller with a key.
fn certificates(user: &Value, key: &str) -> Value {
    let mut review = secret("none");
    review["request"]["userInfo"] = user.clone();
    review["request"]["object"] = json!({
        "metadata": { "name": "tiller-tls" },
        "data": { "tls.key": key, "tls.crt": "QQ==", "ca.crt": "QQ==" },
    });
    review
}

#[test]
fn certificates_are_an_administrators_to_write() {
    let ann = json!({ "username": "ann", "groups": ["system:authenticated"] });
    let answer = ask(&certificates(&ann, "c2VzYW1l"));
    assert_eq!(
        (answer.decision, answer.kind),
        (Decision::Refused, "Secret")
    );
    assert_eq!(answer.rules, ["certificate-secret"]);
    let told = response(&answer).to_string();
    assert!(
        !told.contains("c2VzYW1l") && !told.contains("QQ=="),
        "{told}"
    );
    let admin = json!({ "username": "admin", "groups": ["system:masters"] });
    assert_eq!(
        ask(&certificates(&admin, "c2VzYW1l")).decision,
        Decision::Unconcerned
    );
}

#[test]
fn certificates_that_stay_may_be_labelled() {
    let ann = json!({ "username": "ann" });
    let mut review = certificates(&ann, "c2VzYW1l");
    review["request"]["operation"] = "UPDATE".into();
    let mut old = review["request"]["object"].clone();
    review["request"]["object"]["metadata"]["labels"] = json!({ "a": "b" });
    review["request"]["oldObject"] = old.clone();
    assert_eq!(ask(&review).decision, Decision::Unconcerned);
    old["data"]["tls.key"] = "b3RoZXI=".into();
    review["request"]["oldObject"] = old;
    assert_eq!(ask(&review).decision, Decision::Refused);
}

#[test]
fn what_is_wrong_in_a_secret_is_not_told() {
    let mut review = certificates(&json!({ "username": "ann" }), "");
    review["request"]["object"]["data"] = "c2VzYW1l".into();
    let told = response(&ask(&review)).to_string();
    assert!(told.contains("a field does not match the API"), "{told}");
    assert!(!told.contains("c2VzYW1l"), "{told}");
}
