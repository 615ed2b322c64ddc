//! What `doctor` says of the guard's own watches, and to whom it says what.

use std::time::Duration;

use kube::api::{DeleteParams, PostParams};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::certificates::KINDS;
use super::diagnoses::{DRIFT, Diagnosis};
use super::{World, said};
use crate::knowledge::path::{Path, Way};
use crate::suite::{Feature, skip};

const GROUP: &str = "rbac.authorization.k8s.io";

/// The rights are back, but the watch is not yet: what is asked about rights alone is good.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_that_is_broken_is_no_longer_good() {
    let mut world = World::enter().await;
    world.install().await;
    let path = Path::open(world.cluster.port()).await;
    let _folder = world.lead_guard_over(&path);
    let _service = world.serve(2, &[]).await;
    world.play_nodes().await;
    let good = Diagnosis::of(&world).await;
    assert_eq!(good.check("watches")["status"], "good", "{good:?}");

    let bindings = world.objects(GROUP, "v1", "ClusterRoleBinding", "");
    let parameters = DeleteParams::default();
    let deleted = bindings.delete("tiller-guard", &parameters).await;
    drop(deleted.unwrap());
    // The API server lets a watch that has begun run to its end.
    path.set(Way::Cut);
    sleep(Duration::from_millis(500)).await;
    path.set(Way::Open);
    let end = Instant::now() + Duration::from_secs(40);
    let told = loop {
        let told = Diagnosis::of(&world).await;
        let watches = told.check("watches");
        // Each watch is broken for ten seconds first.
        let message = watches["message"].as_str().unwrap();
        if watches["status"] == "bad" && message.contains("deployments") {
            break told;
        }
        assert!(Instant::now() < end, "{told:?}");
        sleep(Duration::from_millis(500)).await;
    };
    told.assert_bad("watches", "deployments", "logs -l app.kubernetes.io/name=");
    told.assert_bad(
        "own-rights",
        "watch deployments",
        "run tiller-guard install",
    );
    world.install().await;
    path.set(Way::Cut);
    sleep(Duration::from_millis(500)).await;
    path.set(Way::Open);
    let end = Instant::now() + Duration::from_secs(90);
    loop {
        let told = Diagnosis::of(&world).await;
        if told.check("watches")["status"] == "good" {
            break;
        }
        assert!(Instant::now() < end, "{told:?}");
        sleep(Duration::from_millis(500)).await;
    }
}

