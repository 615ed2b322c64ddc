//! Rights beyond a team's namespaces, by every spelling of Tiller's account and every detour of a role.

use kube::api::DeleteParams;
use serde_json::{Value, json};
use tiller_guard::policy::rbac::RbacKind;

use super::assert_no_unhardened_tiller;
use crate::api_server::World;
use crate::api_server::refuse::assert_refused;
use crate::knowledge::{api, binding, create, refusal, refused_change, role, tiller, wide_role};

/// A harmless ClusterRole, named after the test.
fn cluster_role(name: &str, labels: Value, aggregated: Value) -> Value {
    let mut role = role(name, "apps", "deployments", &["get"]);
    role["kind"] = json!("ClusterRole");
    role["metadata"]["labels"] = labels;
    if !aggregated.is_null() {
        role["rules"] = json!([]);
        role["aggregationRule"] = aggregated;
    }
    role
}

fn subject(kind: &str, name: &str) -> Value {
    json!({ "kind": kind, "apiGroup": RbacKind::GROUP, "name": name })
}

/// Deletes what is there for the whole cluster.
async fn delete(world: &World, kind: &str, name: &str) {
    let api = api(world, kind);
    let _gone = api.delete(name, &DeleteParams::default()).await.unwrap();
}

#[tokio::test]
async fn row_43_bindings_of_groups_and_users() {
    let world = World::create("row-43").await;
    create(&world, &wide_role("wide")).await.unwrap();
    create(&world, &tiller(&world, "tiller")).await.unwrap();
    for subject in [
        subject("User", "system:serviceaccount:row-43:tiller"),
        subject("Group", "system:serviceaccounts:row-43"),
        subject("Group", "system:serviceaccounts"),
        subject("Group", "system:authenticated"),
    ] {
        let mut binding = binding("spelt", "wide", "nobody");
        binding["subjects"] = json!([subject]);
        let answer = refusal(&world, &binding).await;
        // A group of all accounts holds the Tillers' of other tests too.
        assert_refused(answer, "role-rights", "/roleRef");
    }
    let people = json!([subject("Group", "people"), subject("User", "tiller")]);
    let mut binding = binding("people", "wide", "nobody");
    binding["subjects"] = people;
    create(&world, &binding).await.unwrap();
    assert_no_unhardened_tiller(&world).await;
}

#[tokio::test]
async fn row_44_bindings_of_the_cluster_and_of_foreign_namespaces() {
    let (world, other) = (
        World::create("row-44").await,
        World::create("row-44-other").await,
    );
    let kube_system = World {
        client: world.client.clone(),
        namespace: "kube-system".to_owned(),
    };
    let harmless = cluster_role("row-44", json!({}), Value::Null);
    create(&world, &harmless).await.unwrap();
    let mut binding = binding("row-44", "row-44", "tiller");
    binding["roleRef"]["kind"] = json!("ClusterRole");
    binding["subjects"][0]["namespace"] = json!("row-44");
    for (place, reason) in [
        (&other, "rights in row-44-other"),
        (&kube_system, "rights in kube-system"),
    ] {
        let answer = refusal(place, &binding).await;
        assert_refused(answer.clone(), "binding-scope", "/subjects/0");
        assert_refused(answer, reason, "/subjects/0");
    }
    create(&world, &binding).await.unwrap();
    let mut everywhere = binding.clone();
    everywhere["kind"] = json!("ClusterRoleBinding");
    let answer = refusal(&world, &everywhere).await;
    assert_refused(answer.clone(), "binding-scope", "/subjects/0");
    assert_refused(answer, "rights in the whole cluster", "/subjects/0");
    delete(&world, "ClusterRole", "row-44").await;
    assert_no_unhardened_tiller(&world).await;
}

