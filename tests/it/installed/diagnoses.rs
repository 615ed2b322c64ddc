//! What the doctor says of each thing that can be wrong: its exit code, the check, the cause and what to do.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use kube::api::{DeleteParams, Patch, PatchParams};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::sign::SingleCertAndKey;
use serde_json::{Value, json};
use tiller_guard::pki::WebhookCa;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_rustls::TlsAcceptor;

use super::certificates::OFTEN;
use super::{World, said};

pub(super) const KIND: &str = "ValidatingWebhookConfiguration";
pub(super) const DRIFT: &str = "tiller_guard_config_drift";
const HOST: &str = "tiller-guard.tiller-guard.svc";
const DAY: Duration = Duration::from_hours(24);

/// What a program is told.
#[derive(Debug)]
pub(super) struct Diagnosis {
    pub(super) code: Option<i32>,
    pub(super) checks: Vec<Value>,
}

impl Diagnosis {
    pub(super) async fn of(world: &World) -> Self {
        Self::with(world, &world.kubeconfig).await
    }

    /// What somebody is told who reaches the cluster so.
    pub(super) async fn with(world: &World, kubeconfig: &Path) -> Self {
        let words = ["doctor", world.service_port, "--output=json"];
        let told = World::run_with(kubeconfig, &words).await;
        let report: Value =
            serde_json::from_slice(&told.stdout).unwrap_or_else(|_| panic!("{}", said(&told)));
        Self {
            code: told.status.code(),
            checks: report["checks"].as_array().unwrap().clone(),
        }
    }

    pub(super) fn check(&self, id: &str) -> &Value {
        let mut checks = self.checks.iter();
        let found = checks.find(|check| check["check"] == id);
        found.unwrap_or_else(|| panic!("no {id} in {:#?}", self.checks))
    }

    /// The check is bad, says this, and tells what to do.
    pub(super) fn assert_bad(&self, id: &str, message: &str, hint: &str) {
        assert_eq!(self.code, Some(1), "{:#?}", self.checks);
        let check = self.check(id);
        assert_eq!(check["status"], "bad", "{check}");
        for (field, words) in [("message", message), ("hint", hint)] {
            let text = check[field].as_str().unwrap();
            assert!(text.contains(words), "{words} in {check}");
        }
    }

    /// The API server cannot ask, for this reason, and this is the remedy.
    pub(super) fn assert_cause(&self, cause: &str, hint: &str) {
        for id in ["mutating-proof", "validating-proof"] {
            self.assert_bad(id, "the API server cannot ask", hint);
            assert_eq!(self.check(id)["cause"], cause, "{:#?}", self.checks);
        }
    }
}

#[tokio::test]
async fn each_drift_of_a_registration_is_told_and_counted_until_install_has_mended_it() {
    let world = World::enter().await;
    world.install().await;
    let service = world.serve(2, &[OFTEN]).await;
    world.play_nodes().await;
    let replica = &service.replicas[0];
    replica.until_metric(DRIFT, 0).await;
    let good = Diagnosis::of(&world).await;
    assert_eq!(good.code, Some(0), "{:#?}", good.checks);

    let narrowed = json!([{ "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"] }]);
    let only = json!({ "matchLabels": { "guarded": "yes" } });
    let never = json!([{ "name": "never", "expression": "false" }]);
    let mut drifts = vec![
        (
            "failurePolicy",
            json!("Ignore"),
            "failurePolicy is \"Ignore\", must be \"Fail\"",
        ),
        ("rules", narrowed, "rules has 1 entries, must have "),
        ("namespaceSelector", only.clone(), "namespaceSelector.match"),
    ];
    // Older ones drop what they do not know.
    if world.cluster.version() >= (1, 14) {
        let expected = "timeoutSeconds is 1, must be 5";
        drifts.push(("timeoutSeconds", json!(1), expected));
    }
    if world.cluster.version() >= (1, 15) {
        drifts.push(("objectSelector", only, "objectSelector"));
    }
    if world.cluster.version() >= (1, 28) {
        drifts.push(("matchConditions", never, "matchConditions[0]."));
    }
    let validating = world.registrations(KIND);
    for (field, value, expected) in drifts {
        let mut webhooks = validating.get("tiller-guard").await.unwrap().data["webhooks"].clone();
        webhooks[0][field] = value;
        let patch = Patch::Merge(json!({ "webhooks": webhooks }));
        validating
            .patch("tiller-guard", &PatchParams::default(), &patch)
            .await
            .unwrap();
        Diagnosis::of(&world).await.assert_bad(
            "validating-configuration",
            &format!("validate.tiller-guard.io: {expected}"),
            "run tiller-guard install",
        );
        replica.until_metric(DRIFT, 1).await;
        world.install().await;
        let mended = Diagnosis::of(&world).await;
        assert_eq!(mended.code, Some(0), "{field}: {:#?}", mended.checks);
        replica.until_metric(DRIFT, 0).await;
    }

    for kind in [KIND, "MutatingWebhookConfiguration"] {
        world
            .registrations(kind)
            .delete("tiller-guard", &DeleteParams::default())
            .await
            .unwrap();
    }
    let gone = Diagnosis::of(&world).await;
    for id in ["validating-configuration", "mutating-configuration"] {
        gone.assert_bad(id, "there is no ", "run tiller-guard install");
    }
    replica.until_metric(DRIFT, 2).await;
    let told =
        "there is no MutatingWebhookConfiguration; there is no ValidatingWebhookConfiguration";
    replica.until_logged(told).await;
}

