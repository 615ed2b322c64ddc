//! An API server without server-side apply that serves registrations as `v1beta1` alone, as those before Kubernetes
//! 1.16 do. One of 1.16 or later does not start without `v1` of its own registrations, so that a proxy hides it from the
//! guard and from the command line.

use std::sync::LazyLock;

use kube::Client;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use tokio::sync::Mutex;

use super::certificates::{OFTEN, assert_accepted, count, replace_ca, wait_for_leaves};
use super::diagnoses::DRIFT;
use super::load::Load;
use super::{World, said, start};
use crate::cluster::{Cluster, Peculiar};
use crate::provision::proxy::{Fate, Proxy};
use crate::suite::skip;

const KIND: &str = "ValidatingWebhookConfiguration";

static OLD: LazyLock<Mutex<Cluster>> = LazyLock::new(|| {
    start(Peculiar {
        api_server: &["--feature-gates=ServerSideApply=false"],
        ..Peculiar::default()
    })
});

/// Knows no `v1` of registrations.
async fn before_16(client: Client) -> Proxy {
    Proxy::start(client, |asked| {
        let path = &asked[asked.len() - 1].path;
        let rest = path.strip_prefix("/apis/admissionregistration.k8s.io/v1");
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            return Fate::Fails(404);
        }
        Fate::Passes
    })
    .await
}

#[tokio::test]
async fn an_installation_lives_without_apply_and_with_beta_registrations_alone() {
    let mut world = {
        let usual = World::enter().await;
        // Where the gate can be closed, and v1 switched off while there is v1beta1.
        if !((1, 16)..(1, 22)).contains(&usual.cluster.version()) {
            skip(
                "v1beta1 registrations beside v1, and a gate of server-side apply, are in Kubernetes 1.16 to 1.21",
            );
            return;
        }
        drop(usual);
        World::enter_in(OLD.lock().await).await
    };
    world.registration_version = "v1beta1";
    let account = "system:serviceaccount:tiller-guard:tiller-guard";
    let groups = ["system:serviceaccounts", "system:authenticated"];
    let guard = world.cluster.client_as(account, &groups).await.unwrap();
    let (admin, guard) = (
        before_16(world.client.clone()).await,
        before_16(guard).await,
    );
    world.kubeconfig = admin.kubeconfig().into();
    world.kubeconfig_of_guard = guard.kubeconfig().into();
    let group = "admissionregistration.k8s.io";
    let pre = world.run(&["doctor", "--pre"]).await;
    assert_eq!(pre.status.code(), Some(0), "{}", said(&pre));
    let served = "✓ webhooks-served: admissionregistration.k8s.io/v1beta1 is served";
    assert!(said(&pre).contains(served), "{}", said(&pre));

    world.install().await;
    let patch = Patch::Apply(json!({
        "apiVersion": format!("{group}/v1beta1"), "kind": KIND, "metadata": { "name": "tiller-guard" },
    }));
    let registrations = world.registrations(KIND);
    let parameters = PatchParams::apply("test");
    let applied = registrations
        .patch("tiller-guard", &parameters, &patch)
        .await;
    let Err(kube::Error::Api(status)) = applied else {
        panic!("server-side apply is there");
    };
    assert_eq!(status.code, 415);

    let service = world.serve(2, &[OFTEN]).await;
    world.until_told("protected-namespace").await;
    world.play_nodes().await;
    let doctor = world.run(&["doctor", world.service_port]).await;
    assert_eq!(doctor.status.code(), Some(0), "{}", said(&doctor));
    service.replicas[0].until_metric(DRIFT, 0).await;

    let load = Load::start(&world);
    let next = replace_ca(&world).await;
    wait_for_leaves(&service, &next).await;
    load.stop_without_failure().await;
    assert_accepted(&world, &service).await;
    assert_eq!(count(&world.bundle(KIND).await), 2);

    let again = world
        .run(&["install", world.service_port, "--wait=30"])
        .await;
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
    assert!(!said(&again).contains("updated"), "{}", said(&again));
    assert_eq!(count(&world.bundle(KIND).await), 2);

    let gone = world.run(&["uninstall"]).await;
    assert_eq!(gone.status.code(), Some(0), "{}", said(&gone));
    let first = "deleted   MutatingWebhookConfiguration tiller-guard\ndeleted   ValidatingWebhookConfiguration tiller-guard\n";
    assert!(said(&gone).starts_with(first), "{}", said(&gone));
}
