//! Refusals, as the person sees them: the rule, the place, and status 403 Forbidden. Helm takes
//! `AlreadyExists` for success, and the API server turns a refusal without a code into a 400.

use kube::core::Status;
use serde_json::{Value, json};
use tiller_guard::policy::{mode_rules, rules};

use super::{World, cluster, recorded_deployment};
use crate::suite::Feature;

/// The message's line of a rule.
#[track_caller]
pub(crate) fn assert_refused(answer: Result<Value, Box<Status>>, rule: &str, path: &str) {
    let Err(status) = answer else {
        panic!("stored: {answer:#?}")
    };
    let internal = status.message.strip_prefix("Internal error occurred: ");
    let by_mutating = |it: &&str| it.starts_with("admission webhook \"mutate.tiller-guard.io\"");
    let old = !Feature::MutatingRefusals.is_in(cluster().version());
    let internal = internal.filter(|it| old && by_mutating(it));
    let expected = match internal {
        Some(_) => (500, "InternalError"),
        None => (403, "Forbidden"),
    };
    assert_eq!(
        (status.code, status.reason.as_str()),
        expected,
        "{status:?}"
    );
    let message = internal.unwrap_or(&status.message);
    assert!(message.starts_with("admission webhook \""), "{message}");
    assert!(
        message.contains(".tiller-guard.io\" denied the request: "),
        "{message}"
    );
    let told = message
        .lines()
        .any(|line| line.contains(rule) && line.contains(path));
    assert!(told, "no {rule} at {path} in: {message}");
    let is_rule = rules().chain(mode_rules()).any(|it| it.id == rule);
    if is_rule && internal.is_none() {
        let mut causes = status.details.iter().flat_map(|details| &details.causes);
        assert!(causes.any(|it| it.reason == rule), "{status:?}");
    }
}

#[tokio::test]
async fn tiller_in_kube_system() {
    let world = World {
        namespace: "kube-system".to_owned(),
        ..World::create("system").await
    };
    let answer = world.try_install(world.helm_init("2.17.0-sa-ns")).await;
    assert_refused(answer, "protected-namespace", "/metadata/namespace");
    assert!(
        world
            .deployments()
            .get_opt("tiller-deploy")
            .await
            .unwrap()
            .is_none()
    );
}

/// `helm init` without any flag breaks two rules, and is told both at once.
#[tokio::test]
async fn helm_init_without_flags() {
    let world = World {
        namespace: "kube-system".to_owned(),
        ..World::create("plain").await
    };
    for recording in ["2.16.12-plain", "2.17.0-plain"] {
        let status = world.try_install(recorded_deployment(recording)).await;
        assert_refused(status.clone(), "protected-namespace", "/metadata/namespace");
        assert_refused(
            status,
            "service-account",
            "/spec/template/spec/serviceAccountName",
        );
    }
}

#[tokio::test]
async fn tiller_without_a_service_account() {
    let world = World::create("no-account").await;
    let mut deployment = world.helm_init("2.17.0-sa-ns");
    deployment["spec"]["template"]["spec"]
        .as_object_mut()
        .unwrap()
        .remove("serviceAccountName");
    let answer = world.try_install(deployment).await;
    assert_refused(
        answer,
        "service-account",
        "/spec/template/spec/serviceAccountName",
    );
}

#[tokio::test]
async fn tiller_2_6() {
    let world = World::create("old").await;
    let mut deployment = world.helm_init("2.7.2-sa-ns");
    deployment["spec"]["template"]["spec"]["containers"][0]["image"] =
        json!("gcr.io/kubernetes-helm/tiller:v2.6.2");
    let answer = world.try_install(deployment).await;
    assert_refused(
        answer,
        "version-floor",
        "/spec/template/spec/containers/0/image",
    );
}

#[tokio::test]
async fn a_shell_that_starts_tiller() {
    let world = World::create("shell").await;
    let mut deployment = world.helm_init("2.17.0-sa-ns");
    deployment["spec"]["template"]["spec"]["containers"][0]["command"] =
        json!(["sh", "-c", "exec /tiller --storage=secret"]);
    let answer = world.try_install(deployment).await;
    assert_refused(
        answer,
        "launch-unreadable",
        "/spec/template/spec/containers/0/command",
    );
}
