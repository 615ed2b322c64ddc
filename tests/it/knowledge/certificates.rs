//! Secrets with Tillers' certificates that nobody judged when they came.

use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, KeyPair};
use serde_json::json;

use super::teams::{guards_namespace, team};
use super::{create, delete, eventually, refusal, tiller};
use crate::api_server::refuse::assert_refused;
use crate::api_server::{World, cluster};
use crate::cluster::get;

/// A Secret from before the guard, with a CA that is not the team's.
#[tokio::test]
async fn a_tiller_that_would_trust_a_strange_ca_is_refused() {
    cluster();
    let labels = json!({ crate::cluster::UNGUARDED: "" });
    let before = World::create_labelled("strange-ca", labels).await;
    let strange = crate::cluster::TestCa::create().unwrap().certificate();
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": "tiller-tls" },
        "stringData": { "ca.crt": strange },
    });
    create(&before, &secret).await.unwrap();
    let guarded = json!({ "metadata": { "labels": { crate::cluster::UNGUARDED: null } } });
    let patch = kube::api::Patch::Merge(guarded);
    let _guarded = super::api(&before, "Namespace")
        .patch("strange-ca", &kube::api::PatchParams::default(), &patch)
        .await
        .unwrap();
    let guard = guards_namespace().await;
    let data = json!({
        "tiller-namespace": "strange-ca",
        "service-account": "tiller",
        "ca-fingerprint": "0123456789abcdef".repeat(4),
    });
    create(&guard, &team("strange-ca", &data)).await.unwrap();
    let answer = refusal(&before, &tiller(&before, "tiller")).await;
    assert_refused(answer, "trusted-authority", "/spec/template/spec/volumes");
    delete(&before, "Secret", "tiller-tls").await;
    eventually("Tiller without the Secret", || async {
        create(&before, &tiller(&before, "tiller")).await.ok()
    })
    .await;
    delete(&guard, "ConfigMap", "strange-ca").await;
}

/// No other certificate of these tests ended so early.
#[tokio::test]
async fn the_first_end_of_a_tillers_certificate_is_counted() {
    const END: u64 = 1_000_000_000;
    let health = cluster().guard().unwrap().health;
    let labels = json!({ crate::cluster::UNGUARDED: "" });
    let world = World::create_labelled("ended-certificate", labels).await;
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(END);
    let mut parameters = CertificateParams::default();
    parameters.not_before = (end - Duration::from_hours(24)).into();
    parameters.not_after = end.into();
    let ended = parameters.self_signed(&KeyPair::generate().unwrap());
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "tiller-tls",
            "annotations": { "tiller-guard.io/people-not-after": "2001-09-09T01:46:40Z" },
        },
        "stringData": { "tls.crt": ended.unwrap().pem() },
    });
    create(&world, &secret).await.unwrap();
    let line = format!("tiller_guard_team_cert_not_after_seconds{{certificate=\"tiller\"}} {END}");
    let person = "tiller_guard_team_cert_not_after_seconds{certificate=\"person\"} 1000000000";
    let shows = || async {
        let metrics = get(health, "/metrics").unwrap();
        let has = |line: &str| metrics.lines().any(|it| it == line);
        has(&line) && has(person)
    };
    eventually("end of the certificate", || async {
        shows().await.then_some(())
    })
    .await;
    delete(&world, "Secret", "tiller-tls").await;
    eventually("other end", || async { (!shows().await).then_some(()) }).await;
}

/// The Secrets that hold no certificate, of the shared world.
fn unreadable() -> u64 {
    let metrics = get(cluster().guard().unwrap().health, "/metrics").unwrap();
    let value = metrics
        .lines()
        .find_map(|it| it.strip_prefix("tiller_guard_team_certs_unreadable "));
    value.unwrap().parse().unwrap()
}

/// A Secret with a file that is no certificate is counted until it is gone.
#[tokio::test]
async fn a_certificate_that_cannot_be_read_is_counted() {
    let labels = json!({ crate::cluster::UNGUARDED: "" });
    let world = World::create_labelled("unreadable-certificate", labels).await;
    for file in ["tls.crt", "ca.crt"] {
        let before = unreadable();
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": { "name": "tiller-tls" },
            "stringData": { file: "no certificate" },
        });
        create(&world, &secret).await.unwrap();
        eventually("one more", || async {
            (unreadable() > before).then_some(())
        })
        .await;
        delete(&world, "Secret", "tiller-tls").await;
        eventually("one less", || async {
            (unreadable() <= before).then_some(())
        })
        .await;
    }
}
