//! What the policy says is no Tiller.

use std::time::Duration;

use serde_json::{Value, json};

use super::refuse::assert_refused;
use super::{World, cluster};

/// A Deployment with a container of this image, whose name is a sign of a Tiller.
fn deployment(name: &str, image: &str) -> Value {
    let labels = json!({ "app": name });
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": name },
        "spec": {
            "replicas": 0,
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": { "containers": [{ "name": "tool", "image": image }] },
            },
        },
    })
}

/// Waits for the log's line about a Deployment of the namespace.
async fn logged(name: &str) -> String {
    for _attempt in 0..200 {
        let log = cluster().guard().unwrap().server.log();
        let marks = [
            r#"namespace="not-tillers""#.to_owned(),
            format!("name=\"{name}\""),
        ];
        let mut lines = log.lines();
        let line = lines.find(|line| marks.iter().all(|mark| line.contains(mark)));
        if let Some(line) = line {
            return line.to_owned();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no line about {name}");
}

#[tokio::test]
async fn they_are_stored_as_they_are_and_the_log_says_why() {
    let world = World::create("not-tillers").await;
    for (name, image, reason) in [
        (
            "tool",
            "registry.example.com/tools/tiller:v1",
            "a templating tool",
        ),
        (
            "tiller",
            "registry.example.com/other/tiller:v1",
            "controls a machine",
        ),
    ] {
        let stored = world.install(deployment(name, image)).await;
        let container = &stored["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container["image"], image);
        assert_eq!(container.get("securityContext"), None, "{container}");
        let line = logged(name).await;
        let told = format!("not_tiller=\"{reason}\"");
        assert!(
            line.contains(&told) && line.contains("unconcerned"),
            "{line}"
        );
    }
    let other = deployment("other", "registry.example.com/other/tiller:v1");
    let answer = world.try_install(other).await;
    assert_refused(
        answer,
        "image-repository",
        "/spec/template/spec/containers/0/image",
    );
}
