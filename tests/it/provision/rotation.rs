//! A new CA with overlap, and the wait for Tiller.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::{Value, json};
use tiller_guard::pki::team::Certificate;

use super::cluster::{World, assert_tells, done, make, provision, refused, tried};
use super::proxy::killed_after;
use crate::offline::run;
use crate::suite::Feature;

/// The certificates under a key of a Secret.
pub(super) fn certificates(secret: &Value, key: &str) -> Vec<Certificate> {
    let text = secret["data"][key].as_str().unwrap();
    Certificate::read_all(&STANDARD.decode(text).unwrap()).unwrap()
}

pub(super) async fn bundle(world: &World, team: &str) -> Value {
    let names = world.labelled(team).await;
    let start = format!("team-{team}-user-ada-");
    let name = names.iter().find(|name| name.starts_with(&start)).unwrap();
    world.secret("tiller-guard", name).await
}

#[tokio::test]
async fn a_new_ca_takes_over_while_the_old_one_is_trusted() {
    let world = World::create().await;
    done(make("p-turn", &["--user=ada"]));
    let server = world.secret("p-turn-t", "tiller-tls").await;
    let old = certificates(&server, "ca.crt").remove(0);

    let told = done(provision(&["rotate", "p-turn", "--no-wait"]));
    assert!(told.contains("new bundle for the user ada"), "{told}");
    assert!(told.contains("rotate p-turn --finish`"), "{told}");
    assert!(
        told.contains("Deployment p-turn-t/tiller-deploy updated"),
        "{told}"
    );
    let during = world.secret("p-turn-t", "tiller-tls").await;
    let trusted = certificates(&during, "ca.crt");
    assert_eq!(trusted.len(), 2);
    let new = trusted[0].clone();
    assert_eq!(trusted[1], old);
    // Who has the old bundle still trusts Tiller, and is trusted.
    assert_eq!(during["data"]["tls.crt"], server["data"]["tls.crt"]);
    let ada = bundle(&world, "p-turn").await;
    assert!(new.has_issued(&certificates(&ada, "cert.pem")[0]));
    assert_eq!(certificates(&ada, "ca.pem"), trusted);

    let unchanged = done(make("p-turn", &["--user=ada"]));
    assert_tells(&unchanged, "nothing to change");
    let twice = done(provision(&["rotate", "p-turn", "--no-wait"]));
    assert_tells(&twice, "the CA was already rotated; nothing is missing");
    assert_tells(&twice, "nothing to change");
    assert_tells(&twice, "rotate p-turn --finish`");
    assert_eq!(world.secret("p-turn-t", "tiller-tls").await, during);

    let told = done(provision(&["rotate", "p-turn", "--finish", "--no-wait"]));
    assert!(!told.contains("new bundle"), "{told}");
    let after = world.secret("p-turn-t", "tiller-tls").await;
    assert_eq!(certificates(&after, "ca.crt"), std::slice::from_ref(&new));
    assert!(new.has_issued(&certificates(&after, "tls.crt")[0]));
    // Whatever runs later does not trust the old one again.
    let ca = world.secret("tiller-guard", "team-p-turn-ca").await;
    assert_eq!(ca["data"].get("retiring.crt"), None);
    let renewed = done(provision(&["renew", "p-turn", "--no-wait"]));
    assert_tells(&renewed, "nothing is due");
    let renewed = world.secret("p-turn-t", "tiller-tls").await;
    assert_eq!(renewed["data"], after["data"]);
    let team = world
        .object("v1", "ConfigMap", "tiller-guard", "p-turn")
        .await;
    assert_eq!(
        team["data"]["ca-fingerprint"],
        new.fingerprint().to_string()
    );
}

#[tokio::test]
async fn a_new_ca_takes_over_at_once_where_that_is_asked_for() {
    let world = World::create().await;
    done(make("p-now", &["--user=ada"]));
    let before = world.secret("p-now-t", "tiller-tls").await;
    let ada = bundle(&world, "p-now").await;
    let dry_run = provision(&["rotate", "p-now", "--now", "--dry-run=server"]);
    if let Some(told) = tried(dry_run) {
        let line = "p-now: Secret tiller-guard/team-p-now-ca updated (dry run)\n";
        assert_tells(&told, line);
    }
    assert_eq!(world.secret("p-now-t", "tiller-tls").await, before);

    let told = done(provision(&["rotate", "p-now", "--now", "--no-wait"]));
    // The CA, Tiller's Secret, the bundle, the registration with the CA's fingerprint, and Tiller's pods.
    assert_tells(&told, "p-now: 5 of 18 objects changed\n");
    assert_tells(&told, "new bundle for the user ada");
    assert!(!told.contains("--finish"), "{told}");
    let after = world.secret("p-now-t", "tiller-tls").await;
    let old = certificates(&before, "ca.crt").remove(0);
    let trusted = certificates(&after, "ca.crt");
    let [new] = &trusted[..] else {
        panic!("{trusted:?}")
    };
    assert_ne!(*new, old);
    assert!(new.has_issued(&certificates(&after, "tls.crt")[0]));
    let ada_now = bundle(&world, "p-now").await;
    assert!(old.has_issued(&certificates(&ada, "cert.pem")[0]));
    assert!(new.has_issued(&certificates(&ada_now, "cert.pem")[0]));
    assert_eq!(certificates(&ada_now, "ca.pem"), trusted);
    let team = world
        .object("v1", "ConfigMap", "tiller-guard", "p-now")
        .await;
    assert_eq!(
        team["data"]["ca-fingerprint"],
        new.fingerprint().to_string()
    );
    assert_eq!(
        done(make("p-now", &["--user=ada"])),
        "p-now: nothing to change; 18 objects\n"
    );
}

