//! The laws that every verdict keeps, over generated workloads of every kind and over the case corpus.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use proptest::prelude::{ProptestConfig, TestCaseError, prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};
use tiller_guard::k8s::read;
use tiller_guard::k8s::review::{Webhook, answer};
use tiller_guard::policy::{Action, Finding, Policy, Settings, WorkloadKind, decide};

use tiller_guard::tiller::may_hold_tiller;

use super::NOW;
use super::corpus::cases;
use super::exposure::Exposure;
use super::generate::{self, object};

/// What a door makes of an object.
#[derive(Debug, PartialEq)]
struct Judged {
    findings: Vec<Finding>,
    patch: json_patch::Patch,
    hardened: Value,
}

// === impl Judged ===

impl Judged {
    /// Whether nothing was found that is refused as it is.
    fn only_reports(&self) -> bool {
        let mut findings = self.findings.iter();
        findings.all(|finding| finding.action == Action::Report)
    }
}

fn judge(kind: WorkloadKind, object: &Value) -> Judged {
    let settings = Settings::default();
    let workload = read(kind, object).unwrap();
    let verdict = decide(&workload, &settings, &NOW);
    let mut hardened = object.clone();
    let patch = verdict.patch.to_json_patch().unwrap();
    json_patch::patch(&mut hardened, &patch).unwrap();
    Judged {
        findings: verdict.findings,
        patch,
        hardened,
    }
}

fn laws(kind: WorkloadKind, object: &Value) -> Result<(), TestCaseError> {
    let judged = judge(kind, object);
    is_deterministic(kind, object, &judged)?;
    no_tiller_is_passed_over(kind, object)?;
    hardening_is_idempotent_and_passes(kind, &judged)?;
    hardening_only_tightens(kind, object, &judged)?;
    every_change_has_a_finding(&judged)?;
    the_webhook_agrees(kind, object, &judged)?;
    a_claimed_controller_only_makes_it_stricter(kind, object, &judged)
}

fn is_deterministic(
    kind: WorkloadKind,
    object: &Value,
    judged: &Judged,
) -> Result<(), TestCaseError> {
    prop_assert_eq!(&judge(kind, object), judged);
    Ok(())
}

/// What is not even looked at holds no Tiller.
fn no_tiller_is_passed_over(kind: WorkloadKind, object: &Value) -> Result<(), TestCaseError> {
    let workload = read(kind, object).unwrap();
    let settings = Settings::default();
    let recognised = !decide(&workload, &settings, &NOW).tillers.is_empty();
    prop_assert!(
        !recognised || may_hold_tiller(&object.to_string()),
        "{}",
        object
    );
    Ok(())
}

fn hardening_is_idempotent_and_passes(
    kind: WorkloadKind,
    judged: &Judged,
) -> Result<(), TestCaseError> {
    let again = judge(kind, &judged.hardened);
    prop_assert_eq!(&again.hardened, &judged.hardened);
    prop_assert!(again.patch.0.is_empty(), "a second patch: {}", again.patch);
    let count = |findings: &[Finding], action| {
        let of_action = findings.iter().filter(|finding| finding.action == action);
        of_action.count()
    };
    let told = &again.findings;
    prop_assert_eq!(count(told, Action::Harden), 0, "{:?}", told);
    if count(&judged.findings, Action::Refuse) == 0 {
        prop_assert_eq!(
            count(told, Action::Refuse),
            0,
            "hardened and yet: {:?}",
            told
        );
    }
    Ok(())
}

fn hardening_only_tightens(
    kind: WorkloadKind,
    object: &Value,
    judged: &Judged,
) -> Result<(), TestCaseError> {
    let before = Exposure::of(kind, object);
    let after = Exposure::of(kind, &judged.hardened);
    for ((what, before), (_, after)) in before.weaknesses.iter().zip(&after.weaknesses) {
        prop_assert!(
            after <= before,
            "{what} weakened: {object} became {}",
            judged.hardened
        );
    }
    Ok(())
}

/// Which fields a rule's hardening may touch, by a part of their pointers.
const TOUCHED: [(&str, &[&str]); 9] = [
    ("confinement", &["/securityContext", "/annotations"]),
    ("service-account-alias", &["/serviceAccount"]),
    ("tiller-namespace", &["/env"]),
    ("environment", &["/env"]),
    ("tls-environment", &["/env"]),
    ("certificate-mount", &["/volumeMounts", "/volumes"]),
    (
        "security-context",
        &["/securityContext", "/annotations", "/metadata", "/volume"],
    ),
    ("launch-spelling", &["/command", "/args", "/workingDir"]),
    ("", &["/command", "/args"]),
];

