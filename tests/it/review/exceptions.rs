//! Exceptions for objects that carry no pod.

use serde_json::{Value, json};
use tiller_guard::k8s::review::{Answer, Decision, Webhook, answer};
use tiller_guard::policy::custody::CustodyKind;
use tiller_guard::policy::exposure::ExposureKind;
use tiller_guard::policy::rbac::RbacKind;
use tiller_guard::policy::{
    Context, Exception, Knowledge, ObjectKind, Policy, Settings, Timestamp, rules,
};

use super::{creation, response};

fn review(group: &str, kind: &str, name: &str, mut object: Value) -> Value {
    object["metadata"]["name"] = name.into();
    let mut review = creation(group, kind, &object);
    review["request"]["name"] = name.into();
    if kind.starts_with("Cluster") {
        review["request"]["namespace"] = "".into();
    }
    review
}

/// What is answered where a rule is let off for an object of this kind and name, until the time is 1.
fn ask(rule: &str, kind: ObjectKind, name: &str, review: &Value, now: i64) -> Answer {
    let namespace = if kind.has_namespace() { "red" } else { "" };
    let policy = Policy {
        settings: Settings {
            exceptions: vec![Exception {
                rule: rules().find(|it| it.id == rule).unwrap(),
                kind,
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                reason: "until the move".to_owned(),
                expires: Timestamp(1),
            }],
            ..Settings::default()
        },
        ..Policy::default()
    };
    let knowledge = Knowledge::default();
    let context = Context::new(Timestamp(now), &knowledge);
    answer(
        Webhook::Validate,
        review.to_string().as_bytes(),
        &policy,
        &context,
    )
    .unwrap()
}

fn check(rule: &str, kind: ObjectKind, group: &str, object: &Value) {
    let review = review(group, kind.as_str(), "mine", object.clone());
    let answer = ask(rule, kind, "mine", &review, 0);
    assert_eq!(
        answer.decision,
        Decision::Allowed,
        "{rule}: {:?}",
        answer.rules
    );
    let annotations = &response(&answer)["auditAnnotations"];
    assert_eq!(annotations["excepted"], format!("{rule}: until the move"));
    for (name, now) in [("other", 0), ("mine", 1)] {
        let answer = ask(rule, kind, name, &review, now);
        assert_eq!(
            answer.decision,
            Decision::Refused,
            "{rule} of {name} at {now}"
        );
        assert_eq!(answer.rules, [rule]);
    }
}

#[test]
fn of_a_service() {
    let service = json!({ "spec": { "type": "NodePort", "ports": [{ "port": 44134 }] } });
    let kind = ObjectKind::Exposure(ExposureKind::Service);
    check("service-exposed", kind, "", &service);
}

#[test]
fn of_a_binding_in_the_cluster() {
    let binding = json!({
        "roleRef": { "kind": "ClusterRole", "name": "system:discovery" },
        "subjects": [{ "kind": "ServiceAccount", "namespace": "red", "name": "tiller" }],
    });
    let kind = ObjectKind::Rbac(RbacKind::ClusterRoleBinding);
    check("binding-scope", kind, RbacKind::GROUP, &binding);
}

#[test]
fn of_a_secret_and_a_token() {
    let secret = json!({
        "type": "kubernetes.io/service-account-token",
        "metadata": { "annotations": { "kubernetes.io/service-account.name": "tiller" } },
    });
    let kind = ObjectKind::Custody(CustodyKind::Secret);
    check("account-token", kind, "", &secret);
    let kind = ObjectKind::Custody(CustodyKind::TokenRequest);
    let review = review(
        "authentication.k8s.io",
        "TokenRequest",
        "tiller",
        json!({ "spec": {} }),
    );
    let answer = ask("account-token", kind, "tiller", &review, 0);
    assert_eq!(answer.decision, Decision::Allowed);
}

/// Kubernetes 1.10 leaves the object's own version out.
#[test]
fn the_star_of_the_first_version_is_told_by_the_request() {
    let binding = json!({
        "roleRef": { "kind": "ClusterRole", "name": "cluster-admin" },
        "subjects": [{ "kind": "User", "name": "*" }],
    });
    let mut review = review(RbacKind::GROUP, "ClusterRoleBinding", "mine", binding);
    let knowledge =
        crate::policy::known::known(&[json!({ "kind": "Tiller", "account": "red/deployer" })]);
    let context = Context::new(Timestamp(0), &knowledge);
    let policy = Policy::default();
    let mut decided = |version: &str| {
        review["request"]["kind"]["version"] = version.into();
        let body = review.to_string();
        answer(Webhook::Validate, body.as_bytes(), &policy, &context)
            .unwrap()
            .decision
    };
    assert_eq!(decided("v1alpha1"), Decision::Refused);
    assert_eq!(decided("v1beta1"), Decision::Unconcerned);
}
