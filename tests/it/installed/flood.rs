//! A flood of denials leaves a bounded number of traces, whatever the requests say of themselves.

use serde_json::{Value, json};

use super::{World, soak};
use crate::server::client::Client;

const MOST_SERIES: usize = 200;
/// A Deployment and a Pod.
const REVIEWS: [&str; 2] = [
    include_str!("../../data/reviews/1.20-deployment-create.json"),
    include_str!("../../data/reviews/1.20-pod-create.json"),
];

#[tokio::test]
async fn a_flood_of_denials_makes_fewer_than_two_hundred_series() {
    let world = World::enter().await;
    world.install().await;
    let service = world.serve(1, &[]).await;
    let replica = &service.replicas[0];
    let mut client = Client::connect(replica.address).await.unwrap();
    let mut reviews: Vec<Value> = REVIEWS
        .iter()
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    let mut refused = 0;
    for number in 0..soak(2_000, 100_000) {
        let count = reviews.len();
        let review = &mut reviews[number as usize % count];
        let request = &mut review["request"];
        // Nothing that a client chooses becomes a series of its own.
        request["uid"] = json!(format!("uid-{number}"));
        request["name"] = json!(format!("name-{number}"));
        request["namespace"] = json!(format!("namespace-{number}"));
        request["object"]["metadata"]["namespace"] = json!(format!("namespace-{number}"));
        request["userInfo"]["username"] = json!(format!("user-{number}"));
        request["operation"] = json!(["CREATE", "UPDATE", "PATCH"][number as usize % 3]);
        let reply = client.review(&review.to_string()).await.unwrap();
        let answer: Value = serde_json::from_slice(&reply.body).unwrap();
        refused += u32::from(answer["response"]["allowed"] == false);
    }
    assert!(refused > soak(1_000, 50_000), "{refused}");
    let metrics = replica.metrics().await;
    let series: Vec<&str> = metrics.lines().filter(|it| !it.starts_with('#')).collect();
    assert!(series.len() < MOST_SERIES, "{}:\n{metrics}", series.len());
    for word in ["namespace-", "user-", "name-", "uid-"] {
        assert!(!metrics.contains(word), "{word} in\n{metrics}");
    }
}
