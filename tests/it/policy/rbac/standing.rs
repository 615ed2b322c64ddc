//! What stands though no review would have let it in.

use serde_json::{Value, json};
use tiller_guard::policy::Settings;
use tiller_guard::policy::rights::existing_excesses;

use crate::policy::known::known;

fn found(objects: &[Value]) -> Vec<String> {
    let excesses = existing_excesses(&Settings::default(), &known(objects));
    let told = excesses.into_iter();
    told.map(|it| format!("{}: {}", it.account, it.message))
        .collect()
}

fn role(verb: &str) -> Value {
    json!({
        "kind": "Role",
        "metadata": { "name": "charts", "namespace": "red" },
        "rules": [{ "apiGroups": ["apps"], "resources": ["deployments"], "verbs": [verb] }],
    })
}

fn binding(namespace: &str, subject: &Value) -> Value {
    json!({
        "kind": "RoleBinding",
        "metadata": { "name": "b", "namespace": namespace },
        "roleRef": { "kind": "Role", "name": "charts" },
        "subjects": [subject],
    })
}

fn account(name: &str) -> Value {
    json!({ "kind": "ServiceAccount", "name": name, "namespace": "red" })
}

fn tiller() -> Value {
    json!({ "kind": "Tiller", "account": "red/deployer" })
}

#[test]
fn rights_beyond_the_team_are_found_whatever_came_first() {
    let objects = [
        tiller(),
        role("impersonate"),
        binding("red", &account("deployer")),
    ];
    let expected = "red/deployer: RoleBinding red/b gives it Role charts with acting as other accounts (impersonate)";
    assert_eq!(found(&objects), [expected]);
    let [tiller, role, binding] = objects;
    assert_eq!(found(&[binding, role, tiller]), [expected]);
}

#[test]
fn a_group_that_holds_the_account_counts() {
    let group = json!({ "kind": "Group", "name": "system:serviceaccounts:red" });
    let objects = [tiller(), role("escalate"), binding("red", &group)];
    let [told] = &found(&objects)[..] else {
        panic!("{:?}", found(&objects))
    };
    assert!(
        told.starts_with("red/deployer: RoleBinding red/b by way of system:serviceaccounts:red"),
        "{told}"
    );
}

#[test]
fn a_namespace_is_too_far_until_the_team_has_it_for_a_target() {
    let there = binding("blue", &account("deployer"));
    let mut role = role("get");
    role["metadata"]["namespace"] = json!("blue");
    let objects = [tiller(), role, there];
    assert!(found(&objects)[0].contains(" in blue, which is not one of"));
    let team = json!({
        "kind": "ConfigMap",
        "metadata": { "name": "payments" },
        "data": {
            "tiller-namespace": "red", "service-account": "deployer", "target-namespaces": "blue",
        },
    });
    let with_team: Vec<Value> = objects.into_iter().chain([team]).collect();
    assert_eq!(found(&with_team), [""; 0]);
}

#[test]
fn nobody_elses_account_and_no_role_that_is_not_there_is_found() {
    for objects in [
        vec![tiller(), role("escalate"), binding("red", &account("web"))],
        vec![role("escalate"), binding("red", &account("deployer"))],
        vec![tiller(), binding("red", &account("deployer"))],
        vec![tiller(), role("get"), binding("red", &account("deployer"))],
    ] {
        assert_eq!(found(&objects), [""; 0], "{objects:?}");
    }
}
