//! What `provision` finds before it writes anything.

use std::fs;
use std::time::{Duration, Instant};

use kube::api::DeleteParams;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::access;
use super::cluster::{World, assert_tells, done, make, provision, refused, words};
use super::proxy::killed_after;
use crate::api_server::cluster;
use crate::offline::{Folder, Run, run};
use crate::suite::{Feature, skip};

const RBAC: &str = "rbac.authorization.k8s.io/v1";

/// Runs the program as somebody else, whom the administrator impersonates.
pub(super) fn run_as(user: &str, words: &[&str]) -> Run {
    let folder = Folder::new();
    let config = fs::read_to_string(cluster().kubeconfig()).unwrap();
    let mut config: Value = serde_saphyr::from_str(&config).unwrap();
    config["users"][0]["user"]["as"] = json!(user);
    config["users"][0]["user"]["as-groups"] = json!(["system:authenticated"]);
    let file = folder.file("kubeconfig", config.to_string());
    let kubeconfig = format!("--kubeconfig={file}");
    run(&[words, &[&kubeconfig]].concat(), b"")
}

/// Binds somebody to a cluster role with these rules.
pub(super) async fn may(world: &World, name: &str, user: &str, rules: Value) {
    use kube::api::{Api, DynamicObject, PostParams};
    for object in [
        json!({ "apiVersion": RBAC, "kind": "ClusterRole", "metadata": { "name": name }, "rules": rules }),
        json!({
            "apiVersion": RBAC,
            "kind": "ClusterRoleBinding",
            "metadata": { "name": name },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name },
            "subjects": [{ "kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user }],
        }),
    ] {
        let kind = object["kind"].as_str().unwrap();
        let resource = crate::cluster::resource("rbac.authorization.k8s.io", "v1", kind);
        let api: Api<DynamicObject> = Api::all_with(world.client.clone(), &resource);
        let object = serde_json::from_value(object.clone()).unwrap();
        api.create(&PostParams::default(), &object).await.unwrap();
    }
    has_learned(world, user, &rules).await;
}

/// Waits until the API server gives somebody these rights: it reads bindings from a cache of its own.
async fn has_learned(world: &World, user: &str, rules: &Value) {
    for rule in rules.as_array().unwrap() {
        let first = |list: &str| rule[list][0].as_str().unwrap().to_owned();
        let (group, resource) = (first("apiGroups"), first("resources"));
        let question = (&*first("verbs"), &*format!("{resource}.{group}"), "", "");
        let end = Instant::now() + Duration::from_secs(30);
        while !access::may(world, user, &["system:authenticated"], question).await {
            assert!(Instant::now() < end, "{user} may not {question:?}");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

fn everything() -> Value {
    json!([{ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] }])
}

#[tokio::test]
async fn who_lacks_a_right_changes_nothing() {
    let world = World::create().await;
    let rules = json!([
        { "apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"] },
        { "apiGroups": [""], "resources": ["*"], "verbs": ["create", "patch"] },
    ]);
    may(&world, "w-some", "w-some", rules).await;
    let words = words("w-rights");
    let words: Vec<_> = ["provision"]
        .into_iter()
        .chain(words.iter().map(String::as_str))
        .collect();
    let run = run_as("w-some", &words);
    assert_eq!(run.stdout, "");
    let told = refused(run, 4);
    assert_tells(
        &told,
        "error: you may not create deployments in w-rights-t, ",
    );
    assert_tells(&told, "create rolebindings in ");
    assert_tells(&told, "nothing was changed");
    assert_eq!(world.labelled("w-rights").await, Vec::<String>::new());
}

#[tokio::test]
async fn who_is_no_administrator_of_the_policy_changes_nothing() {
    let world = World::create().await;
    if !Feature::DryRun.is_in(cluster().version()) {
        skip("Kubernetes before 1.13 does not tell who asks");
        return;
    }
    may(&world, "w-eve", "w-eve", everything()).await;
    world.namespace("w-guard").await;
    let policy =
        json!({ "data": { "policy.yaml": "apiVersion: tiller-guard.io/v1\nkind: Policy\n" } });
    world
        .apply("v1", "ConfigMap", "w-guard", "tiller-guard-policy", policy)
        .await;
    let words = words("w-admin");
    let words: Vec<_> = ["provision", "--guard-namespace=w-guard"]
        .into_iter()
        .chain(words.iter().map(String::as_str))
        .collect();
    let told = refused(run_as("w-eve", &words), 4);
    assert_tells(
        &told,
        "error: you, w-eve, are not among the `administrators` of the policy",
    );
    assert_tells(&told, "key policy.yaml");
    assert_eq!(world.labelled("w-admin").await, Vec::<String>::new());
}

/// Without a policy to read, the API server tries the write of a registered team's certificate, and the guard refuses it.
#[tokio::test]
async fn without_a_policy_a_dry_run_shows_who_is_no_administrator() {
    let world = World::create().await;
    if !Feature::DryRun.is_in(cluster().version()) {
        skip("Kubernetes before 1.13 has no dry run");
        return;
    }
    may(&world, "w-adam", "w-adam", everything()).await;
    let words = words("w-try");
    let words: Vec<_> = ["provision"]
        .into_iter()
        .chain(words.iter().map(String::as_str))
        .collect();
    done(make("w-try", &[]));
    let secrets = world.api("v1", "Secret", "w-try-t");
    let at_once = DeleteParams::default();
    let _gone = secrets.delete("tiller-tls", &at_once).await.unwrap();
    let told = refused(run_as("w-adam", &words), 4);
    assert_tells(
        &told,
        "nothing was changed: ask one of the `administrators`",
    );
    assert!(secrets.get_opt("tiller-tls").await.unwrap().is_none());
}

/// All that is in the way is told at once, of all teams, and no team is made.
#[tokio::test]
async fn one_team_that_cannot_be_made_keeps_all_from_being_made() {
    let world = World::create().await;
    world.namespace("w-two-t").await;
    for (kind, fields) in [
        ("ServiceAccount", json!({})),
        ("Secret", json!({ "stringData": { "x": "y" } })),
    ] {
        let name = if kind == "Secret" {
            "tiller-tls"
        } else {
            "tiller"
        };
        world.apply("v1", kind, "w-two-t", name, fields).await;
    }
    let folder = Folder::new();
    let team = |name: &str| {
        format!(
            "---\napiVersion: tiller-guard.io/v1\nkind: Team\nname: {name}\ntillerNamespace: {name}-t\n\
             targetNamespaces: [{name}]\n"
        )
    };
    let file = folder.file("teams.yaml", team("w-one") + &team("w-two"));
    let run = provision(&["-f", &file, "--no-wait"]);
    assert_eq!(run.stdout, "");
    let told = refused(run, 2);
    for object in ["ServiceAccount w-two-t/tiller", "Secret w-two-t/tiller-tls"] {
        assert_tells(
            &told,
            &format!("error: w-two: {object} already exists and was not made by tiller-guard"),
        );
    }
    for team in ["w-one", "w-two"] {
        assert_eq!(world.labelled(team).await, Vec::<String>::new());
    }
    let made = done(provision(&["-f", &file, "--no-wait", "--adopt"]));
    assert_tells(&made, "w-one: ");
    assert_tells(&made, "w-two: ServiceAccount w-two-t/tiller updated\n");
}

#[tokio::test]
async fn a_run_that_was_interrupted_is_seen_in_the_status() {
    let world = World::create().await;
    let team = words("w-half");
    let words: Vec<_> = ["provision"]
        .into_iter()
        .chain(team.iter().map(String::as_str))
        .collect();
    killed_after(3, world.client.clone(), &words).await;
    let told = done(provision(&["status", "w-half"]));
    assert_tells(
        &told,
        "w-half\n  incomplete    ConfigMap tiller-guard/w-half is missing: provision was interrupted. Run it again",
    );
    killed_after(6, world.client.clone(), &words).await;
    let told = done(provision(&["status", "w-half"]));
    assert_tells(
        &told,
        "  incomplete    Deployment w-half-t/tiller-deploy is missing: run `tiller-guard provision w-half`\n",
    );
    // What was asked for is known by now.
    done(provision(&["w-half", "--no-wait"]));
    let told = done(provision(&["status", "w-half"]));
    assert!(!told.contains("incomplete"), "{told}");
    let told = refused(provision(&["status", "w-hlaf"]), 2);
    assert_tells(&told, "there is no team \"w-hlaf\": ");
}

#[tokio::test]
async fn a_team_may_be_named_almost_as_a_subcommand() {
    let _world = World::create().await;
    let team = words("grand");
    let made: Vec<_> = team.iter().map(String::as_str).collect();
    done(provision(&made));
    done(provision(&["grand", "--no-wait"]));
    let told = refused(provision(&["grnat", "--no-wait"]), 2);
    assert_tells(
        &told,
        "there is no team \"grnat\" to take its namespaces from: did you mean grant? To make it, pass --tiller-namespace",
    );
}

/// Nobody gives what he lacks, and what would be refused half way is refused before the first write.
#[tokio::test]
async fn whoever_may_not_give_a_teams_rights_is_told_before_anything_is_written() {
    let world = World::create().await;
    let write = ["get", "list", "create", "patch", "watch"];
    let rules = json!([
        { "apiGroups": ["", "apps", "networking.k8s.io", "rbac.authorization.k8s.io"], "resources": ["*"], "verbs": write },
    ]);
    may(&world, "w-giver", "w-giver", rules).await;
    let team = [&words("w-given")[..], &["--user=ada".to_owned()]].concat();
    let words: Vec<_> = ["provision"]
        .into_iter()
        .chain(team.iter().map(String::as_str))
        .collect();
    let told = refused(run_as("w-giver", &words), 4);
    assert_tells(&told, "you may not give the team ");
    assert_tells(&told, "nothing was changed");
    assert!(world.labelled("w-given").await.is_empty());

    let grants = json!([
        { "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"], "verbs": ["escalate", "bind"] },
    ]);
    may(&world, "w-giver-more", "w-giver", grants).await;
    // Only an administrator may write Tiller's certificate. Who may not create signing requests is not named by the API server before
    // 1.28: the guard shows it in a dry run for a team that it knows.
    if !Feature::DryRun.is_in(cluster().version()) {
        skip("Kubernetes before 1.13 has no dry run");
        return;
    }
    done(make("w-known", &[]));
    let run = run_as("w-giver", &words);
    assert_eq!(run.stdout, "");
    let told = refused(run, 4);
    assert_tells(
        &told,
        "error: you may not write the certificates of Tillers: no right to ",
    );
    assert_tells(
        &told,
        "nothing was changed: ask one of the `administrators`",
    );
    assert!(world.labelled("w-given").await.is_empty());
}
