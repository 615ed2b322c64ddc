//! The doctor's proof of each webhook by itself, and what it says where a configuration cannot be seen.

use std::path::{Path, PathBuf};

use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use super::certificates::KINDS;
use super::diagnoses::Diagnosis;
use super::service::Service;
use super::{World, said};

const MUTATING: &str = KINDS[0];
const VALIDATING: &str = KINDS[1];

impl World {
    async fn delete(&self, kind: &str) {
        let parameters = DeleteParams::default();
        let registrations = self.registrations(kind);
        let deleted = registrations.delete("tiller-guard", &parameters).await;
        drop(deleted.unwrap());
    }

    /// Installed, with a guard that answers.
    async fn guarded(&self) -> Service {
        self.install().await;
        let service = self.serve(2, &[]).await;
        self.play_nodes().await;
        self.until_told("protected-namespace").await;
        service
    }

    /// A kubeconfig of somebody who may do all that the doctor does, but for reading the configurations.
    async fn reader(&self) -> PathBuf {
        let may = |verb: &str, group: &str, resources: &[&str]| json!({ "verbs": [verb], "apiGroups": [group], "resources": resources });
        let rules = json!([
            may("get", "", &["services", "namespaces", "configmaps"]),
            may("get", "apps", &["deployments"]),
            may("create", "apps", &["deployments"]),
            // Before 1.13 it tries a Service too.
            may("create", "", &["services"]),
        ]);
        let group = "rbac.authorization.k8s.io";
        let role = json!({ "metadata": { "name": "doctor" }, "rules": rules });
        let binding = json!({
            "metadata": { "name": "doctor" },
            "roleRef": { "apiGroup": group, "kind": "ClusterRole", "name": "doctor" },
            "subjects": [{ "apiGroup": group, "kind": "User", "name": "reader" }],
        });
        for (kind, object) in [("ClusterRole", role), ("ClusterRoleBinding", binding)] {
            let api = self.objects(group, "v1", kind, "");
            let object = serde_json::from_value(object).unwrap();
            match api.create(&PostParams::default(), &object).await {
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                created => drop(created.unwrap()),
            }
        }
        self.cluster.kubeconfig_as("reader").unwrap()
    }
}

impl Diagnosis {
    /// Looks until this check has this status: an API server learns of a change within a second or so.
    async fn until(world: &World, kubeconfig: &Path, id: &str, status: &str) -> Self {
        let end = Instant::now() + Duration::from_secs(15);
        loop {
            let found = Self::with(world, kubeconfig).await;
            if found.check(id)["status"] == status {
                return found;
            }
            assert!(Instant::now() < end, "{id}: {:#?}", found.checks);
            sleep(Duration::from_millis(100)).await;
        }
    }

    fn assert_says(&self, id: &str, status: &str, words: &str) {
        let check: &Value = self.check(id);
        assert_eq!(check["status"], status, "{check}");
        let message = check["message"].as_str().unwrap();
        assert!(message.contains(words), "{words} in {check}");
    }
}

#[tokio::test]
async fn each_webhook_is_proven_by_itself() {
    let world = World::enter().await;
    let _service = world.guarded().await;
    let both = Diagnosis::of(&world).await;
    assert_eq!(both.code, Some(0), "{:#?}", both.checks);
    let mutate = "mutate.tiller-guard.io refuses an unhardened Tiller: protected-namespace";
    both.assert_says("mutating-proof", "good", mutate);
    both.assert_says("validating-proof", "good", world.proof());

    world.delete(MUTATING).await;
    let no_mutate = Diagnosis::until(&world, &world.kubeconfig, "mutating-proof", "bad").await;
    assert_eq!(no_mutate.code, Some(1));
    let unasked = "mutate.tiller-guard.io did not answer: validate.tiller-guard.io refused";
    no_mutate.assert_says("mutating-proof", "bad", unasked);
    no_mutate.assert_says("validating-proof", "good", world.proof());
    no_mutate.assert_says("mutating-configuration", "bad", "there is no ");

    world.install().await;
    world.delete(VALIDATING).await;
    let no_validate = Diagnosis::until(&world, &world.kubeconfig, "validating-proof", "bad").await;
    assert_eq!(no_validate.code, Some(1));
    let let_in = "was allowed, and validate.tiller-guard.io was not asked: there is no";
    no_validate.assert_says("validating-proof", "bad", let_in);
    no_validate.assert_says("mutating-proof", "good", mutate);
    no_validate.assert_says("validating-configuration", "bad", "there is no ");
}

