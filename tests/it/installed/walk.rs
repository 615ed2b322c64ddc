//! From an empty cluster to an enforced policy, and back.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::certificates::OFTEN;
use super::diagnoses::{DRIFT, KIND};
use super::leaving::{registered, until_nobody_is_asked};
use super::{World, said};
use crate::chart::helm::helm;
use crate::suite::{Feature, skip};

#[tokio::test]
async fn an_empty_cluster_gets_an_installation_that_holds_and_loses_it_again() {
    let world = World::enter().await;
    let before = world.run(&["doctor", "--pre"]).await;
    assert_eq!(before.status.code(), Some(0), "{}", said(&before));
    // The namespace's account is made a moment after the API server is ready.
    until_nobody_is_asked(&world).await;

    let installing = async {
        world
            .run(&["install", world.service_port, "--wait=60"])
            .await
    };
    let nodes = async {
        let deployments = world.objects("apps", "v1", "Deployment", "tiller-guard");
        while deployments.get_opt("tiller-guard").await.unwrap().is_none() {
            sleep(Duration::from_millis(50)).await;
        }
        let service = world.serve(2, &[]).await;
        // Nothing is refused before there is somebody to answer.
        assert!(world.try_tiller().await.is_ok());
        world.play_nodes().await;
        service
    };
    let (installed, _service) = tokio::join!(installing, nodes);
    let told = said(&installed);
    assert_eq!(installed.status.code(), Some(0), "{told}");
    let proof = format!("✓ validating-proof: {}", world.proof());
    assert!(told.contains(&proof), "{told}");
    let place = |word| told.find(word).unwrap();
    assert!(place("waiting for the pods") < place("created   ValidatingWebhookConfiguration"));

    let again = world
        .run(&["install", world.service_port, "--wait=30"])
        .await;
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
    assert!(!said(&again).contains("created"), "{}", said(&again));
    assert!(!said(&again).contains("updated"), "{}", said(&again));
    assert!(said(&again).contains(&proof), "{}", said(&again));

    let refused = world.try_tiller().await.unwrap_err();
    assert!(refused.contains("protected-namespace"), "{refused}");
    let good = world
        .run(&["doctor", world.service_port, "--output=json"])
        .await;
    assert_eq!(good.status.code(), Some(0), "{}", said(&good));
    let report: Value = serde_json::from_slice(&good.stdout).unwrap();
    let mut unguarded = Vec::new();
    for check in report["checks"].as_array().unwrap() {
        // Debian's build of Kubernetes does not know its own version.
        let message = check["message"].as_str().unwrap();
        if check["check"] == "connections" {
            assert_eq!(check["status"], json!("doubtful"), "{check}");
            unguarded.push(check);
        } else if !message.starts_with("GET /version gave") {
            assert_eq!(check["status"], json!("good"), "{check}");
        }
    }
    let guarded = Feature::Connections.is_in(world.cluster.version());
    assert_eq!(unguarded.is_empty(), guarded, "{unguarded:?}");

    let gone = world.run(&["uninstall"]).await;
    assert_eq!(gone.status.code(), Some(0), "{}", said(&gone));
    let text = said(&gone);
    let first: Vec<&str> = text.lines().take(2).collect();
    assert_eq!(
        first,
        [
            "deleted   MutatingWebhookConfiguration tiller-guard",
            "deleted   ValidatingWebhookConfiguration tiller-guard",
        ]
    );
    assert!(world.try_tiller().await.is_ok());
    let missing = world.run(&["doctor"]).await;
    assert_eq!(missing.status.code(), Some(1), "{}", said(&missing));
}

