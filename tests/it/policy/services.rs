//! The case corpus of the rules for Services and their addresses: `tests/cases/RULE.yaml`, each case an object that
//! comes, and what is found.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use tiller_guard::k8s::read;
use tiller_guard::policy::exposure::ExposureKind;
use tiller_guard::policy::{Action, ObjectKind, Settings, Severity, decide, exposure_rules};

use super::NOW;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    object: Value,
    /// `RULE PATH: MESSAGE`.
    finds: Vec<String>,
}

fn cases(rule: &str) -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases")
        .join(rule)
        .with_extension("yaml");
    let text = fs::read_to_string(&path).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn each_case_finds_what_it_says_and_nothing_else() {
    for rule in exposure_rules() {
        let cases = cases(rule.id);
        let found_by_name = |case: &Case| case.finds.iter().any(|line| line.starts_with(rule.id));
        assert!(cases.iter().any(found_by_name), "no case finds {}", rule.id);
        for case in cases {
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
        for case in cases(rule.id) {
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
