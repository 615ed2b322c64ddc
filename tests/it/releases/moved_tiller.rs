//! `move` and the Tillers of a namespace: which one is stopped and switched, and what is said if that is half done.

use std::time::Duration;

use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::kubelet::play_kubelet;
use super::moved::{all, found, kubeconfig, moved, world};
use crate::api_server::{World, cluster, value};
use crate::knowledge::create;
use crate::provision::proxy::{Asked, Fate, Proxy};

pub(super) async fn deploy(world: &World, containers: &Value) {
    let deployment = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": "tiller-deploy" },
        "spec": {
            "replicas": 1,
            "selector": { "matchExpressions": [{ "key": "app", "operator": "In", "values": ["helm"] }] },
            "template": {
                "metadata": { "labels": { "app": "helm", "name": "tiller" } },
                "spec": { "automountServiceAccountToken": false, "containers": containers },
            },
        },
    });
    create(world, &deployment).await.unwrap();
}

async fn spec(world: &World) -> Value {
    let deployment = world.deployments().get("tiller-deploy").await.unwrap();
    value(&deployment)["spec"].clone()
}

pub(super) fn tiller(arguments: &[&str]) -> Value {
    json!({ "name": "tiller", "image": "ghcr.io/helm/tiller:v2.17.0", "args": arguments })
}

async fn pod(world: &World, name: &str, labels: &Value, image: &str) {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name, "labels": labels },
        "spec": {
            "automountServiceAccountToken": false,
            "containers": [{ "name": "main", "image": image }],
        },
    });
    create(world, &pod).await.unwrap();
}

/// It is refused with this text, by a dry run too, and nothing is changed.
async fn assert_refused(world: &World, told: &str) {
    let (records, before) = (found(world).await, spec(world).await);
    for words in [&["--to=secrets", "--dry-run"][..], &["--to=secrets"]] {
        let run = moved(&kubeconfig(), &world.namespace, words).await;
        assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(told), "{}", run.stderr);
        assert!(!run.stderr.contains("zero replicas"), "{}", run.stderr);
        assert_eq!(found(world).await, records);
        assert_eq!(spec(world).await, before);
    }
}

/// With records in its namespace, it would be shown those, and no longer its own.
#[tokio::test]
async fn a_tiller_that_cannot_be_switched_is_left_alone() {
    let world = world("move-elsewhere", "plain").await;
    let sql = &[
        "--storage=sql",
        "--sql-connection-string=postgres://a:b@c/d",
    ];
    for (containers, told) in [
        (
            json!([tiller(sql)]),
            "Deployment move-elsewhere/tiller-deploy has --storage=sql: with --storage=secret, Tiller would no longer see the \
             releases in its database; nothing was changed",
        ),
        (
            json!([tiller(&["--storage=memory"])]),
            "Tiller would no longer see the releases in its memory; nothing was changed",
        ),
        (
            json!([{ "name": "tiller", "image": "nginx" }]),
            "which container of Deployment move-elsewhere/tiller-deploy is Tiller, or where it keeps its records, cannot be read",
        ),
    ] {
        deploy(&world, &containers).await;
        assert_refused(&world, told).await;
        let now = DeleteParams::default();
        let _gone = world.deployments().delete("tiller-deploy", &now).await;
    }
}

#[tokio::test]
async fn a_second_tiller_stops_it() {
    let world = world("move-second", "plain").await;
    deploy(&world, &json!([tiller(&[])])).await;
    pod(
        &world,
        "other",
        &json!({ "app": "mine" }),
        "ghcr.io/helm/tiller:v2.17.0",
    )
    .await;
    let told = "Tiller runs in other, and that is not a pod of Deployment move-second/tiller-deploy; stop it";
    assert_refused(&world, told).await;
}

#[tokio::test]
async fn what_has_the_name_of_a_copy_is_named() {
    let world = world("move-way", "plain").await;
    deploy(&world, &json!([tiller(&[])])).await;
    for labels in [json!({}), json!({ "OWNER": "MIGRATED" })] {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "plain.v1", "labels": labels },
            "stringData": { "note": "mine" },
        });
        create(&world, &secret).await.unwrap();
        let told =
            "1 in the way, and no record of Tiller's: Secret move-way/plain.v1; look at them";
        let secrets = world.objects("", "v1", "Secret");
        let labelled = labels != json!({});
        if labelled {
            // `found` takes it for a record.
            let run = moved(&kubeconfig(), "move-way", &["--to=secrets"]).await;
            assert_eq!(run.code, Some(1), "{}", run.stderr);
            assert!(run.stderr.contains(told), "{}", run.stderr);
        } else {
            assert_refused(&world, told).await;
        }
        let _gone = secrets
            .delete("plain.v1", &DeleteParams::default())
            .await
            .unwrap();
    }
}

/// Evicted pods stay whatever the Deployment wants, and others are not Tiller's.
#[tokio::test]
async fn pods_that_ended_are_not_waited_for() {
    let world = world("move-evicted", "plain").await;
    if !cluster().has_controllers() {
        return;
    }
    deploy(&world, &json!([tiller(&[])])).await;
    let labels = json!({ "app": "helm", "name": "tiller" });
    pod(&world, "evicted", &labels, "ghcr.io/helm/tiller:v2.17.0").await;
    pod(&world, "shop", &json!({ "app": "shop" }), "nginx").await;
    let failed = json!({ "status": { "phase": "Failed", "reason": "Evicted" } });
    world
        .objects("", "v1", "Pod")
        .patch_status("evicted", &PatchParams::default(), &Patch::Merge(&failed))
        .await
        .unwrap();
    let kubelet = play_kubelet(&world);
    let run = moved(
        &kubeconfig(),
        "move-evicted",
        &["--to=secrets", "--timeout=60"],
    )
    .await;
    kubelet.abort();
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert_eq!(found(&world).await, all("plain", "Secret"));
}

