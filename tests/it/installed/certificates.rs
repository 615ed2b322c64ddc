//! The serving certificate, made and renewed by several replicas at once, and never missed by a request.

use std::time::{Duration, SystemTime};

use k8s_openapi::ByteString;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::json;
use tiller_guard::pki::{Bundle, WebhookCa};
use tokio::time::{Instant, sleep};

use super::load::{self, Load};
use super::service::Service;
use super::{World, soak};

pub(super) const KINDS: [&str; 2] = [
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];
const SECRET: &str = "tiller-guard-ca";
const IN_SYNC: &str = "tiller_guard_cabundle_in_sync";
const CA_END: &str = "tiller_guard_tls_ca_not_after_seconds";
/// Certificates are looked at ten times as often as usual.
pub(super) const OFTEN: &str = "--certificate-interval=1";
const YEAR: Duration = Duration::from_hours(365 * 24);

pub(super) fn count(bundle: &str) -> usize {
    bundle.matches("BEGIN CERTIFICATE").count()
}

/// Every leaf is of a CA in both bundles.
pub(super) async fn assert_accepted(world: &World, service: &Service) {
    for kind in KINDS {
        let bundle = world.bundle(kind).await;
        for replica in &service.replicas {
            assert!(replica.is_accepted(&bundle).await, "{kind}:\n{bundle}");
        }
    }
}

#[tokio::test]
async fn replicas_that_start_at_once_agree_on_one_ca() {
    let world = World::enter().await;
    for round in 0..soak(3, 50) {
        world.run(&["uninstall"]).await;
        world.install().await;
        let begin = Instant::now();
        let replicas = if round % 2 == 0 { 5 } else { 2 };
        let service = world.serve(replicas, &[]).await;
        assert!(begin.elapsed() < Duration::from_secs(10));
        for kind in KINDS {
            assert_eq!(count(&world.bundle(kind).await), 1);
        }
        let secret = world.secrets().get(SECRET).await.unwrap();
        let data = secret.data.unwrap();
        assert_eq!(data["tls.crt"], data["ca.crt"]);
        assert_accepted(&world, &service).await;
    }
}

#[tokio::test]
async fn leaves_change_all_the_time_without_a_failed_request() {
    let world = World::enter().await;
    world.install().await;
    // Renewed at two thirds of its life: every two seconds.
    let words = ["--certificate-lifetime=3", "--certificate-interval=0.2"];
    let service = world.serve(2, &words).await;
    let load = Load::start(&world);
    for replica in &service.replicas {
        let changed = "serving a new certificate";
        replica.until_logged_times(changed, soak(4, 150)).await;
    }
    load.stop_without_failure().await;
}

/// The next CA is made as by a replica that did so and died; one of the two replicas is late to see it.
#[tokio::test]
async fn a_ca_follows_another_without_a_failed_request_though_a_replica_lags() {
    let world = World::enter().await;
    world.install().await;
    let mut service = world.serve(1, &[OFTEN]).await;
    let lag = format!("--certificate-interval={}", soak(8, 120));
    service.add(&world, &[&lag]);
    service.all_ready().await;
    let load = Load::start(&world);
    let next = replace_ca(&world).await;
    wait_for_leaves(&service, &next).await;
    load.stop_without_failure().await;
    assert_accepted(&world, &service).await;
    // The old one is accepted until it is over.
    assert_eq!(count(&world.bundle(KINDS[1]).await), 2);
}

/// A process can be killed at each of these points; the others, and the next, go on from there.
#[tokio::test]
async fn whoever_is_killed_between_two_steps_of_a_rotation_leaves_what_others_go_on_from() {
    let world = World::enter().await;
    for published in 0..=2 {
        world.run(&["uninstall"]).await;
        world.install().await;
        let mut service = world.serve(2, &[OFTEN]).await;
        let load = Load::start(&world);
        let ended = service.remove(0).end("KILL");
        let next = replace_ca(&world).await;
        for kind in &KINDS[..published] {
            add_to_bundle(&world, kind, &next).await;
        }
        ended.await;
        service.add(&world, &[OFTEN]);
        service.all_ready().await;
        wait_for_leaves(&service, &next).await;
        let (_, failures) = load.stop().await;
        // Those that the killed one was asked at that moment.
        let at_once = load::clients() as usize;
        assert!(failures.len() <= at_once, "{published}: {failures:?}");
        assert_accepted(&world, &service).await;
    }
}

