//! A Secret of the CA that somebody fills with their own, deletes, or breaks, again and again.

use std::time::{Duration, SystemTime};

use k8s_openapi::ByteString;
use kube::api::{DeleteParams, PostParams};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use tiller_guard::pki::WebhookCa;
use tokio::time::{Instant, sleep};

use super::certificates::{KINDS, OFTEN, assert_accepted, count, wait_for_leaves};
use super::load::Load;
use super::service::Service;
use super::{World, soak};

const SECRET: &str = "tiller-guard-ca";

/// A CA as somebody else makes one.
fn of_somebody_else(lifetime: Duration) -> WebhookCa {
    let now = SystemTime::now();
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters
        .distinguished_name
        .push(DnType::CommonName, "Somebody Else Root CA");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters.not_before = (now - Duration::from_secs(1)).into();
    parameters.not_after = (now + lifetime).into();
    let key = KeyPair::generate().unwrap();
    let certificate = parameters.self_signed(&key).unwrap().pem();
    WebhookCa::from_pem(&certificate, &key.serialize_pem(), now).unwrap()
}

impl World {
    /// Writes keys of the Secret, and leaves the others.
    async fn write_secret(&self, data: &[(&str, &str)]) {
        let secrets = self.secrets();
        let mut secret = secrets.get(SECRET).await.unwrap();
        for (key, text) in data {
            let bytes = ByteString(text.as_bytes().to_vec());
            let data = secret.data.as_mut().unwrap();
            data.insert((*key).to_owned(), bytes);
        }
        let parameters = PostParams::default();
        secrets.replace(SECRET, &parameters, &secret).await.unwrap();
    }

    async fn put_ca(&self, ca: &WebhookCa) {
        let certificate = ca.certificate_pem();
        let data = [
            ("tls.crt", certificate.as_str()),
            ("tls.key", &ca.key_pem()),
            ("ca.crt", &certificate),
        ];
        self.write_secret(&data).await;
    }

    async fn delete_secret(&self) {
        let deleted = self
            .secrets()
            .delete(SECRET, &DeleteParams::default())
            .await;
        drop(deleted);
    }

    /// The certificate of the CA that the Secret holds; nothing where there is no Secret.
    async fn ca_now(&self) -> String {
        let secret = self.secrets().get_opt(SECRET).await.unwrap();
        let data = secret.and_then(|secret| secret.data).unwrap_or_default();
        let bytes = data.get("tls.crt").map(|bytes| bytes.0.clone());
        String::from_utf8(bytes.unwrap_or_default()).unwrap()
    }
}

/// Until the Secret holds another CA than this, and every replica serves a leaf of it.
async fn until_replaced(world: &World, service: &Service, before: &str) {
    let end = Instant::now() + Duration::from_mins(1);
    for replica in &service.replicas {
        loop {
            let ca = world.ca_now().await;
            let other = !ca.is_empty() && ca.trim() != before.trim();
            if other && replica.is_accepted(&ca).await {
                break;
            }
            assert!(Instant::now() < end, "{}", replica.server.log());
            sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test]
async fn a_ca_of_somebody_else_that_is_deleted_or_expires_fails_no_request() {
    let world = World::enter().await;
    world.install().await;
    let mut service = world.serve(1, &[OFTEN]).await;
    service.add(&world, &["--certificate-interval=4"]);
    service.all_ready().await;
    let load = Load::start(&world);

    let theirs = of_somebody_else(Duration::from_hours(24));
    world.put_ca(&theirs).await;
    wait_for_leaves(&service, &theirs).await;
    world.delete_secret().await;
    until_replaced(&world, &service, &theirs.certificate_pem()).await;

    let short = of_somebody_else(Duration::from_secs(40));
    world.put_ca(&short).await;
    wait_for_leaves(&service, &short).await;
    until_replaced(&world, &service, &short.certificate_pem()).await;
    load.stop_without_failure().await;
    assert_accepted(&world, &service).await;
}

/// As a tool does that takes it for a leftover. What is no longer served leaves the bundles half a minute after.
#[tokio::test]
async fn a_secret_that_is_deleted_again_and_again_fails_no_request_and_the_bundles_stay_small() {
    const MOST: usize = 20;
    let world = World::enter().await;
    world.install().await;
    let service = world.serve(2, &[OFTEN]).await;
    let load = Load::start(&world);
    for (pause, times) in [(700, 6), (3000, 3), (6500, 2)] {
        for _time in 0..soak(times, times * 10) {
            world.delete_secret().await;
            sleep(Duration::from_millis(pause)).await;
            for kind in KINDS {
                let held = count(&world.bundle(kind).await);
                assert!((1..=MOST).contains(&held), "{held} in the {kind}");
            }
        }
    }
    let end = Instant::now() + Duration::from_secs(50);
    for kind in KINDS {
        while count(&world.bundle(kind).await) > 1 {
            assert!(Instant::now() < end, "{}", service.replicas[0].server.log());
            sleep(Duration::from_millis(200)).await;
        }
    }
    load.stop_without_failure().await;
    assert_accepted(&world, &service).await;
}

/// What is known is written again: nothing is to be replaced.
#[tokio::test]
async fn a_secret_that_is_broken_gets_its_ca_back() {
    let world = World::enter().await;
    world.install().await;
    let service = world.serve(2, &[OFTEN]).await;
    let before = world.ca_now().await;
    for key in ["tls.key", "tls.crt"] {
        world.write_secret(&[(key, "broken")]).await;
        let end = Instant::now() + Duration::from_secs(15);
        while world.ca_now().await != before
            || world.secrets().get(SECRET).await.unwrap().data.unwrap()["tls.key"].0 == b"broken"
        {
            assert!(Instant::now() < end, "{}", service.replicas[0].server.log());
            sleep(Duration::from_millis(100)).await;
        }
    }
    assert_accepted(&world, &service).await;
}
