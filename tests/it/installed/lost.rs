//! What somebody changed or deleted keeps no command from its work.

use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

use super::leaving::registered;
use super::{World, said};

/// A webhook that leads to another namespace is drift, and no installation there.
#[tokio::test]
async fn a_webhook_that_leads_elsewhere_is_drift_that_every_command_gets_over() {
    let world = World::enter().await;
    world.install().await;
    let leads_elsewhere = async || {
        let configurations = world.registrations("ValidatingWebhookConfiguration");
        let found = configurations.get("tiller-guard").await.unwrap();
        let mut webhooks = found.data["webhooks"].clone();
        webhooks[0]["clientConfig"]["service"]["namespace"] = json!("default");
        let patch = Patch::Merge(json!({ "webhooks": webhooks }));
        let parameters = PatchParams::default();
        let patched = configurations.patch("tiller-guard", &parameters, &patch);
        patched.await.unwrap();
    };
    leads_elsewhere().await;
    let doctor = world.run(&["doctor", world.service_port]).await;
    assert_eq!(doctor.status.code(), Some(1), "{}", said(&doctor));
    let drift = "✗ validating-configuration: ValidatingWebhookConfiguration tiller-guard differs";
    assert!(said(&doctor).contains(drift), "{}", said(&doctor));
    let again = world
        .run(&["install", world.service_port, "--wait=0"])
        .await;
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
    leads_elsewhere().await;
    let gone = world.run(&["uninstall"]).await;
    assert_eq!(gone.status.code(), Some(0), "{}", said(&gone));
    assert_eq!(registered(&world).await, [""; 0]);
}

/// Nobody guesses the mode of an installation whose policy is gone.
#[tokio::test]
async fn a_policy_that_is_gone_is_missed_and_not_guessed() {
    let world = World::enter().await;
    world.install().await;
    let maps = world.objects("", "v1", "ConfigMap", "tiller-guard");
    let parameters = DeleteParams::default();
    maps.delete("tiller-guard-policy", &parameters)
        .await
        .unwrap();
    let doctor = world.run(&["doctor", world.service_port]).await;
    assert_eq!(doctor.status.code(), Some(1), "{}", said(&doctor));
    let missed = "✗ policy: there is no policy.yaml in ConfigMap tiller-guard/tiller-guard-policy";
    assert!(said(&doctor).contains(missed), "{}", said(&doctor));
    let words = ["install", world.service_port, "--wait=0"];
    let again = world.run(&words).await;
    assert_eq!(again.status.code(), Some(2), "{}", said(&again));
    let error = "error: tiller-guard is installed, and its policy is missing: pass --mode MODE";
    assert!(said(&again).contains(error), "{}", said(&again));
    assert!(maps.get_opt("tiller-guard-policy").await.unwrap().is_none());
    let again = world.run(&[&words[..], &["--mode=freeze"]].concat()).await;
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
    let found = maps.get("tiller-guard-policy").await.unwrap();
    let text = found.data["data"]["policy.yaml"].as_str().unwrap();
    assert!(text.contains("mode: freeze"), "{text}");
}
