//! What may not be looked at is unknown, and never clean.

use serde_json::{Value, json};

use super::cluster;
use crate::cluster::User;
use crate::offline::{Run, run};
use crate::provision::proxy::{Asked, Fate, Proxy, run_at};

/// An audit by somebody with these rights at most.
fn audit_as(user: &str, words: &[&str]) -> Run {
    let kubeconfig = cluster().kubeconfig_as(user).unwrap();
    let kubeconfig = format!("--kubeconfig={}", kubeconfig.display());
    run(&[&["audit", &kubeconfig], words].concat(), b"")
}

fn told(report: &Value) -> Vec<&str> {
    let unknown = report["unknown"].as_array().unwrap().iter();
    unknown.map(|it| it["what"].as_str().unwrap()).collect()
}

#[test]
fn who_may_list_nothing_is_told_which_rights_are_missing() {
    let run = audit_as("aud-stranger", &["-o", "json"]);
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    let report = run.json();
    assert_eq!(report["tillers"].as_array().unwrap().len(), 0);
    let told = told(&report);
    for what in [
        "deployments",
        "pods",
        "clusterrolebindings",
        "services",
        "token secrets",
        "certificate secrets",
        "release records in secrets",
        "teams",
        "installed policy",
    ] {
        assert!(told.contains(&what), "{what}: {told:?}");
    }
    let text = audit_as("aud-stranger", &[]).stdout;
    for told in [
        "unknown: deployments: deployments.apps is forbidden: User \"aud-stranger\" cannot list ",
        "  MutatingWebhookConfiguration unknown: mutatingwebhookconfigurations",
    ] {
        assert!(text.contains(told), "{told}\n{text}");
    }
}

#[test]
fn what_hangs_on_a_list_that_is_missing_is_unknown() {
    // The account of the team's Tiller may read its namespace, and nothing of the cluster.
    let run = audit_as(
        "system:serviceaccount:aud-own:tiller",
        &["-n", "aud-own", "-o", "json"],
    );
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    let report = run.json();
    let tiller = &report["tillers"][0];
    assert_eq!(tiller["name"], "tiller-deploy", "{report}");
    for field in ["can_reach", "reached_by"] {
        let unknown = tiller[field]["unknown"].as_str().unwrap();
        assert!(unknown.starts_with("cannot list "), "{unknown}");
        assert!(unknown.contains("is forbidden: User"), "{unknown}");
    }
    assert_eq!(tiller["releases"]["configmaps"]["releases"], 2);
    assert!(told(&report).contains(&"clusterrolebindings"), "{report}");
}

/// Where RBAC is not served, rights come from elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_is_not_served_is_named_and_the_rest_goes_on() {
    let client = cluster().client(User::Admin).await.unwrap();
    let of_rbac = |asked: &[Asked]| {
        let path = &asked.last().unwrap().path;
        if path.starts_with("/apis/rbac.authorization.k8s.io/") {
            Fate::NotServed
        } else {
            Fate::Passes
        }
    };
    let proxy = Proxy::start(client, of_rbac).await;
    let run = run_at(&proxy.kubeconfig(), &["audit", "-o", "json"]).await;
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    let report = run.json();
    let tillers = report["tillers"].as_array().unwrap();
    assert_eq!(tillers.len(), 12);
    for field in ["can_reach", "reached_by"] {
        let unknown = tillers[0][field]["unknown"].as_str().unwrap();
        assert!(unknown.contains("does not serve it"), "{unknown}");
    }
    let not_served = report["not_served"].as_array().unwrap();
    for what in [
        "roles",
        "clusterroles",
        "rolebindings",
        "clusterrolebindings",
    ] {
        assert!(not_served.contains(&what.into()), "{what}");
        assert!(told(&report).contains(&what), "{what}");
    }
    // The rest is there.
    assert!(tillers.iter().any(|it| {
        it["exposed_by"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
    }));
}

/// An audit as an administrator whom the API server refuses these paths.
async fn refused(paths: &'static [&'static str], words: &'static [&'static str]) -> Run {
    let client = cluster().client(User::Admin).await.unwrap();
    let fate = |asked: &[Asked]| {
        let path = &asked.last().unwrap().path;
        if paths.iter().any(|it| path.split('?').next() == Some(it)) {
            Fate::Fails(403)
        } else {
            Fate::Passes
        }
    };
    let proxy = Proxy::start(client, fate).await;
    run_at(&proxy.kubeconfig(), words).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_is_unknown_without_the_list_of_pods() {
    let run = refused(&["/api/v1/pods"], &["audit", "-o", "json"]).await;
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    let report = run.json();
    let tillers = report["tillers"].as_array().unwrap();
    assert!(tillers.len() > 8, "{report}");
    for tiller in tillers {
        assert_eq!(tiller["state"], "unknown", "{tiller}");
        assert_eq!(tiller["next"]["restart"]["answer"], "unknown", "{tiller}");
    }
    assert_eq!(report["summary"]["refused_at_restart"], 0);
}

/// A Secret with a token is known by its name alone.
#[tokio::test(flavor = "multi_thread")]
async fn who_reads_a_token_by_its_name_is_unknown_without_the_list_of_secrets() {
    const SECRETS: &[&str] = &["/api/v1/secrets"];
    let run = refused(SECRETS, &["audit", "-o", "json"]).await;
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    for tiller in run.json()["tillers"].as_array().unwrap() {
        let unknown = &tiller["reached_by_unknown"];
        let wanted = json!(["token secrets", "release records in secrets"]);
        assert_eq!(unknown, &wanted, "{tiller}");
        assert!(tiller["reached_by"].is_array(), "{tiller}");
    }
    let text = refused(SECRETS, &["audit"]).await.stdout;
    let wanted = "unknown: rights by the names of token secrets, release records in secrets\n";
    assert_eq!(text.matches(wanted).count(), 12, "{text}");
    let page = refused(SECRETS, &["audit", "-o", "html"]).await.stdout;
    assert!(page.contains(", some unknown"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn webhook_configurations_that_may_not_be_read_are_counted_as_unknown() {
    const PATHS: &[&str] = &[
        "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/tiller-guard",
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/tiller-guard",
        "/apis/admissionregistration.k8s.io/v1beta1/mutatingwebhookconfigurations/tiller-guard",
        "/apis/admissionregistration.k8s.io/v1beta1/validatingwebhookconfigurations/tiller-guard",
    ];
    let run = refused(PATHS, &["audit", "-o", "json"]).await;
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    let report = run.json();
    let wanted = [
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    ];
    assert_eq!(told(&report), wanted, "{report}");
    assert_eq!(report["summary"]["unknown"], 2);
    let sarif = refused(PATHS, &["audit", "-o", "sarif"]).await.stdout;
    assert!(sarif.contains(r#""executionSuccessful":false"#), "{sarif}");
}

/// A dump in which nothing runs is no cluster without Tillers.
#[test]
fn workloads_are_unknown_where_a_dump_holds_none() {
    let service = r#"{ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web", "namespace": "blue" } }"#;
    let run = run(&["audit", "-f", "-", "-o", "json"], service.as_bytes());
    assert_eq!(run.code, Some(3), "{}", run.stderr);
    let report = run.json();
    for what in ["pods", "deployments", "statefulsets"] {
        assert!(told(&report).contains(&what), "{what}: {report}");
    }
}