#[tokio::test]
async fn whatever_keeps_the_api_server_from_asking_has_a_name_and_a_remedy() {
    let world = World::enter().await;
    world.install().await;
    let services = world.objects("", "v1", "Service", "tiller-guard");
    let service = services.get("tiller-guard").await.unwrap();
    let address = service.data["spec"]["clusterIP"].as_str().unwrap();
    let address = format!("{address}:{}", service.data["spec"]["ports"][0]["port"]);

    let nobody = Diagnosis::of(&world).await;
    nobody.assert_cause("nobody-there", "look at the pods");
    nobody.assert_bad("pods", "0 of 2 pods are ready", "look at the pods");
    let missing = "has no caBundle yet";
    nobody.assert_bad(
        "validating-configuration",
        missing,
        "run tiller-guard install",
    );

    let now = SystemTime::now();
    let listener = TcpListener::bind(&address).await.unwrap();
    let expired = expired_server(&world, listener, now).await;
    let late = Diagnosis::of(&world).await;
    late.assert_cause("out-of-time", "clocks");
    expired.abort();
    expired.await.unwrap_err();

    let listener = TcpListener::bind(&address).await.unwrap();
    let silent = tokio::spawn(swallow(listener));
    let blocked = Diagnosis::of(&world).await;
    blocked.assert_cause("no-way", "firewall");
    silent.abort();
    silent.await.unwrap_err();

    let patch =
        Patch::Merge(json!({ "spec": { "ports": [{ "port": 10444, "targetPort": "https" }] } }));
    services
        .patch("tiller-guard", &PatchParams::default(), &patch)
        .await
        .unwrap();
    let elsewhere = Diagnosis::of(&world).await;
    elsewhere.assert_bad(
        "service",
        "does not lead to the pods",
        "run tiller-guard install",
    );
    elsewhere.assert_cause("nobody-there", "Service's ports");

    services
        .delete("tiller-guard", &DeleteParams::default())
        .await
        .unwrap();
    let gone = Diagnosis::of(&world).await;
    let none = "there is no Service tiller-guard/tiller-guard";
    gone.assert_bad("service", none, "run tiller-guard install");
    gone.assert_cause("no-service", "tiller-guard install");
}

/// Takes connections, and says nothing, as a firewall that drops packets.
async fn swallow(listener: TcpListener) {
    let mut held = Vec::new();
    while let Ok((stream, _)) = listener.accept().await {
        held.push(stream);
    }
}

/// A server whose certificate is of a CA in the bundles, and over.
async fn expired_server(world: &World, listener: TcpListener, now: SystemTime) -> JoinHandle<()> {
    let ca = WebhookCa::create(now - 40 * DAY, 60 * DAY).unwrap();
    let leaf = ca.issue(&[HOST.to_owned()], now - 20 * DAY, DAY);
    let bundle = BASE64_STANDARD.encode(ca.certificate_pem());
    for kind in [KIND, "MutatingWebhookConfiguration"] {
        let registrations = world.registrations(kind);
        let mut webhooks =
            registrations.get("tiller-guard").await.unwrap().data["webhooks"].clone();
        for webhook in webhooks.as_array_mut().unwrap() {
            webhook["clientConfig"]["caBundle"] = json!(bundle);
        }
        let patch = Patch::Merge(json!({ "webhooks": webhooks }));
        registrations
            .patch("tiller-guard", &PatchParams::default(), &patch)
            .await
            .unwrap();
    }
    let leaf = Arc::clone(leaf.unwrap().certified());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(leaf)));
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            acceptor.accept(stream).await.ok();
        }
    });
    world.until_told("x509").await;
    serving
}

