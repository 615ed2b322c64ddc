//! The case corpus of the rules for Services and their addresses: `tests/cases/RULE.yaml`, each case an object that
//! comes, and what is found.

use serde::Deserialize;
use serde_json::Value;
use tiller_guard::k8s::read;
use tiller_guard::policy::exposure::ExposureKind;
use tiller_guard::policy::{Action, ObjectKind, Rule, Settings, Severity, decide, exposure_rules};

use super::NOW;
use super::corpus::cases_of;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    object: Value,
    /// `RULE PATH: MESSAGE`.
    finds: Vec<String>,
}

fn cases(rule: &Rule) -> Vec<Case> {
    cases_of(rule, |case| &case.finds)
}

#[test]
fn each_case_finds_what_it_says_and_nothing_else() {
    for rule in exposure_rules() {
        for case in cases(rule) {
            let found = found(&case.object, &Settings::default());
            assert_eq!(found, case.finds, "{}: {}", rule.id, case.name);
        }
    }
}

fn found(object: &Value, settings: &Settings) -> Vec<String> {
    let found = findings(object, settings).into_iter();
    let lines = found.map(|(_, line)| line);
    lines.collect()
}

fn findings(object: &Value, settings: &Settings) -> Vec<(Severity, String)> {
    let name = object["kind"].as_str().unwrap();
    let kind = ExposureKind::ALL.into_iter().find(|it| it.as_str() == name);
    let object = read(kind.unwrap(), object).unwrap();
    decide(&object, settings, &NOW)
        .findings
        .iter()
        .map(|finding| {
            assert_eq!(finding.action, Action::Refuse);
            let (id, path) = (finding.rule.id, &finding.path);
            (
                finding.severity,
                format!("{id} {path}: {}", finding.message),
            )
        })
        .collect()
}

#[test]
fn a_policy_sets_the_severity() {
    let settings = Settings {
        severities: exposure_rules()
            .map(|rule| (rule.id, Severity::Low))
            .collect(),
        ..Settings::default()
    };
    for rule in exposure_rules() {
        let mut judged = 0;
        for case in cases(rule) {
            for (severity, line) in findings(&case.object, &settings) {
                assert_eq!(severity, Severity::Low, "{line}");
                judged += 1;
            }
        }
        assert!(judged > 0, "{}", rule.id);
    }
}

#[test]
fn a_kind_is_of_its_group_alone() {
    for kind in ExposureKind::ALL {
        let kind = ObjectKind::from(kind);
        for api in kind.apis() {
            assert_eq!(ObjectKind::find(api.group, kind.as_str()), Some(kind));
        }
        assert_eq!(ObjectKind::find("serving.knative.dev", kind.as_str()), None);
    }
}
