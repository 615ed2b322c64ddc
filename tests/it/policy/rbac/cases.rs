//! The case corpus of the rules for roles and bindings: `tests/cases/RULE.yaml`, each case an object that comes,
//! what is known by then, and what is found.

use serde::Deserialize;
use serde_json::Value;
use tiller_guard::policy::{Action, Context, Settings, Timestamp, decide, rbac_rules};

use crate::policy::corpus::{as_said, cases_of};
use crate::policy::known::{known, read};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    knows: Vec<Value>,
    #[serde(default)]
    allowed_cluster_roles: Vec<String>,
    #[serde(default)]
    common_cluster_roles: Vec<String>,
    object: Value,
    /// `RULE PATH: MESSAGE`, or without the message.
    finds: Vec<String>,
}

#[test]
fn each_case_finds_what_it_says_and_nothing_else() {
    let mut wrong = Vec::new();
    for rule in rbac_rules() {
        for case in cases_of(rule, |case: &Case| &case.finds) {
            let found = found(&case);
            if !as_said(&found, &case.finds) {
                wrong.push(format!(
                    "{}: {}\n  {}",
                    rule.id,
                    case.name,
                    found.join("\n  ")
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

fn found(case: &Case) -> Vec<String> {
    let settings = Settings {
        allowed_cluster_roles: case.allowed_cluster_roles.clone(),
        common_cluster_roles: case.common_cluster_roles.clone(),
        ..Settings::default()
    };
    let knowledge = known(&case.knows);
    let context = Context::new(Timestamp(0), &knowledge);
    decide(&read(&case.object), &settings, &context)
        .findings
        .iter()
        .map(|finding| {
            assert_eq!(finding.action, Action::Refuse);
            format!("{} {}: {}", finding.rule.id, finding.path, finding.message)
        })
        .collect()
}