impl World {
    /// Gives a user rights in the cluster, and waits until the API server has learnt of them.
    pub(super) async fn allow(&self, user: &str, rules: Value) {
        let role = json!({ "metadata": { "name": user }, "rules": rules });
        let binding = json!({
            "metadata": { "name": user },
            "roleRef": { "apiGroup": GROUP, "kind": "ClusterRole", "name": user },
            "subjects": [{ "apiGroup": GROUP, "kind": "User", "name": user }],
        });
        for (kind, object) in [("ClusterRole", role), ("ClusterRoleBinding", binding)] {
            let api = self.objects(GROUP, "v1", kind, "");
            let object = serde_json::from_value(object).unwrap();
            api.create(&PostParams::default(), &object).await.unwrap();
        }
        // Whoever has one right of a role has all of it.
        let [group, resource, verb] =
            ["apiGroups", "resources", "verbs"].map(|field| &rules[0][field][0]);
        let attributes = json!({ "group": group, "resource": resource, "verb": verb });
        let end = Instant::now() + Duration::from_secs(15);
        while !self.may(user, &attributes).await {
            assert!(Instant::now() < end, "{user} may not {attributes}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn may(&self, user: &str, attributes: &Value) -> bool {
        let review = json!({
            "metadata": {},
            "spec": { "user": user, "resourceAttributes": attributes },
        });
        let api = self.objects("authorization.k8s.io", "v1", "SubjectAccessReview", "");
        let review = serde_json::from_value(review).unwrap();
        let answer = api.create(&PostParams::default(), &review).await.unwrap();
        answer.data["status"]["allowed"] == true
    }

    pub(super) async fn disallow(&self, user: &str) {
        for kind in ["ClusterRoleBinding", "ClusterRole"] {
            let api = self.objects(GROUP, "v1", kind, "");
            drop(api.delete(user, &DeleteParams::default()).await.unwrap());
        }
    }
}

/// A team lead who may read, and may try a Deployment in `default`: what the API server does not show is not good, and what the
/// proof shows is.
#[tokio::test]
async fn whoever_is_no_administrator_is_told_what_they_may_see() {
    let world = World::enter().await;
    if !Feature::DryRun.is_in(world.cluster.version()) {
        skip("no dry run");
        return;
    }
    world.install().await;
    let _service = world.serve(2, &[]).await;
    world.play_nodes().await;
    let read = json!([
        { "apiGroups": [""], "resources": ["services", "pods", "namespaces", "configmaps"], "verbs": ["get", "list"] },
        { "apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list", "create"] },
    ]);
    world.allow("doctor-lead", read).await;
    let lead = world.cluster.kubeconfig_as("doctor-lead").unwrap();
    let end = Instant::now() + Duration::from_secs(15);
    let told = loop {
        let told = Diagnosis::with(&world, &lead).await;
        if told.code == Some(0) || Instant::now() > end {
            break told;
        }
        sleep(Duration::from_millis(200)).await;
    };
    assert_eq!(told.code, Some(0), "{told:?}");
    for (id, status, hint) in [
        ("pods", "good", ""),
        ("watches", "good", ""),
        ("mutating-proof", "good", ""),
        ("validating-proof", "good", ""),
        ("own-rights", "doubtful", "SubjectAccessReviews"),
        (
            "mutating-configuration",
            "doubtful",
            "use an account that may read",
        ),
        (
            "validating-configuration",
            "doubtful",
            "use an account that may read",
        ),
    ] {
        let check = told.check(id);
        assert_eq!(check["status"], status, "{check}");
        assert!(
            check["hint"].as_str().unwrap_or_default().contains(hint),
            "{check}"
        );
    }
    world.disallow("doctor-lead").await;

    // Whoever may see nothing is told nothing good, and by a code of its own what may not be read.
    let nobody = world.cluster.kubeconfig_as("doctor-nobody").unwrap();
    let told = Diagnosis::with(&world, &nobody).await;
    assert_eq!(told.code, Some(1), "{told:?}");
    for check in told.checks.iter().filter(|it| it["check"] != "api-server") {
        assert_ne!(check["status"], "good", "{check}");
    }
    for command in ["install", "uninstall"] {
        let refused = World::run_with(&nobody, &[command]).await;
        let words = said(&refused);
        assert_eq!(refused.status.code(), Some(4), "{command}: {words}");
        assert!(
            words.contains("cannot get") || words.contains("cannot list"),
            "{words}"
        );
    }
    // One that may read all of it, and write nothing.
    let all = json!([{ "apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"] }]);
    world.allow("doctor-reader", all).await;
    let reader = world.cluster.kubeconfig_as("doctor-reader").unwrap();
    let changed = World::run_with(&reader, &["install", "--replicas=3", "--wait=0"]).await;
    assert_eq!(changed.status.code(), Some(2), "{}", said(&changed));
    assert!(said(&changed).contains("no right to"), "{}", said(&changed));
    world.disallow("doctor-reader").await;
}

/// Nothing is said to stay that is not there, and what stays is said.
#[tokio::test]
async fn uninstall_says_what_stays() {
    let world = World::enter().await;
    world.install().await;
    let labels = world.cluster.version() < (1, 21);
    let label = "kept      label kubernetes.io/metadata.name of Namespace kube-system";
    let gone = world.run(&["uninstall"]).await;
    let words = said(&gone);
    assert!(
        words.contains("kept      Namespace tiller-guard"),
        "{words}"
    );
    assert_eq!(words.contains(label), labels, "{words}");
    let elsewhere = world
        .run(&["uninstall", "--namespace=never-installed"])
        .await;
    let words = said(&elsewhere);
    assert_eq!(elsewhere.status.code(), Some(0), "{words}");
    assert!(!words.contains("kept      Namespace"), "{words}");
}

