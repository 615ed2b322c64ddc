//! Replicas that come and go, and an API server that does, or does not answer.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};

use super::load::Load;
use super::service::Replica;
use super::{World, soak, tiller};
use crate::knowledge::path::Path;

/// Nodes take a while to learn that a pod goes; these here take a tenth of a second.
const DRAIN: &str = "--drain-delay=2";

#[tokio::test]
async fn a_rolling_restart_fails_no_request() {
    let world = World::enter().await;
    world.install().await;
    let mut service = world.serve(2, &[DRAIN]).await;
    let load = Load::start(&world);
    for _ in 0..soak(2, 20) {
        for _ in 0..2 {
            // maxSurge 1 and maxUnavailable 0: the next one is ready before one goes.
            service.add(&world, &[DRAIN]);
            service.all_ready().await;
            let code = service.remove(0).end("TERM").await;
            assert_eq!(code, Some(0));
        }
    }
    load.asks(50).await;
    load.stop_without_failure().await;
}

#[tokio::test]
async fn a_killed_replica_fails_no_more_than_it_was_asked_at_that_moment() {
    let world = World::enter().await;
    world.install().await;
    let mut service = world.serve(2, &[]).await;
    let load = Load::start(&world);
    load.asks(100).await;
    service.remove(0).end("KILL").await;
    service.all_ready().await;
    load.asks(200).await;
    let (asked, failures) = load.stop().await;
    assert!(
        failures.len() < asked as usize / 4,
        "{} of {asked}",
        failures.len()
    );
    for failure in &failures {
        assert!(
            failure.contains("failed calling webhook"),
            "never let in: {failure}"
        );
    }
    let load = Load::start(&world);
    load.asks(100).await;
    load.stop_without_failure().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_server_that_restarts_under_load_is_watched_on() {
    let mut world = World::enter().await;
    world.install().await;
    let path = Path::open(world.cluster.port()).await;
    let _folder = world.lead_guard_over(&path);
    let service = world.serve(2, &[]).await;
    let replicas = &service.replicas;
    let pids: Vec<u32> = replicas.iter().map(Replica::pid).collect();
    for number in 0..soak(2, 10) {
        let load = Load::start(&world);
        load.asks(100).await;
        let known: Vec<[u32; 2]> = replicas.iter().map(Replica::knows).collect();
        let (tried, heard, began) = (path.tried(), path.heard(), Instant::now());
        world.cluster.restart_api_server().await.unwrap();
        world.add_rights(&format!("restart-{number}")).await;
        for (replica, before) in replicas.iter().zip(known) {
            replica.watches_all().await;
            replica.knows_more_than(before).await;
        }
        let elapsed = began.elapsed();
        let (tried, heard) = (path.tried() - tried, path.heard() - heard);
        let requests = heard.saturating_sub(2 * tried);
        // Each of the 19 watches tries, looks where its kind is, lists and watches anew; then less than five requests a
        // second.
        let seconds = usize::try_from(elapsed.as_secs()).unwrap();
        let most = replicas.len() * (4 * 19 + 5 * seconds);
        assert!(tried < most, "{tried} connections in {elapsed:?}");
        assert!(requests < most, "{requests} requests in {elapsed:?}");
        let (_, failures) = load.stop().await;
        assert!(!failures.iter().any(|told| told == "let in"));
        world.until_told("protected-namespace").await;
    }
    let running: Vec<u32> = replicas.iter().map(Replica::pid).collect();
    assert_eq!(running, pids);
    let load = Load::start(&world);
    load.asks(100).await;
    load.stop_without_failure().await;
}

#[tokio::test]
async fn reviews_are_answered_while_the_api_server_stores_nothing() {
    let world = World::enter().await;
    world.install().await;
    let service = world.serve(2, &["--certificate-interval=1"]).await;
    let review = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "1", "operation": "CREATE", "namespace": "default",
            "kind": { "group": "", "version": "v1", "kind": "Pod" },
            "resource": { "group": "", "version": "v1", "resource": "pods" },
            "object": tiller(),
        },
    });
    world.cluster.etcd().unwrap().signal("STOP").unwrap();
    let mut answers = Vec::new();
    for _ in 0..soak(3, 60) {
        sleep(Duration::from_secs(1)).await;
        for replica in &service.replicas {
            answers.push(replica.review(&review).await["response"]["allowed"].clone());
        }
    }
    world.cluster.etcd().unwrap().signal("CONT").unwrap();
    assert!(
        answers.iter().all(|allowed| *allowed == false),
        "{answers:?}"
    );
    world.until_told("protected-namespace").await;
    for replica in &service.replicas {
        assert!(replica.server.pid().is_ok());
    }
}
