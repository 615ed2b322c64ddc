//! The case corpus of the rules for what holds something of a Tiller's: `tests/cases/RULE.yaml`, each case an object
//! that comes, who asks for it, what is known by then, and what is found.

use serde::Deserialize;
use serde_json::Value;
use tiller_guard::k8s;
use tiller_guard::policy::custody::{CustodyKind, CustodyObject};
use tiller_guard::policy::{
    Action, Context, Finding, Object, Requester, Rule, Settings, Severity, Timestamp,
    custody_rules, decide,
};

use super::corpus::{as_said, cases_of};
use super::known::known;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    knows: Vec<Value>,
    object: Value,
    /// Who asks; nobody does for a manifest.
    by: Option<String>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    updates: bool,
    /// `RULE PATH: MESSAGE`, or without the message; `RULE report PATH` where it is let pass.
    finds: Vec<String>,
}

fn cases(rule: &Rule) -> Vec<Case> {
    cases_of(rule, |case| &case.finds)
}

/// The object as its kind, with the account that a request for a token is sent to.
fn read(object: &Value) -> Object<'_> {
    let name = object["kind"].as_str().unwrap();
    let kind = CustodyKind::ALL.into_iter().find(|it| it.as_str() == name);
    let mut read = k8s::read(kind.unwrap(), object).unwrap();
    read.place_in(object["metadata"]["namespace"].as_str().unwrap().into());
    if let Object::Custody(custody) = &mut read
        && let CustodyObject::TokenRequest(request) = &mut **custody
    {
        request.account = object["metadata"]["name"].as_str().unwrap().into();
    }
    read
}

fn findings(case: &Case, settings: &Settings) -> Vec<Finding> {
    let requester = case.by.as_ref().map(|name| Requester {
        name: name.as_str().into(),
        groups: case.groups.iter().map(|it| it.as_str().into()).collect(),
    });
    let knowledge = known(&case.knows);
    let context = Context {
        requester: requester.as_ref(),
        updates: case.updates,
        ..Context::new(Timestamp(0), &knowledge)
    };
    decide(&read(&case.object), settings, &context).findings
}

#[test]
fn each_case_finds_what_it_says_and_nothing_else() {
    for rule in custody_rules() {
        for case in cases(rule) {
            let found = findings(&case, &Settings::default());
            let lines: Vec<_> = found
                .iter()
                .map(|it| {
                    let action = if it.action == Action::Refuse {
                        String::new()
                    } else {
                        format!("{} ", it.action.as_str())
                    };
                    format!("{} {action}{}: {}", it.rule.id, it.path, it.message)
                })
                .collect();
            let as_said = as_said(&lines, &case.finds);
            assert!(as_said, "{}: {}: {lines:#?}", rule.id, case.name);
        }
    }
}

#[test]
fn a_policy_sets_the_severity() {
    let settings = Settings {
        severities: custody_rules()
            .map(|rule| (rule.id, Severity::Medium))
            .collect(),
        ..Settings::default()
    };
    for rule in custody_rules() {
        let cases = cases(rule);
        let found: Vec<_> = cases
            .iter()
            .flat_map(|case| findings(case, &settings))
            .collect();
        assert!(!found.is_empty(), "{}", rule.id);
        assert!(found.iter().all(|it| it.severity == Severity::Medium));
    }
}