#[tokio::test]
async fn row_45_roles_that_are_widened_later() {
    let world = World::create("row-45").await;
    create(&world, &role("charts", "apps", "deployments", &["get"]))
        .await
        .unwrap();
    create(&world, &binding("charts", "charts", "tiller"))
        .await
        .unwrap();
    create(&world, &tiller(&world, "tiller")).await.unwrap();
    for (field, value) in [
        ("verbs", json!(["get", "escalate"])),
        ("apiGroups", json!(["*"])),
    ] {
        let mut rules = role("charts", "apps", "deployments", &["get"])["rules"].clone();
        rules[0][field] = value;
        let answer = refused_change(&world, "Role", "charts", &json!({ "rules": rules })).await;
        assert_refused(answer, "role-rights", &format!("/rules/0/{field}"));
    }
    assert_no_unhardened_tiller(&world).await;
}

#[tokio::test]
async fn row_46_aggregated_roles() {
    let world = World::create("row-46").await;
    let selector = json!({ "clusterRoleSelectors": [{ "matchLabels": { "row-46": "yes" } }] });
    let aggregated = cluster_role("row-46-all", json!({}), selector);
    create(&world, &aggregated).await.unwrap();
    let mut bound = binding("row-46", "row-46-all", "tiller");
    bound["roleRef"]["kind"] = json!("ClusterRole");
    let answer = refusal(&world, &bound).await;
    assert_refused(answer, "role-aggregated", "/roleRef");
    for built_in in ["admin", "edit"] {
        let mut bound = bound.clone();
        bound["roleRef"]["name"] = json!(built_in);
        let answer = refusal(&world, &bound).await;
        assert_refused(answer, "role-aggregated", "/roleRef");
    }
    delete(&world, "ClusterRole", "row-46-all").await;

    // Bound while it was a plain one, it is not made one that takes in the rules of others.
    let plain = cluster_role("row-46-plain", json!({}), Value::Null);
    create(&world, &plain).await.unwrap();
    bound["roleRef"]["name"] = json!("row-46-plain");
    create(&world, &bound).await.unwrap();
    let selector = json!({ "clusterRoleSelectors": [{ "matchLabels": { "row-46": "yes" } }] });
    let change = json!({ "aggregationRule": selector });
    let answer = refused_change(&world, "ClusterRole", "row-46-plain", &change).await;
    assert_refused(answer, "role-aggregated", "/aggregationRule");
    delete(&world, "ClusterRole", "row-46-plain").await;
    assert_no_unhardened_tiller(&world).await;
}

/// The binding is there before the account, and the account before the Tiller.
#[tokio::test]
async fn row_47_bindings_of_accounts_that_do_not_exist_yet() {
    let world = World::create("row-47").await;
    create(&world, &wide_role("wide")).await.unwrap();
    create(&world, &binding("early", "wide", "later"))
        .await
        .unwrap();
    let answer = refusal(&world, &tiller(&world, "later")).await;
    assert_refused(answer.clone(), "account-rights", "serviceAccountName");
    assert_refused(answer, "RoleBinding row-47/early", "serviceAccountName");
    assert_no_unhardened_tiller(&world).await;
}

/// As many subjects as a request has room for: Tiller's account at their end is seen, and without it nobody is refused.
#[tokio::test]
async fn row_65_bindings_of_thousands() {
    let world = World::create("row-65").await;
    create(&world, &wide_role("wide")).await.unwrap();
    create(&world, &tiller(&world, "tiller")).await.unwrap();
    let people = (0..9_000).map(|number| subject("User", &format!("person-{number}")));
    let mut subjects: Vec<Value> = people.collect();
    let mut binding = binding("many", "wide", "nobody");
    binding["subjects"] = json!(subjects);
    create(&world, &binding).await.unwrap();
    subjects.push(json!({ "kind": "ServiceAccount", "name": "tiller", "namespace": "row-65" }));
    binding["metadata"]["name"] = json!("more");
    binding["subjects"] = json!(subjects);
    let answer = refusal(&world, &binding).await;
    assert_refused(answer, "role-rights", "/roleRef");
    assert_no_unhardened_tiller(&world).await;
}
