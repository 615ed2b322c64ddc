//! Teams, as administrators register them.

use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::{
    another_guard, api, asked, binding, create, delete, eventually, refusal, role, tiller,
};
use crate::api_server::refuse::assert_refused;
use crate::api_server::{World, cluster, pod, status};
use crate::cluster::{User, resource};

/// The namespace of the guard, where it looks for teams.
pub(crate) async fn guards_namespace() -> World {
    let client = cluster().client(User::Admin).await.unwrap();
    let namespaces: Api<DynamicObject> =
        Api::all_with(client.clone(), &resource("", "v1", "Namespace"));
    let namespace = json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "tiller-guard" },
    });
    let namespace = serde_json::from_value(namespace).unwrap();
    let created = status(namespaces.create(&PostParams::default(), &namespace).await);
    assert!(created.is_ok() || created.is_err_and(|status| status.code == 409));
    World {
        client,
        namespace: "tiller-guard".to_owned(),
    }
}

pub(crate) fn team(name: &str, data: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": name, "labels": { "tiller-guard.io/kind": "team" } },
        "data": data,
    })
}

/// A Tiller without an account.
fn plain(world: &World) -> Value {
    let mut tiller = tiller(world, "");
    let pod = tiller["spec"]["template"]["spec"].as_object_mut().unwrap();
    pod.remove("serviceAccountName");
    tiller
}

/// The account that a Tiller without one is given, once it is given one.
async fn given_account(world: &World) -> String {
    eventually("account given to a Tiller", || async {
        let created = create(world, &plain(world)).await.ok()?;
        delete(world, "Deployment", "tiller-deploy").await;
        Some(
            pod(&created)["serviceAccountName"]
                .as_str()
                .unwrap()
                .to_owned(),
        )
    })
    .await
}

#[tokio::test]
async fn a_tiller_without_an_account_gets_its_teams() {
    let (guard, world) = (
        guards_namespace().await,
        World::create("team-account").await,
    );
    let refused = create(&world, &plain(&world)).await;
    assert_refused(refused, "service-account", "/serviceAccountName");
    let data = json!({ "tiller-namespace": "team-account", "service-account": "payments" });
    create(&guard, &team("account", &data)).await.unwrap();
    assert_eq!(given_account(&world).await, "payments");
    // Another account than the team's is refused.
    let answer = refusal(&world, &tiller(&world, "tiller")).await;
    assert_refused(answer, "service-account", "/serviceAccountName");
    delete(&guard, "ConfigMap", "account").await;
    let answer = refusal(&world, &plain(&world)).await;
    assert_refused(answer, "service-account", "/serviceAccountName");
}

#[tokio::test]
async fn a_teams_tiller_has_rights_in_its_target_namespaces() {
    let guard = guards_namespace().await;
    let (home, target) = (
        World::create("team-home").await,
        World::create("team-target").await,
    );
    create(&target, &role("charts", "apps", "deployments", &["create"]))
        .await
        .unwrap();
    let mut binding = binding("charts", "charts", "tiller");
    binding["subjects"][0]["namespace"] = json!(home.namespace);
    let answer = refusal(&target, &binding).await;
    assert_refused(answer, "binding-scope", "/subjects/0");
    let data = json!({
        "tiller-namespace": "team-home",
        "service-account": "tiller",
        "target-namespaces": "team-target\n",
    });
    create(&guard, &team("targets", &data)).await.unwrap();
    eventually("admitted binding", || async {
        create(&target, &binding).await.ok()
    })
    .await;
    delete(&guard, "ConfigMap", "targets").await;
}

#[tokio::test]
async fn a_bad_team_is_ignored_as_a_whole_and_told() {
    let (guard, world) = (guards_namespace().await, World::create("team-bad").await);
    let data = json!({
        "tiller-namespace": "team-bad", "service-account": "payments", "acount": "typo",
    });
    create(&guard, &team("bad", &data)).await.unwrap();
    eventually("word about the bad team", || async {
        let log = cluster().guard().unwrap().server.log();
        log.contains("the team \"bad\" has the unknown key acount")
            .then_some(())
    })
    .await;
    let answer = create(&world, &plain(&world)).await;
    assert_refused(answer, "service-account", "/serviceAccountName");
    // Mended, it counts.
    let patch = Patch::Merge(json!({ "data": { "acount": null } }));
    let teams = api(&guard, "ConfigMap");
    status(teams.patch("bad", &PatchParams::default(), &patch).await).unwrap();
    assert_eq!(given_account(&world).await, "payments");
    delete(&guard, "ConfigMap", "bad").await;
}

#[tokio::test]
async fn where_teams_are_required_nobody_else_has_a_tiller() {
    let guard = guards_namespace().await;
    let (mut own, _folder) = another_guard(&["serve", "--require-team"], User::Admin, None);
    own.ready().await.unwrap();
    let data = json!({ "tiller-namespace": "team-required", "service-account": "tiller" });
    create(&guard, &team("required", &data)).await.unwrap();
    let tiller_in = |namespace: &str| {
        let client = guard.client.clone();
        let namespace = namespace.to_owned();
        tiller(&World { client, namespace }, "tiller")
    };
    eventually("known team", || async {
        let message = asked(&own, "team-required", &tiller_in("team-required")).await;
        (!message.contains("team-required: ")).then_some(())
    })
    .await;
    let message = asked(&own, "team-none", &tiller_in("team-none")).await;
    let reason = "team-required: /metadata/namespace: the policy requires a team, and no team has its Tiller in namespace team-none";
    assert!(message.contains(reason), "{message}");
    delete(&guard, "ConfigMap", "required").await;
}
