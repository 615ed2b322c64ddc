//! The manifests that `helm init` prints.

use serde_json::Value;

use super::{data, run};

/// Versions that may run, each with a service account and a namespace of its own.
const HARDENABLE: [&str; 4] = [
    "helm-init/2.7.2-sa-ns.yaml",
    "helm-init/2.9.1-sa-ns.yaml",
    "helm-init/2.16.12-sa-ns.yaml",
    "helm-init/2.17.0-sa-ns.yaml",
];

fn rules(report: &Value, action: &str) -> Vec<String> {
    let objects = report["objects"].as_array().unwrap();
    let findings = objects
        .iter()
        .flat_map(|object| object["findings"].as_array().unwrap());
    findings
        .filter(|finding| finding["action"] == action)
        .map(|finding| finding["rule"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_plain_tiller_has_findings_and_a_configuration() {
    let check = run(
        &["check", &data("helm-init/2.16.12-sa-ns.yaml"), "-o", "json"],
        b"",
    );
    assert_eq!(check.code, Some(1), "{}", check.stderr);
    let report = check.json();
    assert_eq!(report["summary"]["tillers"], 1);
    assert_eq!(rules(&report, "refuse"), Vec::<String>::new());
    assert!(!rules(&report, "harden").is_empty());
    let tiller = &report["objects"][0]["tillers"][0];
    assert_eq!(tiller["container"], "tiller");
    assert_eq!(tiller["version"], "2.16.12");
    assert_eq!(tiller["starts"], true);
    assert_eq!(tiller["effective"]["storage"], "configmap");
    assert_eq!(tiller["effective"]["listen"], ":44134");
    assert_eq!(tiller["effective"]["tls"]["enabled"], false);
    assert_eq!(tiller["effective"]["tls"]["verify"], false);
}

#[test]
fn a_tiller_in_kube_system_is_refused() {
    let file = data("helm-init/2.16.12-plain.yaml");
    let check = run(&["check", &file, "-o", "json"], b"");
    assert_eq!(check.code, Some(1));
    assert!(!rules(&check.json(), "refuse").is_empty());
    let harden = run(&["harden", &file], b"");
    assert_eq!(harden.code, Some(1));
    assert!(!harden.stdout.is_empty());
    assert!(harden.stderr.contains("kube-system"), "{}", harden.stderr);
}

#[test]
fn what_harden_prints_is_clean_and_stays() {
    for name in HARDENABLE {
        let harden = run(&["harden", &data(name)], b"");
        assert_eq!(harden.code, Some(0), "{name}: {}", harden.stderr);
        let check = run(&["check", "-"], harden.stdout.as_bytes());
        assert_eq!(check.code, Some(0), "{name}: {}", check.stdout);
        let again = run(&["harden", "-"], harden.stdout.as_bytes());
        assert_eq!(again.stdout, harden.stdout, "{name}");
    }
}

#[test]
fn every_output_of_harden_says_the_same() {
    for name in HARDENABLE {
        let file = data(name);
        let yaml = run(&["harden", &file], b"").stdout;
        let json = run(&["harden", &file, "-o", "json"], b"").json();
        assert_eq!(
            run(&["harden", "-", "-o", "json"], yaml.as_bytes()).json(),
            json,
            "{name}"
        );

        let patches = run(&["harden", &file, "--patch"], b"").json();
        // One document: one patch; several: each with its name.
        let operations = patches[0].get("patch").unwrap_or(&patches);
        assert!(operations[0]["op"].is_string(), "{name}: {patches}");

        let diff = run(&["harden", &file, "--diff"], b"").stdout;
        assert!(diff.contains("\n+"), "{name}");
        assert!(!diff.contains("\n-  name: tiller-deploy"), "{name}");
    }
}

#[test]
fn a_tiller_in_a_list_is_hardened_there() {
    let file = data("helm-init/2.16.12-sa-ns.yaml");
    let list = {
        let objects = run(
            &["harden", "-", "-o", "json"],
            &std::fs::read(&file).unwrap(),
        );
        assert_eq!(objects.json()["kind"], "List");
        objects.stdout
    };
    let check = run(&["check", "-", "-o", "json"], list.as_bytes());
    assert_eq!(check.code, Some(0), "{}", check.stdout);
    assert_eq!(check.json()["objects"][0]["pointer"], "/items/0");
}
