//! What stands around a Tiller in manifests: others, and what holds something of its.

use serde_json::Value;

use super::{data, run};

/// The rules that find something in each object of a report.
fn rules(report: &Value) -> Vec<Vec<&str>> {
    let objects = report["objects"].as_array().unwrap();
    objects
        .iter()
        .map(|object| {
            let findings = object["findings"].as_array().unwrap().iter();
            findings.map(|it| it["rule"].as_str().unwrap()).collect()
        })
        .collect()
}

#[test]
fn of_two_tillers_in_one_namespace_each_is_a_second_one() {
    let file = data("helm-init/2.9.1-sa-ns.yaml");
    let first = std::fs::read_to_string(file).unwrap();
    let second = first.replace("name: tiller-deploy", "name: releases");
    assert_ne!(first, second);
    let report = |text: &str| run(&["check", "-", "-o", "json"], text.as_bytes()).json();
    let both = report(&format!("{first}\n---\n{second}"));
    for found in rules(&both) {
        assert!(found.contains(&"second-tiller"), "{found:?}");
    }
    for found in rules(&report(&format!("{first}\n---\n{first}"))) {
        assert!(!found.contains(&"second-tiller"), "{found:?}");
    }
}

#[test]
fn a_secret_with_a_token_of_a_tillers_account_is_told() {
    let text = "\
apiVersion: v1
kind: Secret
metadata:
  name: mine
  namespace: team
  annotations: {kubernetes.io/service-account.name: tiller}
type: kubernetes.io/service-account-token
";
    let check = run(&["check", "-", "-o", "json"], text.as_bytes());
    assert_eq!(check.code, Some(1), "{}", check.stderr);
    let report = check.json();
    assert_eq!(rules(&report), [["account-token"]]);
    assert_eq!(report["objects"][0]["findings"][0]["line"], 6);
}

#[test]
fn releases_in_config_maps_are_told_and_keep_their_tiller_from_being_hardened() {
    let record = "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: web.v1
  namespace: tiller-world
  labels: {NAME: web, OWNER: TILLER, STATUS: DEPLOYED, VERSION: '1'}
data: {release: H4sI}
";
    let check = run(&["check", "-"], record.as_bytes());
    assert_eq!(check.code, Some(1), "{}", check.stderr);
    assert!(
        check.stdout.contains("(reported, not refused)"),
        "{}",
        check.stdout
    );
    let harden = run(&["harden", "-"], record.as_bytes());
    assert_eq!((harden.code, harden.stdout.as_str()), (Some(0), record));

    let tiller = std::fs::read_to_string(data("helm-init/2.9.1-sa-ns.yaml")).unwrap();
    let both = format!("{record}---\n{tiller}");
    let report = run(&["check", "-", "-o", "json"], both.as_bytes()).json();
    let rules = rules(&report);
    assert_eq!(rules[0], ["release-record"]);
    assert!(rules[1].contains(&"storage-switch"), "{rules:?}");
    assert_eq!(run(&["harden", "-"], both.as_bytes()).code, Some(1));
}
