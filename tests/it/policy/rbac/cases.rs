//! The case corpus of the rules for roles and bindings: `tests/cases/RULE.yaml`, each case an object that comes,
//! what is known by then, and what is found.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use tiller_guard::policy::{Action, Context, Settings, Timestamp, decide, rbac_rules};

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
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/cases")
            .join(rule.id)
            .with_extension("yaml");
        let text = fs::read_to_string(&path).unwrap();
        let cases: Vec<Case> = serde_saphyr::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let found_by_name = |case: &Case| case.finds.iter().any(|line| line.starts_with(rule.id));
        assert!(
            cases.iter().any(found_by_name),
            "{} has no case that finds it",
            rule.id
        );
        for case in cases {
            let found = found(&case);
            let as_said = found.len() == case.finds.len()
                && found
                    .iter()
                    .zip(&case.finds)
                    .all(|(found, said)| found == said || found.starts_with(&format!("{said}: ")));
            if !as_said {
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