fn every_change_has_a_finding(judged: &Judged) -> Result<(), TestCaseError> {
    for operation in &judged.patch.0 {
        let path = operation.path().to_string();
        let named = judged
            .findings
            .iter()
            .filter(|it| it.action == Action::Harden)
            .any(|finding| {
                let rule = finding.rule.id;
                let touched = TOUCHED
                    .iter()
                    .find(|(id, _)| *id == rule)
                    .or(TOUCHED.last());
                touched.is_some_and(|(_, parts)| parts.iter().any(|part| path.contains(part)))
            });
        prop_assert!(named, "{path} is changed and no finding says so");
    }
    Ok(())
}

/// The webhook's patch is the core's, and its validator admits what the core finds clean.
fn the_webhook_agrees(
    kind: WorkloadKind,
    object: &Value,
    judged: &Judged,
) -> Result<(), TestCaseError> {
    let namespace = object
        .pointer("/metadata/namespace")
        .and_then(Value::as_str)
        .unwrap_or("");
    let mutated = respond(Webhook::Mutate, kind, namespace, object);
    let refused = judged
        .findings
        .iter()
        .any(|finding| finding.action == Action::Refuse);
    prop_assert_eq!(mutated["response"]["allowed"].as_bool(), Some(!refused));
    if !refused {
        let patch = mutated["response"]["patch"]
            .as_str()
            .map(|patch| BASE64.decode(patch).unwrap());
        let patch: Value = patch.map_or(json!([]), |patch| serde_json::from_slice(&patch).unwrap());
        prop_assert_eq!(&patch, &serde_json::to_value(&judged.patch).unwrap());
        let validated = respond(Webhook::Validate, kind, namespace, &judged.hardened);
        prop_assert_eq!(
            &validated["response"]["allowed"],
            &json!(true),
            "{}",
            validated
        );
    }
    let validated = respond(Webhook::Validate, kind, namespace, object);
    prop_assert_eq!(
        validated["response"]["allowed"].as_bool(),
        Some(judged.only_reports()),
        "{}",
        validated
    );
    Ok(())
}

/// Anybody may write who controls his object: it is refused then where it would have been hardened, or
/// answered as before.
fn a_claimed_controller_only_makes_it_stricter(
    kind: WorkloadKind,
    object: &Value,
    judged: &Judged,
) -> Result<(), TestCaseError> {
    if !matches!(
        kind,
        WorkloadKind::Pod | WorkloadKind::ReplicaSet | WorkloadKind::Deployment
    ) {
        return Ok(());
    }
    let mut claimed = object.clone();
    claimed["metadata"]["ownerReferences"] =
        json!([{ "kind": "ConfigMap", "name": "x", "controller": true }]);
    let namespace = object
        .pointer("/metadata/namespace")
        .and_then(Value::as_str)
        .unwrap_or("");
    let answer = respond(Webhook::Mutate, kind, namespace, &claimed);
    if kind == WorkloadKind::Deployment {
        let before = respond(Webhook::Mutate, kind, namespace, object);
        prop_assert_eq!(answer, before);
    } else {
        let allowed = answer["response"]["allowed"].as_bool();
        prop_assert_eq!(allowed, Some(judged.only_reports()));
        prop_assert_eq!(answer["response"].get("patch"), None);
    }
    Ok(())
}

fn respond(webhook: Webhook, kind: WorkloadKind, namespace: &str, object: &Value) -> Value {
    let group = match kind {
        WorkloadKind::Pod | WorkloadKind::PodTemplate | WorkloadKind::ReplicationController => "",
        WorkloadKind::Job | WorkloadKind::CronJob => "batch",
        _ => "apps",
    };
    let review = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "1",
            "kind": { "group": group, "version": "v1", "kind": kind.as_str() },
            "namespace": namespace,
            "operation": "CREATE",
            "object": object,
        },
    });
    let answer = answer(
        webhook,
        review.to_string().as_bytes(),
        &Policy::default(),
        &NOW,
    )
    .unwrap();
    let review: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(review["response"]["uid"], "1");
    review
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hold_for_generated_workloads((kind, object) in generate::workload()) {
        laws(kind, &object)?;
    }
}

#[test]
fn hold_for_the_corpus_in_every_kind() {
    for (rule, cases) in cases() {
        for case in cases {
            let manifest = case.manifest();
            for kind in WorkloadKind::ALL {
                let template = manifest["spec"]["template"].clone();
                let object = object(kind, &manifest["metadata"], template);
                if let Err(broken) = laws(kind, &object) {
                    panic!("{rule}: {}: {}: {broken}", case.name, kind.as_str());
                }
            }
        }
    }
}
