//! Each case finds what it says and nothing else, and hardening makes of it what it says.

use serde_json::Value;
use tiller_guard::k8s::read;
use tiller_guard::policy::{Context, Knowledge, Settings, Timestamp, WorkloadKind, decide};
use tiller_guard::report::unified_diff;

use super::corpus::{Case, as_said, canonical, cases, shortened};

fn found(manifest: &Value) -> (Vec<String>, Value, bool) {
    found_knowing(manifest, &Settings::default(), &Knowledge::default())
}

fn found_in(case: &Case) -> (Vec<String>, Value, bool) {
    found_knowing(&case.manifest(), &case.settings(), &case.knowledge())
}

fn found_knowing(
    manifest: &Value,
    settings: &Settings,
    knowledge: &Knowledge,
) -> (Vec<String>, Value, bool) {
    let workload = read(WorkloadKind::Deployment, manifest).unwrap();
    let context = Context::new(Timestamp(0), knowledge);
    let verdict = decide(&workload, settings, &context);
    let findings = verdict
        .findings
        .iter()
        .map(|finding| {
            let path = shortened(&finding.path.to_string());
            format!(
                "{} {} {path}: {}",
                finding.rule.id,
                finding.action.as_str(),
                finding.message
            )
        })
        .collect();
    let mut hardened = manifest.clone();
    let patch = verdict.patch.to_json_patch().unwrap();
    json_patch::patch(&mut hardened, &patch).unwrap();
    (findings, hardened, verdict.refuses())
}

#[test]
fn the_canonical_deployment_is_clean() {
    let (findings, hardened, _) = found(&canonical());
    assert_eq!(findings, [""; 0]);
    assert_eq!(hardened, canonical());
}

#[test]
fn each_case_finds_what_it_says_and_nothing_else() {
    let mut wrong = Vec::new();
    for (rule, cases) in cases() {
        for case in cases {
            let (findings, ..) = found_in(&case);
            let whole = |found: &String| case.finds.contains(found);
            let part = |found: &String| case.says.as_ref().is_none_or(|it| found.contains(it));
            if !as_said(&findings, &case.finds) || !findings.iter().all(|it| whole(it) || part(it))
            {
                wrong.push(format!(
                    "{rule}: {}\n  {}",
                    case.name,
                    findings.join("\n  ")
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "found otherwise than said:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn hardening_makes_of_each_case_what_it_says() {
    for (rule, cases) in cases() {
        for case in cases {
            let (_, hardened, refused) = found_in(&case);
            if !refused {
                pretty_eq(
                    &hardened,
                    &case.hardened(),
                    &format!("{rule}: {}", case.name),
                );
            }
        }
    }
}

/// What is hardened by the dozen does not use up the room of what is refused.
#[test]
fn a_refusal_is_told_after_many_hardened_findings() {
    let mut manifest = canonical();
    let environment = manifest
        .pointer_mut("/spec/template/spec/containers/0/env")
        .and_then(Value::as_array_mut)
        .unwrap();
    let variable = |name: &str| serde_json::json!({ "name": name, "value": "7" });
    environment.splice(0..0, vec![variable("TILLER_HISTORY_MAX"); 40]);
    environment.push(variable("KUBECONFIG"));
    let (findings, _, refused) = found(&manifest);
    assert!(refused);
    let refusal = "environment refuse tiller/env/45: Tiller does not need the variable KUBECONFIG";
    assert_eq!(findings.last().map(String::as_str), Some(refusal));
}

/// A second Tiller is refused; what `harden` prints of both is a pod all the same.
#[test]
fn two_tillers_share_the_volumes_that_they_are_given() {
    let mut manifest = canonical();
    let pod = manifest.pointer_mut("/spec/template/spec").unwrap();
    pod["volumes"] = Value::Null;
    pod["containers"][0]["volumeMounts"] = Value::Null;
    let tiller = pod["containers"][0].clone();
    pod["containers"] = vec![tiller.clone(), tiller].into();
    let (_, hardened, refused) = found(&manifest);
    assert!(refused);
    let pod = &hardened["spec"]["template"]["spec"];
    let names: Vec<_> = pod["volumes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["name"])
        .collect();
    assert_eq!(names, ["tiller-certs", "tmp"]);
    assert_eq!(
        pod["containers"][0]["volumeMounts"],
        pod["containers"][1]["volumeMounts"]
    );
}

fn pretty_eq(left: &Value, right: &Value, name: &str) {
    let text = |value| serde_json::to_string_pretty(value).unwrap();
    let difference = unified_diff("expected", &text(right), &text(left));
    assert!(left == right, "{name}\n{difference}");
}
