//! What commands say of kinds that an API server does not serve, and of answers that no account changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::odd_servers::told_through;
use crate::api_server::cluster;
use crate::provision::proxy::Fate;
use crate::suite::Feature;

#[tokio::test]
async fn kinds_that_are_optional_and_not_served_are_left_out_with_a_warning() {
    let answer = |path: &str| match path {
        it if it.starts_with("/apis/policy/") || it.starts_with("/apis/networking.k8s.io/") => {
            Fate::NotServed
        }
        _ => Fate::Passes,
    };
    let (_, told) = told_through(answer, &["doctor", "--pre"]).await;
    let line = "‼ kinds-served: the API server does not serve NetworkPolicy of networking.k8s.io/v1, \
                PodDisruptionBudget of policy/v1";
    assert!(told.contains(line), "{told}");
    let mut words = vec![
        "install",
        "--yes",
        "--dry-run=server",
        "--namespace=odd-left-out",
    ];
    if Feature::DryRun.is_missing(cluster().version()) {
        words[2] = "--dry-run=client";
    }
    let (_, told) = told_through(answer, &words).await;
    for kind in [
        "NetworkPolicy of networking.k8s.io/v1",
        "PodDisruptionBudget of policy/v1",
    ] {
        let warning = format!("warning: the API server does not serve {kind}");
        assert!(told.contains(&warning), "{told}");
    }
    let last = "Deployment odd-left-out/tiller-guard\n";
    assert!(told.contains(last), "{told}");
    assert!(!told.contains("NetworkPolicy odd-left-out"), "{told}");
}

#[tokio::test]
async fn a_needed_kind_that_is_not_served_is_found_before_anything_is_written() {
    let answer = |path: &str| match path {
        "/apis/apps/v1" => Fate::NotServed,
        _ => Fate::Passes,
    };
    let (exit, told) = told_through(answer, &["doctor", "--pre"]).await;
    assert_eq!(exit, Some(1), "{told}");
    let line = "✗ kinds-served: the API server does not serve Deployment of apps/v1\n";
    assert!(told.contains(line), "{told}");
    let words = [
        "install",
        "--yes",
        "--dry-run=client",
        "--namespace=odd-needed",
    ];
    let (exit, told) = told_through(answer, &words).await;
    assert_eq!(exit, Some(2), "{told}");
    let error = "error: the API server does not serve Deployment of apps/v1 (GET /apis/apps/v1), so nothing was written";
    assert!(told.contains(error), "{told}");
    assert!(!told.contains("created"), "{told}");
}

/// The hint fits the answer, and the request is named.
#[tokio::test]
async fn what_no_account_changes_is_not_said_to_be_a_matter_of_rights() {
    const TRIAL: &str = "/apis/apps/v1/namespaces/default/deployments";
    const OWN_REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    const REVIEWS: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    const PODS: &str = "/apis/apps/v1/namespaces/tiller-guard/deployments/tiller-guard";
    for (odd, fate, words, check, named, hint) in [
        (
            TRIAL,
            Fate::Fails(400),
            "doctor",
            "mutating-proof",
            "could not be tried: cannot create Deployment default/",
            "look at the log of the API server",
        ),
        (
            TRIAL,
            Fate::Fails(503),
            "doctor",
            "mutating-proof",
            "(HTTP 503)",
            "look at the log of the API server",
        ),
        (
            PODS,
            Fate::Lost,
            "doctor",
            "pods",
            "cannot get Deployment tiller-guard/tiller-guard: ",
            "check the connection to the API server",
        ),
        (
            REVIEWS,
            Fate::Fails(404),
            "doctor",
            "own-rights",
            "cannot create SubjectAccessReviews: made up by the test (HTTP 404)",
            "check that the API server serves this kind",
        ),
        (
            OWN_REVIEWS,
            Fate::Fails(415),
            "doctor --pre",
            "rights",
            "cannot create SelfSubjectAccessReviews: made up by the test (HTTP 415)",
            "look at the proxy in front of the API server",
        ),
        (
            OWN_REVIEWS,
            Fate::Fails(403),
            "doctor --pre",
            "rights",
            "cannot create SelfSubjectAccessReviews: made up by the test",
            "use an account that may create SelfSubjectAccessReviews",
        ),
    ] {
        if odd == TRIAL && Feature::DryRun.is_missing(cluster().version()) {
            continue;
        }
        let answer = move |path: &str| match path.split('?').next() {
            Some(path) if path == odd => fate,
            _ => Fate::Passes,
        };
        let words: Vec<_> = words.split(' ').collect();
        let (_, told) = told_through(answer, &words).await;
        let mut lines = told.lines();
        let line = lines.find(|it| it.starts_with(&format!("‼ {check}: ")));
        let line = line.unwrap_or_else(|| panic!("{told}"));
        assert!(line.contains(named), "{line}");
        let next = lines.next().unwrap_or_default();
        assert!(next.trim_start().starts_with(hint), "{line}\n{next}");
    }
}

#[tokio::test]
async fn version_names_the_request_that_is_refused() {
    let answer = |path: &str| match path {
        "/apis/apps/v1/namespaces/tiller-guard/deployments/tiller-guard" => Fate::Fails(403),
        _ => Fate::Passes,
    };
    let (exit, told) = told_through(answer, &["version"]).await;
    assert_eq!(exit, Some(4), "{told}");
    let error = "error: cannot get Deployment tiller-guard/tiller-guard: made up by the test; use an account that may get \
                 Deployment tiller-guard/tiller-guard\n";
    assert!(told.ends_with(error), "{told}");
}

#[tokio::test]
async fn doctor_reads_the_deployment_once() {
    let reads = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&reads);
    let answer = move |path: &str| {
        if path == "/apis/apps/v1/namespaces/tiller-guard/deployments/tiller-guard" {
            counts.fetch_add(1, Ordering::SeqCst);
        }
        Fate::Passes
    };
    let (_, told) = told_through(answer, &["doctor"]).await;
    assert_eq!(reads.load(Ordering::SeqCst), 1, "{told}");
}
