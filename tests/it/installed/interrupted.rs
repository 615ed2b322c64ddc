//! `install` and `uninstall` that are killed after each of their writes, and run again; and what Ctrl-C says.

use kube::api::DeleteParams;
use serde_json::Value;
use tokio::time::{Duration, Instant, sleep};

use super::certificates::KINDS;
use super::diagnoses::Diagnosis;
use super::leaving::{assert_writable, registered, until_nobody_is_asked};
use super::{World, said};
use crate::provision::proxy::{Asked, interrupted, killed_after, written};
use crate::suite::Feature;

/// The label of what is tried; a webhook that asks about nothing else refuses nothing else.
const TRIAL: &str = "tiller-guard.io/trial";

impl World {
    /// Whether the webhooks that are there ask about trials only.
    async fn asks_about_trials_only(&self) -> bool {
        for kind in KINDS {
            let found = self.registrations(kind).get_opt("tiller-guard").await;
            let Some(found) = found.unwrap() else {
                continue;
            };
            let mut webhooks = found.data["webhooks"].as_array().unwrap().iter();
            let label = |webhook: &Value| webhook["objectSelector"]["matchLabels"][TRIAL] == "true";
            if !webhooks.all(label) {
                return false;
            }
        }
        true
    }

    async fn is_complete(&self) {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let told = Diagnosis::of(self).await;
            if told.code == Some(0) {
                return;
            }
            assert!(Instant::now() < end, "{told:?}");
            sleep(Duration::from_millis(200)).await;
        }
    }
}

/// Into a cluster with nothing in it: the second run makes what the first one did not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_that_is_killed_before_its_pods_are_ready_is_completed_by_the_next() {
    let world = World::enter().await;
    let words = ["install", world.service_port, "--wait=0"];
    let mut writes = 0;
    loop {
        let ended = killed_after(writes, world.client.clone(), &words).await;
        // Nobody is asked yet, unless the webhook configurations came last.
        let installed = world.run(&words).await;
        assert_eq!(
            installed.status.code(),
            Some(0),
            "{writes}: {}",
            said(&installed)
        );
        for (group, kind) in [
            ("", "Service"),
            ("", "ServiceAccount"),
            ("apps", "Deployment"),
        ] {
            let objects = world.objects(group, "v1", kind, "tiller-guard");
            objects.get("tiller-guard").await.unwrap();
        }
        assert_eq!(registered(&world).await.len(), 2, "{writes}");
        for id in ["mutating-configuration", "validating-configuration"] {
            let told = Diagnosis::of(&world).await;
            let message = told.check(id)["message"].as_str().unwrap();
            // There is no pod that writes it.
            let lacks = message.contains("has no caBundle yet");
            assert!(lacks && message.lines().count() < 12, "{writes}: {message}");
        }
        let gone = world.run(&["uninstall"]).await;
        assert_eq!(gone.status.code(), Some(0), "{writes}: {}", said(&gone));
        if ended.is_some() {
            break;
        }
        writes += 1;
    }
    assert!(writes > 8, "{writes} writes");
}

/// The trial's webhooks refuse nothing else, whenever it ends; the next run completes them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_that_is_killed_in_its_trial_refuses_nothing_and_is_completed_by_the_next()
{
    let world = World::enter().await;
    world.install().await;
    let _service = world.serve(2, &[]).await;
    let has_trials = Feature::ServicePort.is_in(world.cluster.version());
    let words = ["install", world.service_port, "--wait=20"];
    let mut trials = 0;
    for writes in 0..8 {
        for kind in KINDS {
            let registrations = world.registrations(kind);
            let deleted = registrations
                .delete("tiller-guard", &DeleteParams::default())
                .await;
            drop(deleted.unwrap());
        }
        let install = killed_after(writes, world.client.clone(), &words);
        let (ended, ()) = tokio::join!(install, world.play_nodes());
        assert_eq!(ended, None, "{writes}");
        let registered = registered(&world).await;
        if has_trials && !registered.is_empty() && world.asks_about_trials_only().await {
            trials += 1;
            world.can_make_pods("interrupted").await.unwrap();
        }
        let (again, ()) = tokio::join!(world.run(&words), world.play_nodes());
        assert_eq!(again.status.code(), Some(0), "{writes}: {}", said(&again));
        assert!(!world.asks_about_trials_only().await, "{writes}");
        world.is_complete().await;
    }
    assert!(
        trials > 1 || !has_trials,
        "{trials} were killed in their trial"
    );
}

/// Wherever it is killed, nothing is refused because nobody answers: the webhook configurations go first, before their Service.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_that_is_killed_refuses_nothing_and_is_completed_by_the_next() {
    let world = World::enter().await;
    let mut writes = 0;
    loop {
        world.install().await;
        let ended = killed_after(writes, world.client.clone(), &["uninstall"]).await;
        let services = world.objects("", "v1", "Service", "tiller-guard");
        let has_service = services.get_opt("tiller-guard").await.unwrap().is_some();
        let asked = registered(&world).await;
        assert!(asked.is_empty() || has_service, "{writes}: {asked:?}");
        assert_eq!(asked.len(), 2_usize.saturating_sub(writes), "{writes}");
        if asked.is_empty() {
            until_nobody_is_asked(&world).await;
            assert_writable(&world).await;
        }
        let again = world.run(&["uninstall"]).await;
        assert_eq!(again.status.code(), Some(0), "{writes}: {}", said(&again));
        assert_eq!(registered(&world).await, [""; 0]);
        assert!(services.get_opt("tiller-guard").await.unwrap().is_none());
        if ended.is_some() {
            break;
        }
        writes += 1;
    }
    assert!(writes > 10, "{writes} writes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_says_how_far_it_was_and_which_command_continues() {
    let world = World::enter().await;
    let words = ["install", world.service_port, "--wait=0"];
    let objects: fn(&[Asked]) -> bool = |asked| written(asked) > 3;
    let registers: fn(&[Asked]) -> bool = |asked| {
        let mut writes = asked.iter().filter(|it| it.writes());
        writes.any(|it| it.path.contains("webhookconfigurations"))
    };
    for (stops, half_done) in [
        (
            objects,
            "installation: objects; the webhook configurations are as before",
        ),
        (registers, "installation: webhook configurations"),
    ] {
        let run = interrupted(world.client.clone(), &words, stops).await;
        assert_eq!(run.code, Some(130), "{}{}", run.stdout, run.stderr);
        let told = format!(
            "interrupted; half done:\n  {half_done}\nrun the same command again, and it does the rest:\n  \
             tiller-guard install {} --wait=0 ",
            world.service_port
        );
        assert!(run.stderr.contains(&told), "{}", run.stderr);
    }
    world.install().await;
    let stops = |asked: &[_]| written(asked) > 4;
    let run = interrupted(world.client.clone(), &["uninstall"], stops).await;
    assert_eq!(run.code, Some(130), "{}{}", run.stdout, run.stderr);
    let told = "  removal: the webhook configurations are deleted, so that nothing is refused; other objects are left\n";
    assert!(run.stderr.contains(told), "{}", run.stderr);
    let again = world.run(&["uninstall"]).await;
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
}
