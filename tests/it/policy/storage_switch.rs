//! Storage that hardening leaves as it is, and what is known of releases.

use tiller_guard::k8s::read;
use tiller_guard::policy::{
    Context, Exception, Knowledge, Settings, Timestamp, WorkloadKind, decide, rules,
};

use super::corpus::canonical;

/// What is found in a Tiller with releases in ConfigMaps, where this rule is let off.
fn found(excepted: &str) -> Vec<&'static str> {
    let mut manifest = canonical();
    manifest["spec"]["template"]["spec"]["containers"][0]["args"][1] = "--storage=configmap".into();
    let settings = Settings {
        exceptions: vec![Exception {
            rule: rules().find(|rule| rule.id == excepted).unwrap(),
            kind: WorkloadKind::Deployment.into(),
            namespace: "tiller-world".to_owned(),
            name: "tiller-deploy".to_owned(),
            reason: "its releases are moved in March".to_owned(),
            expires: Timestamp(1),
        }],
        ..Settings::default()
    };
    let knowledge = Knowledge::default().with_release_record("tiller-world", "web.v1");
    let context = Context::new(Timestamp(0), &knowledge);
    let workload = read(WorkloadKind::Deployment, &manifest).unwrap();
    let verdict = decide(&workload, &settings, &context);
    verdict.findings.iter().map(|it| it.rule.id).collect()
}

#[test]
fn nothing_is_hidden_where_the_storage_stays() {
    assert_eq!(found("release-storage"), [""; 0]);
}

#[test]
fn who_accepts_that_releases_are_hidden_has_the_storage_hardened() {
    assert_eq!(
        found("storage-switch"),
        ["release-storage", "launch-spelling"]
    );
}

#[test]
fn records_are_counted_by_namespace_each_once() {
    let knowledge = Knowledge::default()
        .with_release_record("red", "web.v1")
        .with_release_record("red", "web.v1");
    assert_ne!(knowledge, Knowledge::default());
    let none = knowledge
        .without_release_record("red", "web.v2")
        .without_release_record("red", "web.v1");
    assert_eq!(none, Knowledge::default());
}
