//! An API server that comes and goes, hangs, or refuses.

use std::time::Duration;

use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::path::{Path, Way};
use super::{
    ACCOUNT, another_guard, asked, binding, create, delete, eventually, tiller, tried, wide_role,
};
use crate::api_server::{World, cluster, status};
use crate::cluster::{Guard, User, get, resource};

/// Waits until a metric has this value.
async fn metric(guard: &Guard, line: &str) {
    let seen = eventually(line, || async {
        let metrics = get(guard.health, "/metrics").ok()?;
        metrics.lines().any(|it| it == line).then_some(())
    });
    seen.await;
}

pub(super) fn is_synced(guard: &Guard) -> bool {
    let metrics = get(guard.health, "/metrics").unwrap();
    let synced: Vec<&str> = metrics
        .lines()
        .filter(|line| line.starts_with("tiller_guard_watch_synced{"))
        .collect();
    assert!(synced.len() > 10, "{synced:?}");
    synced.iter().all(|line| line.ends_with(" 1"))
}

pub(super) async fn synced(guard: &Guard) {
    eventually("watches that run again", || async {
        is_synced(guard).then_some(())
    })
    .await;
}

/// A pod that runs as a Tiller's account.
pub(super) fn borrower(account: &str) -> Value {
    json!({
        "kind": "Pod",
        "metadata": { "name": "web" },
        "spec": {
            "serviceAccountName": account,
            "containers": [{ "name": "web", "image": "web:1" }],
        },
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_server_that_comes_and_goes_is_watched_on() {
    let path = Path::open(cluster().port()).await;
    let (mut guard, _folder) = another_guard(&["serve"], User::Admin, Some(path.port));
    guard.ready().await.unwrap();
    synced(&guard).await;
    for (number, way) in [Way::Cut, Way::Stalled, Way::Cut].into_iter().enumerate() {
        // Longer than a watch has to run for its end to be none of its failures.
        sleep(Duration::from_secs(11)).await;
        path.set(way);
        let (tried, began) = (path.tried(), Instant::now());
        let name = format!("interrupted-{number}");
        let world = World::create(&name).await;
        create(&world, &tiller(&world, ACCOUNT)).await.unwrap();
        sleep(Duration::from_secs(3)).await;
        if way == Way::Cut {
            assert!(!is_synced(&guard));
        }
        // What is known stays, and so does who judges by it.
        get(guard.health, "/readyz").unwrap();
        assert_eq!(asked(&guard, &name, &borrower(ACCOUNT)).await, "");
        path.set(Way::Open);
        synced(&guard).await;
        eventually("account of the Tiller that came meanwhile", || async {
            let message = asked(&guard, &name, &borrower(ACCOUNT)).await;
            message.contains("borrowed-account").then_some(())
        })
        .await;
        let tried = path.tried() - tried;
        // Each of the 15 watches has a connection of its own. The first tries come at once.
        let most = 2 * 15 + 5 * usize::try_from(began.elapsed().as_secs()).unwrap();
        assert!(tried < most, "{tried} connections in {:?}", began.elapsed());
    }
}

const ACCESS: &str = "rbac.authorization.k8s.io";

/// Rights that let a user see all of these groups.
fn sight_of(groups: &[&str]) -> Value {
    json!([{ "apiGroups": groups, "resources": ["*"], "verbs": ["list", "watch"] }])
}

async fn cluster_wide(kind: &str) -> Api<DynamicObject> {
    let client = cluster().client(User::Admin).await.unwrap();
    Api::all_with(client, &resource(ACCESS, "v1", kind))
}

/// Gives a user these rights, by a ClusterRole of the user's name.
async fn grant(user: User, rights: &Value) {
    let user = user.name();
    let role = json!({
        "apiVersion": format!("{ACCESS}/v1"),
        "kind": "ClusterRole",
        "metadata": { "name": user },
        "rules": rights,
    });
    let binding = json!({
        "apiVersion": format!("{ACCESS}/v1"),
        "kind": "ClusterRoleBinding",
        "metadata": { "name": user },
        "roleRef": { "apiGroup": ACCESS, "kind": "ClusterRole", "name": user },
        "subjects": [{ "apiGroup": ACCESS, "kind": "User", "name": user }],
    });
    for object in [role, binding] {
        let api = cluster_wide(object["kind"].as_str().unwrap()).await;
        let object = serde_json::from_value(object).unwrap();
        status(api.create(&PostParams::default(), &object).await).unwrap();
    }
}

/// Leaves a user with these rights and no more.
async fn leave(user: User, rights: &Value) {
    let patch = Patch::Merge(json!({ "rules": rights }));
    let roles = cluster_wide("ClusterRole").await;
    let parameters = PatchParams::default();
    status(roles.patch(user.name(), &parameters, &patch).await).unwrap();
}

/// How often a watch of Pods was refused.
fn refusals(guard: &Guard) -> u32 {
    const REFUSED: &str = r#"tiller_guard_watch_errors_total{resource="pods",reason="forbidden"} "#;
    let metrics = get(guard.health, "/metrics").unwrap();
    let count = metrics.lines().find_map(|line| line.strip_prefix(REFUSED));
    count.map_or(0, |count| count.parse().unwrap())
}

async fn refused(guard: &Guard) {
    eventually("refused watches", || async {
        (refusals(guard) > 0).then_some(())
    })
    .await;
}

/// A hardened Tiller by an account that has too many rights, which nobody minds until it is a Tiller's.
async fn bound_too_wide(world: &World) -> Value {
    // Where there is no dry run, the account would be known as a Tiller's from a trial in its own namespace.
    let elsewhere = World::create(&format!("{}-tried", world.namespace)).await;
    let tried = tried(&elsewhere, &tiller(&elsewhere, ACCOUNT))
        .await
        .unwrap();
    let tiller = tried
        .to_string()
        .replace(&elsewhere.namespace, &world.namespace);
    let tiller = serde_json::from_str(&tiller).unwrap();
    create(world, &wide_role(ACCOUNT)).await.unwrap();
    create(world, &binding(ACCOUNT, ACCOUNT, ACCOUNT))
        .await
        .unwrap();
    tiller
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rights_that_are_missing_are_told_and_waited_for() {
    let (guard, _folder) = another_guard(&["serve"], User::Nobody, None);
    eventually("guard that listens", || async {
        get(guard.health, "/metrics").ok()
    })
    .await;
    refused(&guard).await;
    let not_ready = get(guard.health, "/readyz").unwrap_err().to_string();
    assert!(not_ready.contains("503"), "{not_ready}");
    grant(User::Nobody, &sight_of(&["*"])).await;
    eventually("ready guard", || async {
        get(guard.health, "/readyz").ok()
    })
    .await;
    metric(&guard, r#"tiller_guard_watch_synced{resource="pods"} 1"#).await;
    let log = guard.server.log();
    assert!(log.contains("watch interrupted"), "{log}");
    assert!(log.contains("watch runs again"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rights_that_are_taken_away_leave_what_is_known_and_are_waited_for() {
    grant(User::Watcher, &sight_of(&["*"])).await;
    let path = Path::open(cluster().port()).await;
    let (mut guard, _folder) = another_guard(&["serve"], User::Watcher, Some(path.port));
    guard.ready().await.unwrap();
    synced(&guard).await;
    let world = World::create("rights-taken-away").await;
    create(&world, &tiller(&world, ACCOUNT)).await.unwrap();
    let is_known = || async {
        let message = asked(&guard, "rights-taken-away", &borrower(ACCOUNT)).await;
        message.contains("borrowed-account").then_some(())
    };
    eventually("account of the Tiller", is_known).await;
    let other = World::create("rights-taken-away-too").await;
    let bound = bound_too_wide(&other).await;
    let is_bound = || async {
        let message = asked(&guard, "rights-taken-away-too", &bound).await;
        message.contains("account-rights").then_some(())
    };
    eventually("binding of the account", is_bound).await;

    leave(
        User::Watcher,
        &json!([
            { "apiGroups": ["apps"], "resources": ["*"], "verbs": ["list", "watch"] },
            { "apiGroups": [ACCESS], "resources": ["*"], "verbs": ["list"] },
        ]),
    )
    .await;
    // The API server asks for rights when a watch begins, and lets it run to its end.
    path.set(Way::Cut);
    sleep(Duration::from_millis(500)).await;
    path.set(Way::Open);
    refused(&guard).await;
    metric(&guard, r#"tiller_guard_watch_synced{resource="pods"} 0"#).await;
    metric(
        &guard,
        r#"tiller_guard_watch_synced{resource="deployments"} 1"#,
    )
    .await;
    get(guard.health, "/readyz").unwrap();
    let (before, heard) = (refusals(&guard), path.heard());
    sleep(Duration::from_secs(10)).await;
    let (refusals, heard) = (refusals(&guard) - before, path.heard() - heard);
    assert!(refusals <= 4, "{refusals} in 10 s");
    assert!(heard < 50, "{heard} requests in 10 s");
    is_known().await.unwrap();
    // No watch tells that a binding is gone, and it is looked up.
    is_bound().await.unwrap();
    delete(&other, "RoleBinding", ACCOUNT).await;
    assert_eq!(asked(&guard, "rights-taken-away-too", &bound).await, "");

    leave(User::Watcher, &sight_of(&["*"])).await;
    synced(&guard).await;
    assert!(guard.server.log().contains("watch runs again"));
}
