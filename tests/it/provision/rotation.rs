//! A new CA with overlap, and the wait for Tiller.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use tiller_guard::pki::team::Certificate;

use super::cluster::{World, provision};
use crate::offline::run;

/// The certificates under a key of a Secret.
fn certificates(secret: &Value, key: &str) -> Vec<Certificate> {
    let text = secret["data"][key].as_str().unwrap();
    Certificate::read_all(&STANDARD.decode(text).unwrap()).unwrap()
}

async fn bundle(world: &World, team: &str) -> Value {
    let names = world.labelled(team).await;
    let start = format!("team-{team}-user-ada-");
    let name = names.iter().find(|name| name.starts_with(&start)).unwrap();
    world.secret("tiller-guard", name).await
}

fn done(words: &[&str]) -> String {
    let run = provision(words);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    run.stdout
}

#[tokio::test]
async fn a_new_authority_takes_over_while_the_old_one_is_trusted() {
    let world = World::create().await;
    let make = [
        "p-turn",
        "--tiller-namespace=p-turn-t",
        "--target-namespace=p-turn",
        "--user=ada",
        "--no-wait",
    ];
    done(&make);
    let server = world.secret("p-turn-t", "tiller-tls").await;
    let old = certificates(&server, "ca.crt").remove(0);

    let told = done(&["rotate", "p-turn", "--no-wait"]);
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

    let unchanged = done(&make);
    assert!(unchanged.contains("nothing to change"), "{unchanged}");
    let twice = provision(&["rotate", "p-turn", "--no-wait"]);
    assert_eq!(twice.code, Some(2));
    assert!(twice.stderr.contains("use --finish"), "{}", twice.stderr);

    let told = done(&["rotate", "p-turn", "--finish", "--no-wait"]);
    assert!(!told.contains("new bundle"), "{told}");
    let after = world.secret("p-turn-t", "tiller-tls").await;
    assert_eq!(certificates(&after, "ca.crt"), std::slice::from_ref(&new));
    assert!(new.has_issued(&certificates(&after, "tls.crt")[0]));
    let team = world
        .object("v1", "ConfigMap", "tiller-guard", "p-turn")
        .await;
    assert_eq!(
        team["data"]["ca-fingerprint"],
        new.fingerprint().to_string()
    );
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
    // No kubelet runs here: this says what one would.
    let deployments = world.api("apps/v1", "Deployment", "p-wait-t");
    for _attempt in 0..200 {
        let live = deployments.get("tiller-deploy").await.unwrap();
        let status = json!({ "status": {
            "observedGeneration": live.metadata.generation, "replicas": 1, "updatedReplicas": 1,
            "readyReplicas": 1, "availableReplicas": 1,
        } });
        let parameters = PatchParams::default();
        deployments
            .patch_status("tiller-deploy", &parameters, &Patch::Merge(&status))
            .await
            .unwrap();
        if waiting.is_finished() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
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
    done(&[
        "p-same",
        "--tiller-namespace=p-same-t",
        "--target-namespace=p-same",
        "--no-wait",
    ]);
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
    for field in ["securityContext", "volumes", "serviceAccountName"] {
        assert_eq!(stored["spec"][field], planned["spec"][field], "{field}");
    }
    // The webhook notes what it hardens in an annotation of the pods only where it hardens.
    let mut annotations = stored["metadata"]["annotations"].clone();
    let mut expected = planned["metadata"]["annotations"].clone();
    for annotations in [&mut annotations, &mut expected] {
        annotations["tiller-guard.io/certificates"] = Value::Null;
    }
    assert_eq!(annotations, expected);
}
