//! What the people of a namespace see of refusals.

use std::time::Duration;

use futures_util::future::join_all;
use kube::api::{ListParams, PostParams};
use serde_json::{Value, json};

use super::{World, cluster, value};
use crate::suite::Feature;

/// The Events of ours in a namespace.
pub(crate) async fn events(world: &World) -> Vec<Value> {
    let events = world.objects("", "v1", "Event");
    let listed = events.list(&ListParams::default()).await.unwrap();
    let events = listed.items.iter().map(value);
    events
        .filter(|event| event["source"]["component"] == "tiller-guard")
        .collect()
}

pub(crate) fn refused(world: &World, rule: &str) -> Value {
    let mut deployment = world.helm_init("2.17.0-sa-ns");
    deployment["metadata"]["name"] = json!(rule);
    let pod = &mut deployment["spec"]["template"]["spec"];
    match rule {
        "host-access" => pod["hostNetwork"] = json!(true),
        _ => {
            pod["containers"][0]["lifecycle"] =
                json!({ "postStart": { "exec": { "command": ["x"] } } });
        }
    }
    deployment
}

#[tokio::test]
async fn refusals_that_are_alike_are_one_event() {
    let world = World::create("events").await;
    let tries = (0..200).map(|index| {
        let world = &world;
        let rule = if index % 2 == 0 {
            "host-access"
        } else {
            "extra-commands"
        };
        async move {
            let status = world.try_install(refused(world, rule)).await.unwrap_err();
            assert!(status.message.contains(rule), "{status:?}");
        }
    });
    join_all(tries).await;
    let mut seen = Vec::new();
    for _attempt in 0..100 {
        seen = events(&world).await;
        if seen.len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for rule in ["host-access", "extra-commands"] {
        let start = format!("refused Deployment {rule}: {rule}: /spec/template/spec/");
        let told = |event: &&Value| event["message"].as_str().unwrap().starts_with(&start);
        assert_eq!(seen.iter().filter(told).count(), 1, "{seen:#?}");
    }
    for event in &seen {
        assert_eq!(event["type"], "Warning");
        assert_eq!(event["reason"], "TillerRefused");
        let about = &event["involvedObject"];
        if Feature::EventsOfNamespaces.is_in(cluster().version()) {
            assert_eq!(
                (&about["kind"], &about["name"]),
                (&json!("Namespace"), &json!("events"))
            );
        } else {
            assert_eq!(
                (&about["kind"], &about["namespace"]),
                (&json!("Deployment"), &json!("events"))
            );
        }
    }
}

#[tokio::test]
async fn a_dry_run_leaves_no_event() {
    if Feature::DryRun.is_missing(cluster().version()) {
        return;
    }
    let world = World::create("events-dry-run").await;
    let parameters = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let deployment = serde_json::from_value(refused(&world, "host-access")).unwrap();
    world
        .deployments()
        .create(&parameters, &deployment)
        .await
        .unwrap_err();
    // One that leaves an event, and comes after it.
    let _refused = world
        .try_install(refused(&world, "extra-commands"))
        .await
        .unwrap_err();
    for _attempt in 0..100 {
        let seen = events(&world).await;
        if let [event] = &seen[..] {
            assert!(
                event["message"]
                    .as_str()
                    .unwrap()
                    .contains("extra-commands"),
                "{event}"
            );
            return;
        }
        assert!(seen.is_empty(), "{seen:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no event");
}