/// The CA of a team, and whether Tiller and the user `ada` have certificates of it and trust no other.
async fn only_ca(world: &World, team: &str) -> Certificate {
    let secret = world
        .secret("tiller-guard", &format!("team-{team}-ca"))
        .await;
    let ca = certificates(&secret, "tls.crt").remove(0);
    let server = world.secret(&format!("{team}-t"), "tiller-tls").await;
    let ada = bundle(world, team).await;
    for (secret, trusted, issued) in [(&server, "ca.crt", "tls.crt"), (&ada, "ca.pem", "cert.pem")]
    {
        let trusted = certificates(secret, trusted);
        assert_eq!(trusted, std::slice::from_ref(&ca), "{team}");
        assert!(ca.has_issued(&certificates(secret, issued)[0]), "{team}");
    }
    ca
}

/// A CA that an interrupted run has made is brought in, with or without overlap; then the next run makes another.
#[tokio::test]
async fn a_new_ca_of_an_interrupted_run_is_brought_in() {
    let world = World::create().await;
    let all: [(&[&str], _, _); 2] = [(&["--now"], "now", 1..5), (&[], "overlap", 2..5)];
    for (options, name, kills) in all {
        for writes in kills {
            let team = format!("p-once-{name}-{writes}");
            done(make(&team, &["--user=ada"]));
            let rotate = [&["provision", "rotate", &team, "--no-wait"], options].concat();
            let ended = killed_after(writes, world.client.clone(), &rotate).await;
            assert_eq!(ended, None, "{team}");
            let name = format!("team-{team}-ca");
            let begun = world.secret("tiller-guard", &name).await;
            let begun = certificates(&begun, "tls.crt").remove(0);
            let now = ["rotate", &team, "--now", "--no-wait"];
            let told = done(provision(&now));
            assert_tells(&told, "an interrupted run has made a new CA already");
            assert_eq!(only_ca(&world, &team).await, begun, "{told}");
            let told = done(provision(&now));
            assert!(!told.contains("interrupted"), "{told}");
            assert_ne!(only_ca(&world, &team).await, begun, "{told}");
        }
    }
}

/// What a `grant` left that was interrupted is no reason to keep a CA.
#[tokio::test]
async fn a_missing_bundle_keeps_no_ca() {
    let world = World::create().await;
    done(make("p-lost", &["--user=ada"]));
    let before = only_ca(&world, "p-lost").await;
    let grant = ["provision", "grant", "p-lost", "--user=bob", "--no-wait"];
    killed_after(1, world.client.clone(), &grant).await;
    done(provision(&["rotate", "p-lost", "--now", "--no-wait"]));
    assert_ne!(only_ca(&world, "p-lost").await, before);
}

/// A CA that cannot be read is replaced; where the API server says nothing of it, nothing is.
#[tokio::test]
async fn a_damaged_ca_is_replaced_where_that_is_asked_for() {
    let world = World::create().await;
    done(make("p-damaged", &["--user=ada"]));
    let damage = json!({ "data": { "tls.key": STANDARD.encode("no key") } });
    let secrets = world.api("v1", "Secret", "tiller-guard");
    secrets
        .patch(
            "team-p-damaged-ca",
            &PatchParams::default(),
            &Patch::Merge(&damage),
        )
        .await
        .unwrap();
    let told = refused(make("p-damaged", &["--user=ada"]), 4);
    assert_tells(
        &told,
        "the CA in Secret tiller-guard/team-p-damaged-ca cannot be used",
    );
    assert_tells(&told, "`tiller-guard provision rotate p-damaged --now`");
    let told = done(provision(&["rotate", "p-damaged", "--now", "--no-wait"]));
    assert_tells(&told, "p-damaged: 5 of 18 objects changed\n");
}