/// The chart by Helm's own engine.
#[tokio::test]
async fn the_chart_makes_an_installation_that_holds_and_loses_it_again() {
    let world = World::enter().await;
    if !Feature::Apply.is_in(world.cluster.version()) {
        skip(
            "Helm 4's engine writes by server-side apply alone, which is in Kubernetes 1.16 and later",
        );
        return;
    }
    let pre = world.run(&["doctor", "--pre"]).await;
    assert_eq!(pre.status.code(), Some(0), "{}", said(&pre));
    let values = json!({ "service": { "port": world.port() } });
    world.label_namespaces().await;
    by_helm(&world, json!({ "do": "install", "values": values })).await;
    world.until_told("failed calling webhook").await;
    {
        let _service = world.serve(2, &[]).await;
        world.until_told("protected-namespace").await;
        world.play_nodes().await;
        let told = said(&world.run(&["doctor", world.service_port]).await);
        for good in [
            "✓ service",
            "✓ pods",
            "✓ mutating",
            "✓ validating",
            "✓ mutating-proof",
            "✓ validating-proof",
        ] {
            assert!(told.contains(good), "{told}");
        }
        // Whoever made it upgrades it.
        let again = world
            .run(&["install", world.service_port, "--wait=0"])
            .await;
        assert_eq!(again.status.code(), Some(2), "{}", said(&again));
        assert!(
            said(&again).contains("already exists and was not made by tiller-guard"),
            "{}",
            said(&again)
        );
    }
    by_helm(&world, json!({ "do": "uninstall" })).await;
    until_nobody_is_asked(&world).await;
}

/// As the chart's README and notes have it for a cluster that is to ask nobody before somebody answers.
#[tokio::test]
async fn the_chart_registers_by_an_upgrade_once_there_are_replicas_that_answer() {
    let world = World::enter().await;
    if !Feature::Apply.is_in(world.cluster.version()) {
        skip(
            "Helm 4's engine writes by server-side apply alone, which is in Kubernetes 1.16 and later",
        );
        return;
    }
    let unregistered =
        json!({ "service": { "port": world.port() }, "registrations": { "enabled": false } });
    world.label_namespaces().await;
    by_helm(&world, json!({ "do": "install", "values": unregistered })).await;
    {
        let service = world.serve(2, &[OFTEN]).await;
        world.play_nodes().await;
        let replica = &service.replicas[0];
        replica.until_metric(DRIFT, 2).await;
        assert_eq!(world.try_tiller().await, Ok(()));
        let doctor = said(&world.run(&["doctor", world.service_port]).await);
        let remedy = "run helm upgrade tiller-guard CHART --namespace tiller-guard --reuse-values --set registrations.enabled=true\n";
        assert!(doctor.contains(remedy), "{doctor}");
        // Without values Helm goes on with those of before.
        by_helm(&world, json!({ "do": "upgrade" })).await;
        assert_eq!(registered(&world).await, [""; 0]);

        let upgrade =
            |values: Value| json!({ "do": "upgrade", "values": values, "reuse_values": true });
        by_helm(
            &world,
            upgrade(json!({ "registrations": { "enabled": true } })),
        )
        .await;
        assert_eq!(registered(&world).await.len(), 2);
        world.until_told("protected-namespace").await;
        replica.until_metric(DRIFT, 0).await;
        let doctor = world.run(&["doctor", world.service_port]).await;
        assert_eq!(doctor.status.code(), Some(0), "{}", said(&doctor));

        // The bundle that the replicas have written stays.
        let before = world.bundle(KIND).await;
        by_helm(&world, upgrade(json!({ "replicas": 3 }))).await;
        assert_eq!(world.bundle(KIND).await, before);
        let refused = world.try_tiller().await.unwrap_err();
        assert!(refused.contains("protected-namespace"), "{refused}");
    }
    by_helm(&world, json!({ "do": "uninstall" })).await;
    until_nobody_is_asked(&world).await;
}

/// Does something with the chart.
async fn by_helm(world: &World, mut job: Value) {
    job["namespace"] = json!("tiller-guard");
    job["kubeconfig"] = json!(world.cluster.kubeconfig());
    spawn_blocking(|| helm(job)).await.unwrap();
}
