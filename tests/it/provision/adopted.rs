//! What others have made, taken over with `--adopt`.

use kube::api::{DeleteParams, DynamicObject, PostParams};
use serde_json::{Value, json};

use super::cluster::{World, assert_tells, done, make, refused};
use crate::api_server::recorded_deployment;

const RBAC: &str = "rbac.authorization.k8s.io/v1";

/// What everybody's objects carry here.
fn own() -> Value {
    json!({ "labels": { "costs": "blue" }, "annotations": { "note": "ours" } })
}

/// A Tiller by `helm init`, and what a person made for it by hand.
pub(super) async fn by_hand(world: &World, namespace: &str) {
    world.namespace(namespace).await;
    let objects = [
        (
            "v1",
            "ServiceAccount",
            "tiller",
            json!({ "metadata": own() }),
        ),
        (
            "v1",
            "Secret",
            "tiller-tls",
            json!({ "metadata": own(), "stringData": { "ca.crt": "old", "extra": "kept" } }),
        ),
        (
            "networking.k8s.io/v1",
            "NetworkPolicy",
            "tiller-default-deny",
            json!({ "metadata": own(), "spec": { "podSelector": {}, "ingress": [{}] } }),
        ),
        (
            RBAC,
            "Role",
            "tiller",
            json!({ "metadata": own(), "rules": [{ "apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"] }] }),
        ),
    ];
    for (api_version, kind, name, fields) in objects {
        world
            .apply(api_version, kind, namespace, name, fields)
            .await;
    }
    deploy(world, namespace, &[]).await;
}

/// A Tiller by `helm init`, with these arguments.
pub(super) async fn deploy(world: &World, namespace: &str, arguments: &[&str]) {
    let mut tiller = recorded_deployment("2.16.12-plain");
    tiller["apiVersion"] = json!("apps/v1");
    json_patch::merge(&mut tiller["metadata"], &own());
    tiller["metadata"]["namespace"] = json!(namespace);
    tiller["spec"]["selector"] = json!({ "matchLabels": { "app": "helm", "name": "tiller" } });
    let pod = &mut tiller["spec"]["template"]["spec"];
    pod["serviceAccountName"] = json!("tiller");
    pod["containers"][0]["env"][0]["value"] = json!(namespace);
    pod["containers"][0]["args"] = json!(arguments);
    let tiller: DynamicObject = serde_json::from_value(tiller).unwrap();
    let deployments = world.api("apps/v1", "Deployment", namespace);
    let made = deployments.create(&PostParams::default(), &tiller).await;
    made.unwrap();
}

