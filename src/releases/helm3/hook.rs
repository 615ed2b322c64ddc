//! Hooks.

use serde_json::{Value, json};

use super::text::text;
use crate::releases::hapi::{Hook, Release, TestRun};
use crate::releases::moment::rfc3339;
use crate::releases::show::object;

/// Events by their numbers in Helm 2, from 1, in Helm 3's words. A test that must fail is unknown to Helm 3, and so are
/// the definitions of kinds that Helm 2 installed first: it keeps these words and does nothing.
///
/// Source: `_proto/hapi/release/hook.proto`, Helm 2.17.0; `pkg/release/hook.go`, Helm 3.17.
const EVENTS: [&str; 11] = [
    "pre-install",
    "post-install",
    "pre-delete",
    "post-delete",
    "pre-upgrade",
    "post-upgrade",
    "pre-rollback",
    "post-rollback",
    "test",
    TEST_FAILURE,
    CRD_INSTALL,
];
const TEST_FAILURE: &str = "test-failure";
const CRD_INSTALL: &str = "crd-install";
/// When a hook's objects are deleted, by their numbers in Helm 2, from 0.
const POLICIES: [&str; 3] = ["hook-succeeded", "hook-failed", "before-hook-creation"];
/// How a test ended, by its number in Helm 2, from 0.
const PHASES: [&str; 4] = ["Unknown", "Succeeded", "Failed", "Running"];

/// The hooks of a release.
pub(super) fn hooks(release: &Release, remarks: &mut Vec<String>) -> Vec<Value> {
    let runs = &release.info.status.last_test_suite_run.results;
    let hooks = release.hooks.iter();
    hooks.map(|hook| convert(hook, runs, remarks)).collect()
}

fn convert(hook: &Hook, runs: &[TestRun], remarks: &mut Vec<String>) -> Value {
    let events: Vec<_> = hook.events.iter().filter_map(|it| event(*it)).collect();
    remarks.extend(remark(&hook.name, &events));
    let policies = hook
        .delete_policies
        .iter()
        .filter_map(|it| word(&POLICIES, *it));
    let policies: Vec<_> = policies.collect();
    let run = runs.iter().find(|run| run.name == hook.name);
    object([
        ("name", Some(hook.name.as_str().into())),
        ("kind", Some(hook.kind.as_str().into())),
        ("path", Some(hook.path.as_str().into())),
        (
            "manifest",
            Some(text(&hook.manifest, "hook's manifest", remarks).into()),
        ),
        ("events", Some(events.into())),
        ("last_run", Some(last_run(run))),
        ("weight", (hook.weight != 0).then(|| hook.weight.into())),
        (
            "delete_policies",
            (!policies.is_empty()).then(|| policies.into()),
        ),
    ])
}

/// What changes for a hook of these events: Helm 3 and 4 do not know all of Helm 2's.
fn remark(name: &str, events: &[&str]) -> Option<String> {
    let is_unknown = |event: &&&str| matches!(**event, TEST_FAILURE | CRD_INSTALL);
    let unknown = events.iter().find(is_unknown)?;
    // One unknown word, and a chart's whole object is left out (`findings/helm-unknown-hook-among-known.sh`).
    if !events.iter().all(|event| is_unknown(&event)) {
        return Some(format!(
            "hook {name} has the event {unknown}, which Helm 3 does not know: the next upgrade leaves this object out with all its \
             events, unless the chart's annotation helm.sh/hook names the others only"
        ));
    }
    let remark = match *unknown {
        TEST_FAILURE => {
            "is a test that has to fail, which Helm 3 does not have: helm test leaves it out"
        }
        _ => "installed a CustomResourceDefinition, which Helm 3 does not upgrade or delete",
    };
    Some(format!("hook {name} {remark}"))
}

/// When it ran last: known of tests only.
fn last_run(run: Option<&TestRun>) -> Value {
    let Some(run) = run else {
        return json!({ "started_at": "", "completed_at": "", "phase": "" });
    };
    json!({
        "started_at": rfc3339(run.started_at.as_option()).unwrap_or_default(),
        "completed_at": rfc3339(run.completed_at.as_option()).unwrap_or_default(),
        "phase": word(&PHASES, run.status).unwrap_or_default(),
    })
}

fn event(number: i32) -> Option<&'static str> {
    word(&EVENTS, number.checked_sub(1)?)
}

fn word(words: &[&'static str], number: i32) -> Option<&'static str> {
    words.get(usize::try_from(number).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_helm_3_does_not_know_is_told() {
        let told = |events: &[&str]| remark("smoke", events).unwrap_or_default();
        assert_eq!(told(&["post-install", "pre-upgrade"]), "");
        assert!(told(&[TEST_FAILURE]).starts_with("hook smoke is a test that has to fail"));
        assert!(
            told(&[CRD_INSTALL]).starts_with("hook smoke installed a CustomResourceDefinition")
        );
        let mixed = "hook smoke has the event test-failure, which Helm 3 does not know: the next upgrade leaves";
        assert!(told(&["post-install", TEST_FAILURE]).starts_with(mixed));
    }
}
