//! A binding and a Tiller that two clients make at the same time.

use std::time::Duration;

use kube::api::{DeleteParams, Preconditions};
use serde_json::{Value, json};

use super::{Answer, api, binding, create, eventually, tiller, wide_role};
use crate::api_server::{World, cluster};

const LANES: usize = 20;
const ROUNDS: usize = 50;

/// A Tiller by an account of its own, of a kind that no controller of these tests acts on.
fn daemon(world: &World, account: &str) -> Value {
    let mut daemon = tiller(world, account);
    daemon["kind"] = json!("DaemonSet");
    let spec = daemon["spec"].as_object_mut().unwrap();
    spec.remove("replicas");
    spec.remove("strategy");
    daemon
}

async fn remove(world: &World, kind: &str, created: &Answer) {
    let Ok(created) = created else { return };
    let name = created["metadata"]["name"].as_str().unwrap();
    let parameters = DeleteParams {
        preconditions: Some(Preconditions::default()),
        ..DeleteParams::background()
    };
    let _deleted = api(world, kind).delete(name, &parameters).await.unwrap();
}

/// One pair after another in a namespace of their own. Each ends with one of the two refused, or is found.
async fn lane(number: usize) {
    let world = World::create(&format!("race-{number}")).await;
    create(&world, &wide_role("wide")).await.unwrap();
    for round in 0..ROUNDS {
        let account = format!("racer-{round}");
        let (binding, daemon) = (
            binding(&account, "wide", &account),
            daemon(&world, &account),
        );
        let (bound, run) = tokio::join!(create(&world, &binding), create(&world, &daemon));
        match (&bound, &run) {
            (Err(_), Err(_)) => {}
            (Err(refusal), Ok(_)) => {
                assert!(refusal.message.contains("role-rights"), "{refusal:?}");
            }
            (Ok(_), Err(refusal)) => {
                assert!(refusal.message.contains("account-rights"), "{refusal:?}");
            }
            (Ok(_), Ok(_)) => found(&world, &account).await,
        }
        remove(&world, "RoleBinding", &bound).await;
        remove(&world, "DaemonSet", &run).await;
    }
}

/// Waits until the guard tells that an account has too many rights.
async fn found(world: &World, account: &str) {
    let account = format!("account=\"{}/{account}\"", world.namespace);
    let told = eventually("word about an account with too many rights", || async {
        let log = cluster().guard().unwrap().server.log();
        log.lines()
            .any(|line| line.contains(&account) && line.contains("WARN"))
            .then_some(())
    });
    tokio::time::timeout(Duration::from_secs(10), told)
        .await
        .unwrap_or_else(|_late| panic!("{account} not found after 10 s"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_pairs_at_once_none_goes_unnoticed() {
    cluster();
    let lanes: Vec<_> = (0..LANES)
        .map(|number| tokio::spawn(lane(number)))
        .collect();
    for lane in lanes {
        lane.await.unwrap();
    }
}