/// The command that is to be run again is there, as it was typed.
#[tokio::test]
async fn an_installation_that_is_not_waited_for_warns_and_one_that_times_out_names_its_command() {
    let world = World::enter().await;
    let late = world
        .run(&["install", world.service_port, "--wait=1"])
        .await;
    let words = said(&late);
    assert_eq!(late.status.code(), Some(124), "{words}");
    let again = format!("\n  tiller-guard install {} --wait=1 ", world.service_port);
    assert!(words.contains(&again), "{words}");
    assert!(!words.contains("run this again"), "{words}");

    let warning = "no pod can be created until a pod of tiller-guard is ready";
    let asks_all = world.cluster.version() < (1, 28);
    for (number, warns) in [(0, asks_all), (1, false)] {
        let unwaited = world
            .run(&["install", world.service_port, "--wait=0"])
            .await;
        let words = said(&unwaited);
        assert_eq!(unwaited.status.code(), Some(0), "{words}");
        assert_eq!(words.contains(warning), warns, "{number}: {words}");
    }
}

/// One edit is written back within seconds, and a deleted configuration within a minute, but not where tiller-guard is removed.
#[tokio::test]
async fn an_edited_configuration_is_written_back_by_those_who_are_told_to() {
    let world = World::enter().await;
    let words = [
        "install",
        world.service_port,
        "--wait=0",
        "--restore-webhooks",
    ];
    let installed = world.run(&words).await;
    assert_eq!(installed.status.code(), Some(0), "{}", said(&installed));
    world.until_told("webhook").await;
    let service = world.serve(2, &["--restore-webhooks"]).await;
    let replica = &service.replicas[0];
    replica.until_metric(DRIFT, 0).await;
    for kind in KINDS {
        let registrations = world.registrations(kind);
        let mut found = registrations.get("tiller-guard").await.unwrap();
        let webhooks = found.data["webhooks"].as_array_mut().unwrap();
        webhooks.truncate(1);
        webhooks[0]["failurePolicy"] = json!("Ignore");
        webhooks[0]["namespaceSelector"] = json!({ "matchLabels": { "guarded": "yes" } });
        let replaced = registrations
            .replace("tiller-guard", &PostParams::default(), &found)
            .await;
        drop(replaced.unwrap());
    }
    let edited = Instant::now();
    for kind in KINDS {
        let id = match kind {
            "MutatingWebhookConfiguration" => "mutating-configuration",
            _ => "validating-configuration",
        };
        loop {
            let told = Diagnosis::of(&world).await;
            if told.check(id)["status"] == "good" {
                break;
            }
            let log = replica.server.log();
            assert!(
                edited.elapsed() < Duration::from_secs(15),
                "{told:?}\n{log}"
            );
            sleep(Duration::from_millis(200)).await;
        }
    }
    world.until_told("protected-namespace").await;
    replica.until_metric(DRIFT, 0).await;

    let mut before = Vec::new();
    for kind in KINDS {
        let registrations = world.registrations(kind);
        before.push(registrations.get("tiller-guard").await.unwrap().metadata);
        let now = DeleteParams::default();
        drop(registrations.delete("tiller-guard", &now).await.unwrap());
    }
    let missing = Instant::now();
    for (kind, before) in KINDS.into_iter().zip(before) {
        let registrations = world.registrations(kind);
        let after = loop {
            if let Some(found) = registrations.get_opt("tiller-guard").await.unwrap() {
                break found.metadata;
            }
            let log = replica.server.log();
            assert!(missing.elapsed() < Duration::from_mins(1), "{log}");
            sleep(Duration::from_millis(200)).await;
        };
        assert_eq!(after.labels, before.labels);
        assert_eq!(after.owner_references, before.owner_references);
        // Never without the CA that the pods serve by.
        assert!(!world.bundle(kind).await.is_empty());
    }
    assert!(missing.elapsed() > Duration::from_secs(9));
    world.until_told("protected-namespace").await;
    replica.until_metric(DRIFT, 0).await;

    let gone = world.run(&["uninstall"]).await;
    assert_eq!(gone.status.code(), Some(0), "{}", said(&gone));
    // Long enough for a replica that would restore them to look twice.
    sleep(Duration::from_secs(22)).await;
    for kind in KINDS {
        let found = world.registrations(kind).get_opt("tiller-guard").await;
        assert!(found.unwrap().is_none(), "{kind}");
    }
}