/// Both commands are tried.
#[tokio::test]
async fn an_error_after_the_stop_says_how_to_go_on_and_how_to_undo_it() {
    let world = world("move-half", "plain").await;
    if !cluster().has_controllers() {
        return;
    }
    deploy(&world, &json!([tiller(&[])])).await;
    let before = spec(&world).await;
    let kubelet = play_kubelet(&world);
    for (to, after) in [("configmaps", "ConfigMap"), ("secrets", "Secret")] {
        let written = |asked: &&Asked| asked.method == "POST" && asked.path.ends_with("/secrets");
        let fate = move |asked: &[Asked]| {
            let is_second = asked.iter().filter(written).count() > 1;
            if is_second && asked.last().as_ref().is_some_and(written) {
                Fate::Fails(403)
            } else {
                Fate::Passes
            }
        };
        let proxy = Proxy::start(world.client.clone(), fate).await;
        let run = moved(&proxy.kubeconfig(), "move-half", &["--to=secrets"]).await;
        assert_eq!(run.code, Some(4), "{}{}", run.stdout, run.stderr);
        let told = "made up by the test; Deployment move-half/tiller-deploy is at zero replicas, and no record is lost: to go on, \
                    run: tiller-guard releases move --to secrets -n move-half; to undo it, run: tiller-guard releases move --to \
                    configmaps -n move-half\n";
        assert!(run.stderr.contains(told), "{}", run.stderr);
        assert_eq!(spec(&world).await["replicas"], 0);
        let run = moved(&kubeconfig(), "move-half", &[&format!("--to={to}")]).await;
        assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
        assert_eq!(found(&world).await, all("plain", after));
        assert_eq!(spec(&world).await["replicas"], 1);
        if to == "configmaps" {
            assert_eq!(spec(&world).await, before);
        }
    }
    kubelet.abort();
}

#[tokio::test]
async fn missing_rights_are_found_before_tiller_stops() {
    let world = world("move-lacking", "plain").await;
    deploy(&world, &json!([tiller(&[])])).await;
    let rights = |group: &str, resource: &str, verbs: &[&str]| json!({ "apiGroups": [group], "resources": [resource], "verbs": verbs });
    let rbac = "rbac.authorization.k8s.io";
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": { "name": "mover" },
        "rules": [
            rights("apps", "deployments", &["get", "patch"]),
            rights("", "pods", &["list"]),
            rights("", "configmaps", &["create", "get", "list", "patch"]),
            rights("", "secrets", &["list"]),
        ],
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": { "name": "mover" },
        "roleRef": { "apiGroup": rbac, "kind": "Role", "name": "mover" },
        "subjects": [{ "apiGroup": rbac, "kind": "User", "name": "mover" }],
    });
    create(&world, &role).await.unwrap();
    create(&world, &binding).await.unwrap();
    let mover = cluster().kubeconfig_as("mover").unwrap();
    let told = "you may not create secrets in move-lacking, delete configmaps in move-lacking; ask an administrator for that right in \
                move-lacking\n";
    for words in [&["--to=secrets", "--dry-run=server"][..], &["--to=secrets"]] {
        let mut run = moved(&mover.display().to_string(), "move-lacking", words).await;
        // The authorizer needs a moment to see a new binding.
        for _ in 0..50 {
            if run.stderr.contains("you may not") || run.stderr.contains("before Kubernetes") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            run = moved(&mover.display().to_string(), "move-lacking", words).await;
        }
        let unable = words.len() == 2 && !crate::api_server::kubernetes_from(13);
        let code = if unable { 2 } else { 4 };
        assert_eq!(run.code, Some(code), "{}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(told) || unable, "{}", run.stderr);
        assert_eq!(spec(&world).await["replicas"], 1);
        assert_eq!(found(&world).await, all("plain", "ConfigMap"));
    }
}

/// Controllers write Tiller's Deployment at any time, and networks lose answers: neither leaves it stopped.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_and_a_start_survive_conflicts_and_lost_answers() {
    let world = world("move-conflict", "plain").await;
    if !cluster().has_controllers() {
        return;
    }
    deploy(&world, &json!([tiller(&["--storage=configmap"])])).await;
    let kubelet = play_kubelet(&world);
    let there = [("secrets", "Secret"), ("configmaps", "ConfigMap")];
    let fates = [
        Fate::Fails(409),
        Fate::AnswerLost,
        Fate::Fails(500),
        Fate::Lost,
    ];
    for (fate, (to, kind)) in fates.into_iter().zip(there.into_iter().cycle()) {
        let proxy = Proxy::once_each(world.client.clone(), fate).await;
        let to = format!("--to={to}");
        let words = [to.as_str(), "--timeout=60"];
        let run = moved(&proxy.kubeconfig(), "move-conflict", &words).await;
        assert_eq!(run.code, Some(0), "{fate:?}: {}{}", run.stdout, run.stderr);
        assert_eq!(found(&world).await, all("plain", kind));
        assert_eq!(spec(&world).await["replicas"], 1, "{fate:?}");
    }
    kubelet.abort();
}