/// Calls fail closed, and the doctor names the cause.
#[tokio::test]
async fn a_certificate_that_the_api_server_does_not_accept_is_told_by_its_reason() {
    let world = World::enter().await;
    world.install().await;
    // It writes the bundle.
    drop(world.serve(1, &[]).await);
    for (name, reason, hint) in [
        (
            HOST,
            "unknown-authority",
            "put their CA into both webhook configurations",
        ),
        ("localhost", "other-name", "SERVICE.NAMESPACE.svc"),
    ] {
        let [certificate, key] = world.cluster.other_certificate(name).unwrap();
        let words = [
            format!("--tls-cert-file={certificate}"),
            format!("--tls-key-file={key}"),
        ];
        let theirs = world.serve(1, &words.each_ref().map(String::as_str)).await;
        let refused = world.try_tiller().await.unwrap_err();
        let unasked = "failed calling webhook \"validate.tiller-guard.io\"";
        assert!(refused.contains(unasked), "{refused}");
        Diagnosis::of(&world).await.assert_cause(reason, hint);
        // The rules of the webhook configurations are unchanged.
        theirs.replicas[0].until_metric(DRIFT, 0).await;
    }
}

#[tokio::test]
async fn a_cluster_that_cannot_be_reached_has_a_code_of_its_own() {
    let world = World::enter().await;
    world.install().await;
    let _service = world.serve(2, &[]).await;

    let admin = std::fs::read_to_string(world.cluster.kubeconfig()).unwrap();
    let port = format!(":{}", world.cluster.port());
    // The discard service's; nobody listens there.
    let nowhere = admin.replace(&port, ":9");
    let nowhere = world.cluster.write("nowhere", &nowhere).unwrap();
    for command in ["doctor", "install", "uninstall"] {
        let told = World::run_with(nowhere.as_ref(), &[command]).await;
        assert_eq!(told.status.code(), Some(4), "{command}: {}", said(&told));
        let address = "the API server at https://127.0.0.1:9/ does not answer";
        assert!(said(&told).contains(address), "{}", said(&told));
    }
    let other = WebhookCa::create(SystemTime::now(), DAY).unwrap();
    let other = BASE64_STANDARD.encode(other.certificate_pem());
    let ours = world.cluster.ca().bundle();
    assert!(admin.contains(&ours), "{admin}");
    let stranger = world
        .cluster
        .write("stranger", &admin.replace(&ours, &other))
        .unwrap();
    let told = World::run_with(stranger.as_ref(), &["doctor"]).await;
    assert_eq!(told.status.code(), Some(4), "{}", said(&told));
    let refused =
        format!("the certificate of the API server at https://127.0.0.1{port}/ is refused");
    assert!(said(&told).contains(&refused), "{}", said(&told));

    let none = world.run(&["doctor", "--context=none"]).await;
    assert_eq!(none.status.code(), Some(2), "{}", said(&none));
}

/// What it knew goes on to count, and nothing else shows it.
#[tokio::test]
async fn a_guard_without_its_rights_is_told_with_each_of_them() {
    let world = World::enter().await;
    world.install().await;
    let _service = world.serve(2, &[]).await;
    world.play_nodes().await;
    let good = Diagnosis::of(&world).await;
    assert_eq!(
        good.check("own-rights")["status"],
        "good",
        "{:#?}",
        good.checks
    );
    let group = "rbac.authorization.k8s.io";
    for (kind, namespace, right) in [
        ("ClusterRoleBinding", "", "watch deployments"),
        (
            "RoleBinding",
            "tiller-guard",
            "update secrets tiller-guard-ca",
        ),
    ] {
        let bindings = world.objects(group, "v1", kind, namespace);
        let parameters = DeleteParams::default();
        bindings.delete("tiller-guard", &parameters).await.unwrap();
        let end = Instant::now() + Duration::from_secs(15);
        let told = loop {
            let told = Diagnosis::of(&world).await;
            if told.check("own-rights")["status"] == "bad" {
                break told;
            }
            assert!(Instant::now() < end, "{:#?}", told.checks);
            sleep(Duration::from_millis(200)).await;
        };
        let hint = "run tiller-guard install, which gives them";
        told.assert_bad("own-rights", right, hint);
        world.install().await;
        let end = Instant::now() + Duration::from_secs(15);
        while Diagnosis::of(&world).await.check("own-rights")["status"] != "good" {
            assert!(Instant::now() < end);
            sleep(Duration::from_millis(200)).await;
        }
    }
}

/// As often as a replica looks by itself.
#[tokio::test]
async fn a_lost_registration_is_logged_within_fifteen_seconds() {
    let world = World::enter().await;
    world.install().await;
    let service = world.serve(1, &[]).await;
    let replica = &service.replicas[0];
    replica.until_metric(DRIFT, 0).await;
    let deleted = world
        .registrations(KIND)
        .delete("tiller-guard", &DeleteParams::default())
        .await;
    drop(deleted.unwrap());
    replica
        .until_logged("there is no ValidatingWebhookConfiguration")
        .await;
    assert!(replica.metric(DRIFT).await > 0);
}