/// Nothing but the proof tells them whether anybody is asked.
#[tokio::test]
async fn a_configuration_that_cannot_be_seen_is_bad_unless_its_webhook_answers() {
    let world = World::enter().await;
    let reader = world.reader().await;
    let before = Diagnosis::with(&world, &reader).await;
    assert_eq!(before.code, Some(1), "{:#?}", before.checks);
    let service = world.guarded().await;

    let unread = "cannot be read";
    let good = Diagnosis::until(&world, &reader, "validating-proof", "good").await;
    assert_eq!(good.code, Some(0), "{:#?}", good.checks);
    for (id, webhook) in [
        ("mutating-configuration", "mutate"),
        ("validating-configuration", "validate"),
    ] {
        let answers = format!("{webhook}.tiller-guard.io answers, but ");
        good.assert_says(id, "doubtful", &answers);
        good.assert_says(id, "doubtful", unread);
    }

    world.delete(VALIDATING).await;
    let open = Diagnosis::until(&world, &reader, "validating-proof", "bad").await;
    assert_eq!(open.code, Some(1), "{:#?}", open.checks);
    let nothing = "nothing shows that validate.tiller-guard.io answers";
    open.assert_says("validating-configuration", "bad", nothing);
    open.assert_says("mutating-configuration", "doubtful", unread);

    world.install().await;
    world.delete(MUTATING).await;
    let unhardened = Diagnosis::until(&world, &reader, "mutating-proof", "bad").await;
    assert_eq!(unhardened.code, Some(1), "{:#?}", unhardened.checks);
    let nothing = "nothing shows that mutate.tiller-guard.io answers";
    unhardened.assert_says("mutating-configuration", "bad", nothing);
    unhardened.assert_says("validating-configuration", "doubtful", unread);

    // A guard whose certificate nobody accepts: the bundles stay those of the one before.
    world.install().await;
    drop(service);
    let [certificate, key] = world
        .cluster
        .other_certificate("tiller-guard.tiller-guard.svc")
        .unwrap();
    let words = [
        format!("--tls-cert-file={certificate}"),
        format!("--tls-key-file={key}"),
    ];
    let stranger = world.serve(1, &words.each_ref().map(String::as_str)).await;
    let refused = Diagnosis::with(&world, &reader).await;
    refused.assert_cause("unknown-authority", "put their CA into both");
    for id in ["mutating-configuration", "validating-configuration"] {
        refused.assert_says(id, "bad", unread);
    }
    drop(stranger);

    // A Service that leads elsewhere.
    let services = world.objects("", "v1", "Service", "tiller-guard");
    let ports = json!({ "spec": { "ports": [{ "port": 10444, "targetPort": "https" }] } });
    let patch = Patch::Merge(&ports);
    let parameters = PatchParams::default();
    let patched = services.patch("tiller-guard", &parameters, &patch).await;
    drop(patched.unwrap());
    let elsewhere = Diagnosis::with(&world, &reader).await;
    assert_eq!(elsewhere.code, Some(1), "{:#?}", elsewhere.checks);
    elsewhere.assert_says("service", "bad", "does not lead to the pods");
    elsewhere.assert_says("validating-configuration", "bad", unread);
}

/// Who may not even try is told so: nothing is known then.
#[tokio::test]
async fn who_may_neither_look_nor_try_is_told_that_nothing_shows_a_guard() {
    let world = World::enter().await;
    let _service = world.guarded().await;
    let nobody = world.cluster.kubeconfig_as("nobody").unwrap();
    let told = World::run_with(&nobody, &["doctor", world.service_port]).await;
    assert_eq!(told.status.code(), Some(1), "{}", said(&told));
    for line in [
        "✗ validating-configuration: ValidatingWebhookConfiguration tiller-guard cannot be read, and nothing shows",
        "‼ mutating-proof: an unhardened Tiller could not be tried:",
    ] {
        assert!(said(&told).contains(line), "{}", said(&told));
    }
}
