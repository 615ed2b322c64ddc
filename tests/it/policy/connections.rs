//! The case corpus of the rules for connections: `tests/cases/RULE.yaml`, each case a way to connect, where to and by
//! whom, what is known by then, and what is found.

use serde::Deserialize;
use serde_json::Value;
use tiller_guard::policy::connection::{Connection, ConnectionKind};
use tiller_guard::policy::{
    Action, Context, Knowledge, Object, ObjectKind, People, Requester, Settings, Timestamp,
    connection_rules, decide,
};

use super::corpus::cases_of;
use super::known::known;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    knows: Vec<Value>,
    /// The users that the policy lists.
    #[serde(default)]
    exec: Vec<String>,
    #[serde(default)]
    port_forward: Vec<String>,
    /// `RESOURCE NAMESPACE/NAME`.
    to: String,
    by: String,
    #[serde(default)]
    groups: Vec<String>,
    /// `RULE: MESSAGE`.
    finds: Vec<String>,
}

fn found(case: &Case) -> Vec<String> {
    let (resource, target) = case.to.split_once(' ').unwrap();
    let (namespace, target) = target.split_once('/').unwrap();
    let kinds = ConnectionKind::ALL;
    let connection = Connection {
        kind: kinds
            .into_iter()
            .find(|it| ObjectKind::from(*it).resource() == resource)
            .unwrap(),
        namespace: namespace.into(),
        target: target.into(),
    };
    let people = |users: &[String]| People {
        users: users.to_vec(),
        groups: Vec::new(),
    };
    let settings = Settings {
        exec: people(&case.exec),
        port_forward: people(&case.port_forward),
        ..Settings::default()
    };
    let requester = Requester {
        name: case.by.as_str().into(),
        groups: case.groups.iter().map(|it| it.as_str().into()).collect(),
    };
    let knowledge = known(&case.knows);
    let context = Context {
        requester: Some(&requester),
        ..Context::new(Timestamp(0), &knowledge)
    };
    let connection = Object::from(connection);
    let findings = decide(&connection, &settings, &context).findings;
    findings
        .iter()
        .map(|it| {
            assert_eq!(
                (it.action, it.path.to_string()),
                (Action::Refuse, String::new())
            );
            format!("{}: {}", it.rule.id, it.message)
        })
        .collect()
}

#[test]
fn each_case_finds_what_it_says_and_nothing_else() {
    for rule in connection_rules() {
        for case in cases_of(rule, |case: &Case| &case.finds) {
            assert_eq!(found(&case), case.finds, "{}: {}", rule.id, case.name);
        }
    }
}

#[test]
fn a_pod_and_a_service_that_are_gone_are_known_no_more() {
    let knowledge = Knowledge::default()
        .with_tiller_pod("red", "a")
        .with_tiller_service("red", "b");
    assert_ne!(knowledge, Knowledge::default());
    let knowledge = knowledge
        .without_tiller_pod("red", "a")
        .without_tiller_service("red", "b");
    assert_eq!(knowledge, Knowledge::default());
}
