//! A bundle that somebody takes away is put back at once: `helm upgrade --force-replace` empties both.

use std::time::Duration;

use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::World;
use super::certificates::{KINDS, assert_accepted};
use super::diagnoses::Diagnosis;

/// Within which a bundle is back.
const SOON: Duration = Duration::from_secs(1);

/// What becomes of a bundle.
#[derive(Debug, Clone, Copy)]
enum Harm {
    Emptied,
    Removed,
    /// The configuration is deleted, and made anew without it.
    Replaced,
}

fn without_bundle(found: &DynamicObject, harm: Harm) -> DynamicObject {
    let mut found = found.clone();
    for webhook in found.data["webhooks"].as_array_mut().unwrap() {
        let client = webhook["clientConfig"].as_object_mut().unwrap();
        match harm {
            Harm::Emptied => client.insert("caBundle".to_owned(), json!("")),
            Harm::Removed | Harm::Replaced => client.remove("caBundle"),
        };
    }
    found
}

impl World {
    async fn harm(&self, kind: &str, harm: Harm) {
        let api = self.registrations(kind);
        let mut harmed = without_bundle(&api.get("tiller-guard").await.unwrap(), harm);
        if let Harm::Replaced = harm {
            let parameters = DeleteParams::default();
            drop(api.delete("tiller-guard", &parameters).await.unwrap());
            harmed.metadata.resource_version = None;
            harmed.metadata.uid = None;
            api.create(&PostParams::default(), &harmed).await.unwrap();
        } else {
            let parameters = PostParams::default();
            api.replace("tiller-guard", &parameters, &harmed)
                .await
                .unwrap();
        }
    }

    /// Whether every webhook of a configuration has a bundle.
    async fn has_bundles(&self, kind: &str) -> bool {
        let found = self.registrations(kind).get("tiller-guard").await.unwrap();
        let mut webhooks = found.data["webhooks"].as_array().unwrap().iter();
        let bundle = |webhook: &Value| {
            let text = webhook.pointer("/clientConfig/caBundle");
            text.and_then(Value::as_str).map(ToOwned::to_owned)
        };
        webhooks.all(|webhook| bundle(webhook).is_some_and(|text| !text.is_empty()))
    }

    async fn until_bundles(&self, kind: &str) {
        while !self.has_bundles(kind).await {
            sleep(Duration::from_millis(10)).await;
        }
    }
}

/// By the watches: both replicas look by themselves every ten seconds only.
#[tokio::test]
async fn a_bundle_that_is_taken_away_is_back_within_a_second() {
    let world = World::enter().await;
    world.install().await;
    let service = world.serve(2, &[]).await;
    world.until_told("protected-namespace").await;
    sleep(SOON * 2).await;
    for harm in [Harm::Emptied, Harm::Removed, Harm::Replaced] {
        let mut healed = Vec::new();
        // A machine that does much else may be late once.
        while healed.len() < 3 && healed.iter().all(|took| *took >= SOON) {
            for kind in KINDS {
                world.harm(kind, harm).await;
            }
            let changed = Instant::now();
            for kind in KINDS {
                let back = timeout(SOON * 5, world.until_bundles(kind)).await;
                let log = service.replicas[0].server.log();
                assert!(back.is_ok(), "{kind} {harm:?}\n{log}");
            }
            healed.push(changed.elapsed());
            sleep(SOON * 2).await;
        }
        let soon = healed.iter().any(|took| *took < SOON);
        assert!(soon, "{harm:?} is healed after {healed:?}");
    }
    assert_accepted(&world, &service).await;
    world.until_told("protected-namespace").await;
}

/// As by who tries something out, or releases again and again: our own writes are no reason to be late.
#[tokio::test]
async fn ten_edits_in_a_row_are_each_healed_within_a_second() {
    let world = World::enter().await;
    world.install().await;
    let service = world.serve(1, &[]).await;
    world.until_told("protected-namespace").await;
    sleep(SOON * 2).await;
    let mut late = Vec::new();
    for edit in 0..10 {
        let kind = KINDS[edit % 2];
        world.harm(kind, Harm::Emptied).await;
        let changed = Instant::now();
        let back = timeout(SOON * 10, world.until_bundles(kind)).await;
        assert!(back.is_ok(), "{}", service.replicas[0].server.log());
        if changed.elapsed() >= SOON {
            late.push((edit, changed.elapsed()));
        }
        sleep(SOON * 2).await;
    }
    // A machine that does much else may be late once.
    assert!(late.len() < 2, "{late:?}");
}

/// Somebody who empties a bundle as soon as it is there wins, and costs the API server little; once they leave, so is it
/// healed.
#[tokio::test]
async fn whoever_fights_for_an_empty_bundle_is_not_fought_in_a_hot_loop() {
    const FIGHT: Duration = Duration::from_secs(15);
    let world = World::enter().await;
    world.install().await;
    let service = world.serve(1, &[]).await;
    world.until_told("protected-namespace").await;
    sleep(SOON * 2).await;
    let [kind, _] = KINDS;
    let api = world.registrations(kind);
    let begun = Instant::now();
    let mut emptied = 0;
    while begun.elapsed() < FIGHT {
        if world.has_bundles(kind).await {
            let found = api.get("tiller-guard").await.unwrap();
            let empty = without_bundle(&found, Harm::Emptied).data["webhooks"].clone();
            let patch = Patch::Merge(json!({ "webhooks": empty }));
            let parameters = PatchParams::default();
            api.patch("tiller-guard", &parameters, &patch)
                .await
                .unwrap();
            emptied += 1;
        }
        sleep(Duration::from_millis(5)).await;
    }
    let log = service.replicas[0].server.log();
    assert!((3..40).contains(&emptied), "{emptied}\n{log}");
    let left = timeout(Duration::from_secs(11), world.until_bundles(kind)).await;
    assert!(left.is_ok(), "{}", service.replicas[0].server.log());
}

/// Its pods would enforce another policy than the one that is read here.
#[tokio::test]
async fn a_deployment_that_reads_another_policy_is_told_until_install_has_restored_it() {
    let world = World::enter().await;
    world.install().await;
    let deployments = world.objects("apps", "v1", "Deployment", "tiller-guard");
    let own = json!({ "name": "tiller-guard", "args": ["serve", "--policy=/tmp/lax.yaml"] });
    let patch = json!({ "spec": { "template": { "spec": { "containers": [own] } } } });
    let patched = deployments
        .patch(
            "tiller-guard",
            &PatchParams::default(),
            &Patch::Strategic(patch),
        )
        .await;
    drop(patched.unwrap());
    let lacks = "args lacks --policy=/etc/tiller-guard/policy.yaml";
    let told = Diagnosis::of(&world).await;
    told.assert_bad("deployment", lacks, "run tiller-guard install");
    world.install().await;
    let restored = Diagnosis::of(&world).await;
    assert_eq!(restored.check("deployment")["status"], "good");
}
