//! Installations that do not prove themselves: nothing is refused on account of them.

use std::cell::Cell;
use std::future::Future;
use std::process::Output;

use kube::api::{DeleteParams, PostParams};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use super::certificates::KINDS;
use super::diagnoses::Diagnosis;
use super::leaving::{registered, until_nobody_is_asked};
use super::{World, said};
use crate::cluster::Folder;
use crate::suite::{Feature, skip};

impl World {
    /// Whether a pod that is no Tiller can be made, with an account of its own and in whatever namespace.
    pub(super) async fn can_make_pods(&self, name: &str) -> Result<(), kube::Error> {
        let pods = self.objects("", "v1", "Pod", "default");
        let pod = json!({
            "metadata": { "name": name },
            "spec": { "containers": [{ "name": "other", "image": "example/tiller-other:1" }] },
        });
        let pod = serde_json::from_value(pod).unwrap();
        pods.create(&PostParams::default(), &pod).await?;
        let now = DeleteParams::default().grace_period(0);
        pods.delete(name, &now).await.map(drop)
    }

    /// While something is done, pods can be made. The last of them is deleted too.
    async fn making_pods<T>(&self, name: &str, work: impl Future<Output = T>) -> T {
        let done = Cell::new(false);
        let making = async {
            while !done.get() {
                self.can_make_pods(name).await.unwrap();
                sleep(Duration::from_millis(100)).await;
            }
        };
        let work = async {
            let result = work.await;
            done.set(true);
            result
        };
        tokio::join!(work, making).0
    }

    /// Installs where nodes report pods as ready that nobody reaches.
    async fn installs_for_nobody(&self) -> Output {
        let nodes = async {
            let deployments = self.objects("apps", "v1", "Deployment", "tiller-guard");
            while deployments.get_opt("tiller-guard").await.unwrap().is_none() {
                sleep(Duration::from_millis(50)).await;
            }
            self.play_nodes().await;
        };
        let words = ["install", self.service_port, "--wait=20"];
        tokio::join!(self.run(&words), nodes).0
    }
}

#[tokio::test]
async fn an_installation_that_nobody_reaches_takes_its_webhooks_back() {
    let world = World::enter().await;
    if !Feature::ServicePort.is_in(world.cluster.version()) {
        skip("webhooks select objects by label in Kubernetes 1.15 and later");
        return;
    }
    until_nobody_is_asked(&world).await;
    let begun = Instant::now();
    let installing = Box::pin(world.installs_for_nobody());
    let installed = world.making_pods("unproven", installing).await;
    let told = said(&installed);
    assert_eq!(installed.status.code(), Some(1), "{told}");
    for words in [
        "trying the webhooks with an unhardened Tiller",
        "✗ mutate.tiller-guard.io: the API server cannot ask (nobody-there)",
        "✗ validate.tiller-guard.io: the API server cannot ask (nobody-there)",
        "deleted   ValidatingWebhookConfiguration tiller-guard",
        "the webhook configurations were removed, so that nothing is refused",
    ] {
        assert!(told.contains(words), "{words} in {told}");
    }
    assert!(!told.contains("run tiller-guard install"), "{told}");
    assert_eq!(registered(&world).await, [""; 0]);
    world.can_make_pods("unproven").await.unwrap();
    assert!(begun.elapsed() < Duration::from_mins(1));
}

#[tokio::test]
async fn an_upgrade_that_nobody_reaches_refuses_nothing_until_somebody_answers() {
    let world = World::enter().await;
    world.install().await;
    drop(world.serve(1, &[]).await);
    world.until_told("failed calling").await;
    let upgraded = world.installs_for_nobody().await;
    let told = said(&upgraded);
    assert_eq!(upgraded.status.code(), Some(1), "{told}");
    let ignores =
        "both webhook configurations now have failurePolicy: Ignore, so that nothing is refused";
    assert!(told.contains(ignores), "{told}");
    for kind in KINDS {
        let found = world.registrations(kind).get("tiller-guard").await.unwrap();
        for webhook in found.data["webhooks"].as_array().unwrap() {
            assert_eq!(webhook["failurePolicy"], "Ignore", "{webhook}");
        }
    }
    until_nobody_is_asked(&world).await;
    // It guards again once it answers, and once more for certain after the next installation.
    let service = world.serve(1, &[]).await;
    world.until_told("protected-namespace").await;
    let words = ["install", world.service_port, "--wait=20"];
    let (again, ()) = tokio::join!(world.run(&words), world.play_nodes());
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
    drop(service);
    world.until_told("failed calling").await;
}

/// Whatever the policy's mode: what is tried is refused, and is no refusal in metrics and logs.
#[tokio::test]
async fn what_is_tried_is_refused_in_every_mode_and_counted_apart() {
    let world = World::enter().await;
    let folder = Folder::create().unwrap();
    let text = "apiVersion: tiller-guard.io/v1\nkind: Policy\nmode: audit\n";
    let policy = format!("--policy={}", folder.write("policy.yaml", text).unwrap());
    let words = ["install", world.service_port, "--wait=0", &policy];
    let installed = world.run(&words).await;
    assert_eq!(installed.status.code(), Some(0), "{}", said(&installed));
    let service = world.serve(1, &[&policy]).await;
    world.play_nodes().await;
    let end = Instant::now() + Duration::from_secs(15);
    let good = loop {
        let found = Diagnosis::of(&world).await;
        if found.check("validating-proof")["status"] == "good" {
            break found;
        }
        assert!(Instant::now() < end, "{:#?}", found.checks);
        sleep(Duration::from_millis(200)).await;
    };
    assert_eq!(good.code, Some(0), "{:#?}", good.checks);
    assert_eq!(good.check("mutating-proof")["status"], "good");
    let mode: &Value = good.check("mode");
    assert_eq!(mode["status"], "doubtful", "{mode}");
    // Another Tiller is let in.
    assert_eq!(world.try_tiller().await, Ok(()));
    let (mut trials, mut logged) = (0, String::new());
    for replica in &service.replicas {
        let metrics = replica.metrics().await;
        assert!(!metrics.contains("decision=\"refused\""), "{metrics}");
        let lines = metrics.lines().filter(|line| {
            line.starts_with("tiller_guard_admission_requests_total{")
                && line.contains("decision=\"trial\"")
        });
        trials += lines.count();
        replica.until_logged(" trial ").await;
        logged += &replica.server.log();
    }
    assert!(trials >= 2, "{logged}");
}
