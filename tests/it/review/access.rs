//! Reviews of roles and bindings.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tiller_guard::k8s::review::{Answer, Decision};
use tiller_guard::policy::{Context, Policy, Timestamp};

use super::{ask_both, creation, response};
use crate::policy::known::known;

fn review(kind: &str, object: &Value) -> Value {
    creation("rbac.authorization.k8s.io", kind, object)
}

/// A binding of an account that nothing but what is known makes a Tiller's.
fn binding() -> Value {
    json!({
        "metadata": { "name": "b" },
        "roleRef": { "kind": "Role", "name": "charts" },
        "subjects": [{ "kind": "ServiceAccount", "name": "deployer" }],
    })
}

fn ask(review: &Value) -> Answer {
    let wide = json!({ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] });
    let knowledge = known(&[
        json!({ "kind": "Tiller", "account": "red/deployer" }),
        json!({ "kind": "Role", "metadata": { "name": "charts", "namespace": "red" }, "rules": [wide] }),
    ]);
    let context = Context::new(Timestamp(0), &knowledge);
    ask_both(&Policy::default(), review, &context)
}

#[test]
fn a_binding_is_refused_in_the_requests_namespace_and_by_its_own_name() {
    let answer = ask(&review("RoleBinding", &binding()));
    assert_eq!(
        (answer.decision, answer.kind),
        (Decision::Refused, "RoleBinding")
    );
    assert_eq!(answer.rules, ["role-rights"]);
    assert_eq!(answer.record.as_ref().unwrap().name, "b");
    let message = response(&answer)["status"]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        message.starts_with(
            "role-rights: /roleRef: Role charts would give Tiller's service account red/deployer"
        ),
        "{message}"
    );
}

#[test]
fn what_gives_no_tiller_anything_is_let_through_without_a_word() {
    let mut other = binding();
    other["subjects"][0]["name"] = "web".into();
    for (kind, object) in [
        ("RoleBinding", other),
        ("ClusterRole", json!({ "rules": null })),
    ] {
        let answer = ask(&review(kind, &object));
        assert_eq!(answer.decision, Decision::Unconcerned);
        assert_eq!(response(&answer), json!({ "uid": "7", "allowed": true }));
    }
}

#[test]
fn the_api_server_may_bring_its_own_roles_up_to_date() {
    let mut review = review("RoleBinding", &binding());
    review["request"]["userInfo"]["username"] = "system:apiserver".into();
    assert_eq!(ask(&review).decision, Decision::Unconcerned);
}

#[test]
fn a_binding_on_its_way_out_may_lose_its_finalizers_and_nothing_else() {
    let mut review = review("RoleBinding", &binding());
    review["request"]["operation"] = "UPDATE".into();
    let mut old = binding();
    old["metadata"]["namespace"] = "red".into();
    review["request"]["object"] = old.clone();
    old["metadata"]["deletionTimestamp"] = "2020-01-01T00:00:00Z".into();
    old["metadata"]["finalizers"] = json!(["example.com/last"]);
    review["request"]["oldObject"] = old;
    assert_eq!(ask(&review).decision, Decision::Unconcerned);
    review["request"]["oldObject"]["subjects"] = json!([]);
    assert_eq!(ask(&review).decision, Decision::Refused);
}

#[test]
fn a_malformed_role_is_refused_under_its_own_uid() {
    let answer = ask(&review("Role", &json!({ "rules": [{ "verbs": "get" }] })));
    let response = response(&answer);
    assert_eq!(response["uid"], "7");
    let message = response["status"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("the Role cannot be read: "),
        "{message}"
    );
}

/// How long a binding of so many subjects takes at the best of five times.
fn judged_in(subjects: usize) -> Duration {
    let mut binding = binding();
    let each = |number: usize| match number % 3 {
        0 => {
            json!({ "kind": "ServiceAccount", "name": format!("web-{number}"), "namespace": "red" })
        }
        1 => json!({ "kind": "User", "name": format!("user-{number}") }),
        _ => json!({ "kind": "Group", "name": format!("group-{number}") }),
    };
    let last = binding["subjects"][0].take();
    let subjects = (1..subjects).map(each).chain([last]);
    binding["subjects"] = subjects.collect();
    let review = review("RoleBinding", &binding);
    let times = (0..5).map(|_| {
        let begin = Instant::now();
        assert_eq!(ask(&review).decision, Decision::Refused);
        begin.elapsed()
    });
    times.min().unwrap()
}

/// An API server takes 40,000 subjects; one that takes four times as long as a fourth of them is not walked twice.
#[test]
fn the_time_grows_with_the_subjects_of_a_binding_and_no_faster() {
    let [few, some, many] = [1_000, 10_000, 40_000].map(judged_in);
    assert!(many < 8 * some, "{few:?} {some:?} {many:?}");
    assert!(many < 80 * few, "{few:?} {some:?} {many:?}");
    assert!(many < Duration::from_secs(2), "{few:?} {some:?} {many:?}");
}