#[tokio::test]
async fn a_tiller_made_by_hand_becomes_the_teams_and_keeps_what_is_not_ours() {
    let world = World::create().await;
    by_hand(&world, "p-adopt-t").await;
    let told = refused(make("p-adopt", &[]), 2);
    assert_tells(&told, "already exists and was not made by tiller-guard");

    let changes = [
        "p-adopt: warning: Tiller's version changes from 2.16.12 to 2.17.0; to keep it, pass --tiller-version v2.16.12\n",
        "p-adopt: warning: Tiller kept all revisions of a release, and keeps 200 now: at the next upgrade it deletes older ones; to \
         keep them, pass --history-max 0\n",
    ];
    let keep = [
        "--adopt",
        "--dry-run",
        "--tiller-version=v2.16.12",
        "--history-max=0",
    ];
    let kept = done(make("p-adopt", &keep));
    let tried = done(make("p-adopt", &["--adopt", "--dry-run"]));
    let told = done(make("p-adopt", &["--adopt"]));
    for change in changes {
        assert!(!kept.contains(change), "{kept}");
        assert_tells(&tried, change);
        assert_tells(&told, change);
    }
    assert_tells(&told, "p-adopt: Namespace p-adopt-t updated\n");
    for object in [
        "Secret p-adopt-t/tiller-tls",
        "ServiceAccount p-adopt-t/tiller",
        "NetworkPolicy p-adopt-t/tiller-default-deny",
        "Role p-adopt-t/tiller",
        "Deployment p-adopt-t/tiller-deploy",
    ] {
        assert_tells(&told, &format!("p-adopt: {object} updated\n"));
    }
    for (api_version, kind, name) in [
        ("v1", "Secret", "tiller-tls"),
        ("v1", "ServiceAccount", "tiller"),
        (
            "networking.k8s.io/v1",
            "NetworkPolicy",
            "tiller-default-deny",
        ),
        (RBAC, "Role", "tiller"),
        ("apps/v1", "Deployment", "tiller-deploy"),
    ] {
        let metadata = &world.object(api_version, kind, "p-adopt-t", name).await["metadata"];
        assert_eq!(
            metadata["labels"]["tiller-guard.io/team"], "p-adopt",
            "{kind}"
        );
        assert_eq!(metadata["labels"]["costs"], "blue", "{kind}");
        assert_eq!(metadata["annotations"]["note"], "ours", "{kind}");
    }
    let secret = world.secret("p-adopt-t", "tiller-tls").await;
    assert_eq!(secret["data"]["extra"], "a2VwdA==");
    assert_ne!(secret["data"]["ca.crt"], "b2xk");
    let role = world.object(RBAC, "Role", "p-adopt-t", "tiller").await;
    assert_eq!(role["rules"].as_array().unwrap().len(), 1);
    assert_eq!(role["rules"][0]["resources"], json!(["secrets"]));
    let policy = world
        .object(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            "p-adopt-t",
            "tiller-default-deny",
        )
        .await;
    assert_eq!(
        policy["spec"].get("ingress").unwrap_or(&json!([])),
        &json!([])
    );
    let tiller = world
        .object("apps/v1", "Deployment", "p-adopt-t", "tiller-deploy")
        .await;
    let image = &tiller["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(image, "ghcr.io/helm/tiller:v2.17.0");

    // They are the team's now: no more is asked for.
    let again = done(make("p-adopt", &[]));
    let last = again.lines().last();
    assert_eq!(
        last,
        Some("p-adopt: nothing to change; 13 objects"),
        "{again}"
    );
}

/// A new Tiller finds what one before it has recorded.
#[tokio::test]
async fn releases_that_a_new_tiller_would_not_see_are_counted() {
    let world = World::create().await;
    world.namespace("p-left-t").await;
    for name in ["web.v1", "web.v2", "shop.v7"] {
        let labels = json!({ "metadata": { "labels": { "OWNER": "TILLER" } } });
        world
            .apply("v1", "ConfigMap", "p-left-t", name, labels)
            .await;
    }
    let told = refused(make("p-left", &[]), 2);
    assert_tells(
        &told,
        "p-left: storage-switch: p-left-t has 3 release records in ConfigMaps",
    );
}

#[tokio::test]
async fn a_tiller_with_a_database_is_not_adopted() {
    let unguarded = json!({ crate::cluster::UNGUARDED: "" });
    let _before = crate::api_server::World::create_labelled("p-sql-t", unguarded).await;
    let world = World::create().await;
    deploy(&world, "p-sql-t", &["--storage=sql"]).await;
    let told = refused(make("p-sql", &["--adopt"]), 2);
    assert_tells(&told, "keeps its releases in a database");
}

#[tokio::test]
async fn what_kubernetes_lets_nobody_change_is_named_with_what_to_do() {
    let world = World::create().await;
    world.namespace("p-fixed").await;
    let binding = json!({ "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view" } });
    world
        .apply(RBAC, "RoleBinding", "p-fixed", "tiller-p-fixed", binding)
        .await;
    let told = refused(make("p-fixed", &["--adopt"]), 2);
    assert_eq!(
        told,
        "error: p-fixed: RoleBinding p-fixed/tiller-p-fixed: roleRef differs and cannot be changed: delete the object, then run this again\n"
    );
}

#[tokio::test]
async fn a_team_does_not_lose_its_tiller_without_a_word() {
    let world = World::create().await;
    done(make("p-without", &[]));
    let told = refused(make("p-without", &["--no-tiller"]), 2);
    assert_tells(
        &told,
        "--no-tiller: the team has a Tiller, which provision would no longer keep up",
    );
    let deployments = world.api("apps/v1", "Deployment", "p-without-t");
    deployments
        .delete("tiller-deploy", &DeleteParams::default())
        .await
        .unwrap();
    done(make("p-without", &["--no-tiller"]));
}
