//! The validating webhook alone: the last word when the mutating one is down, registered to be ignored
//! then, or overruled by one that comes after it.

use serde_json::{Value, json};

use super::expected::{annotations, hardened_pod};
use super::refuse::assert_refused;
use super::{World, cluster, pod};
use crate::cluster::UNMUTATED;
use crate::suite::Feature;

async fn unmutated(namespace: &str) -> World {
    World::create_labelled(namespace, json!({ UNMUTATED: "" })).await
}

#[tokio::test]
async fn what_nobody_hardened_is_refused() {
    let world = unmutated("unhardened").await;
    let answer = world.try_install(world.helm_init("2.17.0-sa-ns")).await;
    let container = "/spec/template/spec/containers/0";
    for rule in [
        "release-storage",
        "tls-disabled",
        "client-not-verified",
        "security-context",
    ] {
        assert_refused(answer.clone(), rule, container);
    }
    let message = answer.unwrap_err().message;
    assert!(
        message.starts_with("admission webhook \"validate.tiller-guard.io\""),
        "{message}"
    );
}

#[tokio::test]
async fn what_is_hardened_is_stored_as_it_came() {
    let world = unmutated("hardened").await;
    let mut sent = world.helm_init("2.17.0-sa-ns");
    let hardened = hardened_pod("hardened", pod(&sent));
    sent["spec"]["template"]["spec"] = hardened.clone();
    let given = if Feature::SeccompField.is_in(cluster().version()) {
        Value::Null
    } else {
        annotations()
    };
    sent["spec"]["template"]["metadata"]["annotations"] = given.clone();
    let stored = world.install(sent).await;
    assert_eq!(pod(&stored), &hardened);
    assert_eq!(stored["spec"]["template"]["metadata"]["annotations"], given);
}