#[tokio::test]
async fn a_lost_secret_and_a_lost_bundle_are_made_again_and_a_lost_registration_is_counted() {
    let world = World::enter().await;
    world.install().await;
    let service = world.serve(2, &[OFTEN]).await;
    service.replicas[0].until_metric(IN_SYNC, 1).await;
    let year = YEAR.as_secs().cast_signed();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let left = service.replicas[0].metric(CA_END).await - now.unwrap().as_secs().cast_signed();
    assert!((year - 60..=year).contains(&left), "{left}");
    world
        .secrets()
        .delete(SECRET, &DeleteParams::default())
        .await
        .unwrap();
    let validating = world.registrations(KINDS[1]);
    let mut found = validating.get("tiller-guard").await.unwrap();
    for webhook in found.data["webhooks"].as_array_mut().unwrap() {
        webhook["clientConfig"]
            .as_object_mut()
            .unwrap()
            .remove("caBundle");
    }
    validating
        .replace("tiller-guard", &PostParams::default(), &found)
        .await
        .unwrap();
    let end = Instant::now() + Duration::from_secs(15);
    while world.secrets().get_opt(SECRET).await.unwrap().is_none()
        || world.bundle(KINDS[1]).await.is_empty()
    {
        assert!(Instant::now() < end, "{}", service.replicas[0].server.log());
        sleep(Duration::from_millis(100)).await;
    }
    world.until_told("protected-namespace").await;
    service.replicas[0].until_metric(IN_SYNC, 1).await;
    // Nobody asks any more.
    validating
        .delete("tiller-guard", &DeleteParams::default())
        .await
        .unwrap();
    service.replicas[0].until_metric(IN_SYNC, 0).await;
}

/// Puts another CA in place of the one in the Secret, as a replica does when that one is due.
pub(super) async fn replace_ca(world: &World) -> WebhookCa {
    let now = SystemTime::now();
    let next = WebhookCa::create(now, YEAR).unwrap();
    let secrets = world.secrets();
    let mut secret = secrets.get(SECRET).await.unwrap();
    let data = secret.data.as_mut().unwrap();
    let before = String::from_utf8(data["ca.crt"].0.clone()).unwrap();
    let mut bundle = Bundle::read(&before, now);
    bundle.add(&next);
    let mut put =
        |key: &str, text: String| data.insert(key.to_owned(), ByteString(text.into_bytes()));
    put("tls.crt", next.certificate_pem());
    put("tls.key", next.key_pem());
    put("ca.crt", bundle.to_pem());
    secrets
        .replace(SECRET, &PostParams::default(), &secret)
        .await
        .unwrap();
    next
}

async fn add_to_bundle(world: &World, kind: &str, next: &WebhookCa) {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    let text = BASE64_STANDARD.encode(world.bundle(kind).await + &next.certificate_pem());
    let registrations = world.registrations(kind);
    let mut webhooks = registrations.get("tiller-guard").await.unwrap().data["webhooks"].clone();
    for webhook in webhooks.as_array_mut().unwrap() {
        webhook["clientConfig"]["caBundle"] = json!(text);
    }
    let patch = Patch::Merge(json!({ "webhooks": webhooks }));
    registrations
        .patch("tiller-guard", &PatchParams::default(), &patch)
        .await
        .unwrap();
}

/// Until every replica serves a leaf of this CA.
pub(super) async fn wait_for_leaves(service: &Service, ca: &WebhookCa) {
    let pem = ca.certificate_pem();
    let end = Instant::now() + Duration::from_secs(u64::from(soak(40, 200)));
    for replica in &service.replicas {
        while !replica.is_accepted(&pem).await {
            assert!(Instant::now() < end, "{}", replica.server.log());
            sleep(Duration::from_millis(100)).await;
        }
    }
}
