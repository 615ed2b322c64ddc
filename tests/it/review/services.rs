//! Reviews of Services and their addresses.

use serde_json::{Value, json};
use tiller_guard::k8s::review::{Answer, Decision};
use tiller_guard::policy::{Mode, People, Policy};

use super::{ask_both, creation, in_mode, response};
use crate::policy::NOW;

const USER: &str = "ann";

fn review(group: &str, kind: &str, user: &str, object: &Value) -> Value {
    let mut review = creation(group, kind, object);
    review["request"]["userInfo"]["username"] = user.into();
    review
}

/// The Service of `helm init`, with another type.
fn service(kind: &str) -> Value {
    json!({
        "metadata": { "name": "tiller-deploy", "labels": { "app": "helm", "name": "tiller" } },
        "spec": {
            "type": kind,
            "selector": { "app": "helm", "name": "tiller" },
            "ports": [{ "name": "tiller", "port": 44134, "targetPort": "tiller" }],
        },
    })
}

fn endpoints() -> Value {
    json!({
        "metadata": { "name": "a" },
        "subsets": [{ "addresses": [{ "ip": "10.0.0.1" }], "ports": [{ "port": 44134 }] }],
    })
}

fn ask_by(policy: &Policy, review: &Value) -> Answer {
    ask_both(policy, review, &NOW)
}

fn ask(review: &Value) -> Answer {
    ask_by(&Policy::default(), review)
}

fn message(answer: &Answer) -> String {
    let response = response(answer);
    response["status"]["message"].as_str().unwrap().to_owned()
}

#[test]
fn an_exposed_service_is_refused_by_its_own_name() {
    let answer = ask(&review("", "Service", USER, &service("NodePort")));
    assert_eq!(
        (answer.decision, answer.kind),
        (Decision::Refused, "Service")
    );
    assert_eq!(answer.rules, ["service-exposed"]);
    assert_eq!(answer.record.as_ref().unwrap().name, "tiller-deploy");
    let message = message(&answer);
    assert!(
        message
            .starts_with("service-exposed: /spec/type: the Service selects pods labelled tiller"),
        "{message}"
    );
}

#[test]
fn a_service_in_the_cluster_is_let_through_without_a_word() {
    let answer = ask(&review("", "Service", USER, &service("ClusterIP")));
    assert_eq!(answer.decision, Decision::Unconcerned);
    assert_eq!(response(&answer), json!({ "uid": "7", "allowed": true }));
}

#[test]
fn a_service_that_becomes_exposed_is_refused() {
    let mut review = review("", "Service", USER, &service("LoadBalancer"));
    review["request"]["operation"] = "UPDATE".into();
    review["request"]["oldObject"] = service("ClusterIP");
    assert_eq!(ask(&review).rules, ["service-exposed"]);
}

#[test]
fn an_exposed_service_on_its_way_out_may_lose_its_finalizers_and_nothing_else() {
    let mut review = review("", "Service", USER, &service("LoadBalancer"));
    review["request"]["operation"] = "UPDATE".into();
    let mut old = service("LoadBalancer");
    old["metadata"]["deletionTimestamp"] = "2020-01-01T00:00:00Z".into();
    old["metadata"]["finalizers"] = json!(["service.kubernetes.io/load-balancer-cleanup"]);
    review["request"]["oldObject"] = old;
    assert_eq!(ask(&review).decision, Decision::Unconcerned);
    review["request"]["oldObject"]["spec"]["type"] = "ClusterIP".into();
    assert_eq!(ask(&review).decision, Decision::Refused);
}

#[test]
fn addresses_are_refused_unless_a_controller_writes_them() {
    let slice = json!({ "metadata": { "name": "a" }, "ports": [{ "port": 44134 }] });
    for (group, kind, object) in [
        ("", "Endpoints", endpoints()),
        ("discovery.k8s.io", "EndpointSlice", slice),
    ] {
        let refused = ask(&review(group, kind, USER, &object));
        assert_eq!((refused.decision, refused.kind), (Decision::Refused, kind));
        assert_eq!(refused.rules, ["endpoints-by-hand"]);
        for user in [
            "system:kube-controller-manager",
            "system:serviceaccount:kube-system:endpoint-controller",
            "system:serviceaccount:kube-system:endpointslice-controller",
            "system:serviceaccount:kube-system:endpointslicemirroring-controller",
        ] {
            let answer = ask(&review(group, kind, user, &object));
            assert_eq!(answer.decision, Decision::Unconcerned, "{user}");
        }
        let other = "system:serviceaccount:red:endpoint-controller";
        let refused = ask(&review(group, kind, other, &object));
        assert_eq!(refused.rules, ["endpoints-by-hand"]);
    }
}

#[test]
fn a_controller_may_not_expose_a_service() {
    let controller = "system:serviceaccount:kube-system:service-controller";
    let answer = ask(&review("", "Service", controller, &service("NodePort")));
    assert_eq!(answer.rules, ["service-exposed"]);
}

#[test]
fn an_audit_mode_lets_it_pass_and_tells() {
    let policy = in_mode(Mode::Audit);
    let answer = ask_by(&policy, &review("", "Endpoints", USER, &endpoints()));
    assert_eq!(response(&answer)["allowed"], true);
    assert_eq!(answer.rules, ["endpoints-by-hand"]);
}

#[test]
fn who_may_break_the_glass_may_expose_a_service() {
    let policy = Policy {
        break_glass: People {
            users: vec![USER.to_owned()],
            ..People::default()
        },
        ..Policy::default()
    };
    let exposed = service("NodePort");
    let answer = ask_by(&policy, &review("", "Service", USER, &exposed));
    assert_eq!(response(&answer)["allowed"], true);
    assert_eq!(answer.rules, ["service-exposed"]);
    let answer = ask_by(&policy, &review("", "Service", "bob", &exposed));
    assert_eq!(answer.decision, Decision::Refused);
}

#[test]
fn what_holds_no_tillers_word_is_not_read() {
    let malformed = json!({ "spec": { "ports": "all" } });
    let answer = ask(&review("", "Service", USER, &malformed));
    assert_eq!(answer.decision, Decision::Unconcerned);
}

#[test]
fn a_malformed_service_is_refused_under_its_own_uid() {
    let malformed = json!({ "metadata": { "name": "tiller" }, "spec": { "ports": "all" } });
    let answer = ask(&review("", "Service", USER, &malformed));
    assert_eq!(response(&answer)["uid"], "7");
    let message = message(&answer);
    let expected = "the Service cannot be read: ";
    assert!(message.starts_with(expected), "{message}");
}