/// No kubelet runs here: this says what one would, or what the controllers would say of that.
pub(super) async fn become_ready(world: &World, namespace: &str) {
    let parameters = PatchParams::default();
    if crate::api_server::cluster().has_controllers() {
        let pods = world.api("v1", "Pod", namespace);
        let ready = json!({ "type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z" });
        let status = json!({ "status": { "phase": "Running", "conditions": [ready] } });
        for pod in pods.list(&ListParams::default()).await.unwrap().items {
            let name = pod.metadata.name.unwrap();
            // A pod may go between the list and this.
            pods.patch_status(&name, &parameters, &Patch::Merge(&status))
                .await
                .ok();
        }
        return;
    }
    let deployments = world.api("apps/v1", "Deployment", namespace);
    let Some(live) = deployments.get_opt("tiller-deploy").await.unwrap() else {
        return;
    };
    let status = json!({ "status": {
        "observedGeneration": live.metadata.generation, "replicas": 1, "updatedReplicas": 1,
        "readyReplicas": 1, "availableReplicas": 1,
    } });
    deployments
        .patch_status("tiller-deploy", &parameters, &Patch::Merge(&status))
        .await
        .ok();
}

#[tokio::test]
async fn it_waits_until_tiller_is_ready_and_says_why_it_is_not() {
    let world = World::create().await;
    let words = [
        "p-wait",
        "--tiller-namespace=p-wait-t",
        "--target-namespace=p-wait",
    ];
    let late = provision(&[&words[..], &["--timeout=2"]].concat());
    assert_eq!(late.code, Some(124), "{}{}", late.stdout, late.stderr);
    assert!(
        late.stdout
            .contains("p-wait: waiting until Tiller is ready\n"),
        "{}",
        late.stdout
    );
    assert!(
        late.stderr
            .contains("error: p-wait: Tiller is not ready after 2 s"),
        "{}",
        late.stderr
    );
    assert!(
        late.stderr.contains("kubectl -n p-wait-t describe pods"),
        "{}",
        late.stderr
    );

    let kubeconfig = crate::api_server::cluster().kubeconfig();
    let kubeconfig = format!("--kubeconfig={}", kubeconfig.display());
    let waiting = tokio::task::spawn_blocking(move || {
        run(
            &[
                "provision",
                "p-wait",
                "--tiller-namespace=p-wait-t",
                "--target-namespace=p-wait",
                "--timeout=60",
                &kubeconfig,
            ],
            b"",
        )
    });
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!waiting.is_finished());
    while !waiting.is_finished() {
        become_ready(&world, "p-wait-t").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let made = waiting.await.unwrap();
    assert_eq!(made.code, Some(0), "{}{}", made.stdout, made.stderr);
    assert!(
        made.stdout.ends_with("p-wait: Tiller is ready\n"),
        "{}",
        made.stdout
    );
}

/// What the API server stores went through the webhooks as it was sent.
#[tokio::test]
async fn the_webhook_leaves_tiller_as_it_is() {
    let world = World::create().await;
    done(make("p-same", &[]));
    let stored = world
        .object("apps/v1", "Deployment", "p-same-t", "tiller-deploy")
        .await;
    let planned = run(
        &[
            "provision",
            "p-same",
            "--tiller-namespace=p-same-t",
            "--target-namespace=p-same",
            "-o",
            "json",
        ],
        b"",
    )
    .json();
    let planned = planned["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["kind"] == "Deployment")
        .unwrap();
    let (stored, planned) = (&stored["spec"]["template"], &planned["spec"]["template"]);
    let container = |pod: &Value| pod["spec"]["containers"][0].clone();
    for field in [
        "command",
        "args",
        "env",
        "securityContext",
        "volumeMounts",
        "image",
    ] {
        assert_eq!(
            container(stored)[field],
            container(planned)[field],
            "{field}"
        );
    }
    for field in ["volumes", "serviceAccountName"] {
        assert_eq!(stored["spec"][field], planned["spec"][field], "{field}");
    }
    let mut context = planned["spec"]["securityContext"].clone();
    if !Feature::SeccompField.is_in(crate::api_server::cluster().version()) {
        context.as_object_mut().unwrap().remove("seccompProfile");
    }
    assert_eq!(stored["spec"]["securityContext"], context);
    // The webhook notes what it hardens in an annotation of the pods only where it hardens.
    let mut annotations = stored["metadata"]["annotations"].clone();
    let mut expected = planned["metadata"]["annotations"].clone();
    for annotations in [&mut annotations, &mut expected] {
        annotations["tiller-guard.io/certificates"] = Value::Null;
    }
    assert_eq!(annotations, expected);
}
