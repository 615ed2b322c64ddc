//! `policy check`, `policy schema`, and the policy file of `check` and `harden`.

use serde_json::Value;

use super::{Folder, data, run};

const HEAD: &str = "apiVersion: tiller-guard.io/v1\nkind: Policy\n";

fn policy(folder: &Folder, body: &str) -> String {
    folder.file("policy.yaml", format!("{HEAD}{body}"))
}

#[test]
fn a_good_file_is_summed_up() {
    let folder = Folder::new();
    let file = policy(
        &folder,
        "mode: freeze\nnamespaces: {team-a: {mode: audit}}\n",
    );
    let good = run(&["policy", "check", &file], b"");
    assert_eq!(good.code, Some(0));
    let said = format!("{file}: good: mode freeze; 1 namespace with another mode; 0 exceptions\n");
    assert_eq!(good.stdout, said);
}

#[test]
fn problems_have_file_line_column_and_a_next_step() {
    let folder = Folder::new();
    let file = policy(&folder, "mode: off\nversionFloor: 2.7.0\n");
    let bad = run(&["policy", "check", &file], b"");
    assert_eq!(bad.code, Some(1));
    assert_eq!(
        bad.stdout,
        format!(
            "{file}:3:1: found a boolean, expected a string; put it in quotes if it is one\n\
             {file}:4:1: Tiller before 2.7.2 cannot be hardened; write that version or a newer one\n"
        )
    );
}

#[test]
fn what_cannot_be_read_is_told_apart() {
    let folder = Folder::new();
    let broken = folder.file("broken.yaml", "apiVersion: [");
    let unread = run(&["policy", "check", &broken], b"");
    assert_eq!(unread.code, Some(3));
    assert!(
        unread.stdout.starts_with(&format!("{broken}:1:")),
        "{}",
        unread.stdout
    );
    let missing = run(&["policy", "check", "/nowhere/policy.yaml"], b"");
    assert_eq!(missing.code, Some(3));
    assert!(
        missing
            .stderr
            .starts_with("error: cannot read /nowhere/policy.yaml: No such")
    );
}

#[test]
fn what_is_no_tiller_is_told_with_the_reason() {
    let folder = Folder::new();
    let body = "notTillers:\n- {image: x/tiller, reason: a templating tool}\n";
    let file = policy(&folder, body);
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: farm}\nspec: \
               {containers: [{name: a, image: 'x/tiller:1'}]}\n";
    let check = run(&["check", "--policy", &file, "-"], pod.as_bytes());
    assert_eq!(check.code, Some(0), "{}", check.stdout);
    let told = "Pod farm/web\n  not a Tiller, according to the policy: a templating tool\n";
    assert!(check.stdout.contains(told), "{}", check.stdout);
    assert_eq!(run(&["check", "-"], pod.as_bytes()).code, Some(1));
}

#[test]
fn the_schema_is_printed() {
    let printed = run(&["policy", "schema"], b"");
    assert_eq!(printed.code, Some(0));
    assert_eq!(printed.json()["properties"]["kind"]["const"], "Policy");
}

/// The rules, severities and actions of what is found in a recorded manifest under a policy.
fn found(body: &str, more: &[&str]) -> Vec<(String, String, String)> {
    let folder = Folder::new();
    let file = policy(&folder, body);
    let manifest = data("helm-init/2.17.0-sa-ns.yaml");
    let mut arguments = vec!["check", "-o", "json", "--policy", &file, &manifest];
    arguments.extend(more);
    let report = run(&arguments, b"").json();
    let findings = report["objects"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    findings
        .flat_map(|object| object["findings"].as_array().unwrap())
        .map(|it| {
            (
                text(&it["rule"]),
                text(&it["severity"]),
                text(&it["action"]),
            )
        })
        .collect()
}

#[test]
fn a_mode_other_than_forbid_changes_nothing_in_files() {
    let plain = found("", &[]);
    assert!(!plain.is_empty());
    for mode in ["audit", "warn", "enforce", "freeze"] {
        assert_eq!(found(&format!("mode: {mode}\n"), &[]), plain, "{mode}");
    }
    let mut forbidden = found("mode: forbid\n", &[]);
    let own = ("tiller-forbidden", "critical", "refuse");
    let (rule, severity, action) = forbidden.remove(0);
    assert_eq!((rule.as_str(), severity.as_str(), action.as_str()), own);
    assert_eq!(forbidden, plain);
}

#[test]
fn severities_and_options_count() {
    let found = found(
        "severities: {tls-disabled: low, protected-namespace: medium}\n",
        &["--protected-namespace", "tiller-world"],
    );
    let of = |id: &str| {
        found
            .iter()
            .find(|(rule, ..)| rule == id)
            .unwrap()
            .1
            .clone()
    };
    assert_eq!(of("tls-disabled"), "low");
    assert_eq!(of("protected-namespace"), "medium");
    assert_eq!(of("release-storage"), "high");
}

#[test]
fn harden_keeps_what_an_exception_lets_off_and_refuses_what_is_forbidden() {
    let folder = Folder::new();
    let manifest = data("helm-init/2.17.0-sa-ns.yaml");
    let kept = policy(
        &folder,
        "exceptions:
- rule: release-storage
  object: {kind: Deployment, namespace: tiller-world, name: tiller-deploy}
  reason: releases are moved later
  expires: 2199-12-31
",
    );
    let hardened = run(&["harden", "--policy", &kept, &manifest], b"");
    assert_eq!(hardened.code, Some(0), "{}", hardened.stderr);
    assert!(
        hardened.stdout.contains("--storage=configmap"),
        "{}",
        hardened.stdout
    );
    let forbidding = policy(&folder, "namespaces: {tiller-world: {mode: forbid}}\n");
    let refused = run(&["harden", "--policy", &forbidding, &manifest], b"");
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("tiller-forbidden"),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_bad_policy_file_judges_nothing() {
    let folder = Folder::new();
    let file = policy(&folder, "mode: enforced\n");
    for command in ["check", "harden"] {
        let bad = run(&[command, "--policy", &file, "-"], b"");
        assert_eq!(bad.code, Some(2));
        assert_eq!(bad.stdout, "");
        let begin = format!("error: the policy file is invalid:\n{file}:3:1: there is no mode");
        assert!(bad.stderr.starts_with(&begin), "{}", bad.stderr);
    }
}
