//! What stays resident after bursts of reviews: as much after the third as after the first.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::process::Guard;
use crate::server::client::Client;

/// Connections: as many as an API server has to a webhook under load.
const CLIENTS: usize = 64;
/// Reviews of a burst.
const REVIEWS: usize = 400_000;
const BURSTS: usize = 4;
/// How much more may be resident after a later burst than after the first: pages that a thread has begun.
const MORE: usize = 4 << 20;
/// The most that is ever resident, of the 128 MiB that the pod may take.
const MOST: usize = 64 << 20;

/// A Tiller with a ballast, as a large pod.
fn review(number: usize) -> String {
    let variable = |it| json!({ "name": format!("VARIABLE_{it}"), "value": "x".repeat(60) });
    let environment: Vec<_> = (0..number % 60).map(variable).collect();
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": number.to_string(), "operation": "CREATE", "namespace": "team",
            "kind": { "group": "", "version": "v1", "kind": "Pod" },
            "resource": { "group": "", "version": "v1", "resource": "pods" },
            "object": {
                "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "tiller" },
                "spec": { "containers": [
                    { "name": "tiller", "image": "ghcr.io/helm/tiller:v2.17.0", "env": environment },
                ] },
            },
        },
    })
    .to_string()
}

async fn burst(guard: &Guard) {
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let address = guard.address;
            tokio::spawn(async move {
                let reviews: Vec<_> = (0..16).map(|it| review(client * 16 + it)).collect();
                let mut connection = Client::connect(address).await.unwrap();
                for number in 0..REVIEWS / CLIENTS {
                    let answer = connection.review(&reviews[number % 16]).await;
                    assert_eq!(answer.unwrap().status, 200);
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    // Freed pages are given back a little later.
    sleep(Duration::from_secs(3)).await;
}

/// `make soak` runs it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute"]
#[expect(clippy::print_stdout, reason = "the numbers are what it is run for")]
async fn what_is_resident_after_bursts_does_not_grow() {
    let guard = Guard::start(None).await;
    let mut resident = vec![guard.resident()];
    for _burst in 0..BURSTS {
        burst(&guard).await;
        resident.push(guard.resident());
    }
    let most = guard.most_resident();
    let mebibytes = |bytes: &usize| (bytes >> 20).to_string();
    println!(
        "{} MiB are resident before and after bursts of {REVIEWS} reviews, {} MiB at the most",
        resident
            .iter()
            .map(mebibytes)
            .collect::<Vec<_>>()
            .join(", "),
        mebibytes(&most)
    );
    let first = resident[1];
    for later in &resident[2..] {
        assert!(*later <= first + MORE, "{resident:?}");
    }
    assert!(most <= MOST, "{most}");
    guard.end().await;
}
