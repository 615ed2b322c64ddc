//! What the API server's own evaluator says of every case, committed: `tests/cel/answers.tsv`.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use tiller_guard::policy::WorkloadKind;

use super::evaluator::{Answer, OLDEST, evaluate, library};
use super::{CUSTODY, OWN_ACCOUNT, TILLER, request};
use crate::policy::corpus::cases;
use crate::policy::generate;

/// The oldest with conditions, the one in which they are stable, and what the library is made for.
const VERSIONS: [&str; 3] = [OLDEST, "1.30", ""];

/// Every object that is asked about: a name, its kind, and itself.
fn objects() -> Vec<(String, &'static str, Value)> {
    let mut objects = Vec::new();
    for (rule, cases) in cases() {
        for case in cases {
            objects.push((
                format!("{rule}: {}", case.name),
                "Deployment",
                case.manifest(),
            ));
        }
    }
    let hardened = crate::policy::corpus::canonical();
    for kind in WorkloadKind::ALL
        .into_iter()
        .filter(|kind| super::is_sent(*kind))
    {
        let template = hardened["spec"]["template"].clone();
        let object = generate::object(kind, &json!({ "name": "web" }), template);
        objects.push(("hardened".to_owned(), kind.as_str(), object));
    }
    for (name, kind, object) in [
        ("nothing", "Pod", json!({})),
        (
            "another pod",
            "Pod",
            json!({ "metadata": { "name": "web" }, "spec": { "containers": [{ "image": "example/web:1" }] } }),
        ),
        (
            "to Tiller",
            "Service",
            json!({ "spec": { "ports": [{ "port": 44134 }] } }),
        ),
        (
            "to the web",
            "Service",
            json!({ "spec": { "ports": [{ "port": 80 }], "selector": { "app": "web" } } }),
        ),
        (
            "of Tiller",
            "Secret",
            json!({ "metadata": { "name": "tiller-secret" } }),
        ),
        (
            "of the web",
            "Secret",
            json!({ "metadata": { "name": "web" }, "data": { "tls.key": "QQ==" } }),
        ),
        (
            "for a pod",
            "TokenRequest",
            json!({ "spec": { "boundObjectRef": { "kind": "Pod" } } }),
        ),
        ("for anybody", "TokenRequest", json!({ "spec": {} })),
    ] {
        objects.push((name.to_owned(), kind, object));
    }
    objects
}

/// A row for each condition and object: its versions, all that agree in one; the value; the cost.
fn table() -> String {
    let user = json!({ "username": "system:node:a", "groups": ["system:nodes"] });
    let objects = objects();
    let requests: Vec<Value> = objects
        .iter()
        .map(|(_, kind, object)| request(&user, kind, object))
        .collect();
    let mut table = format!(
        "library of Kubernetes {}\ncondition\tkind\tobject\tKubernetes\tvalue\tcost\n",
        library()
    );
    for (name, condition) in [
        ("may-be-tiller", &TILLER),
        ("own-account", &OWN_ACCOUNT),
        ("may-hold-tillers", &CUSTODY),
    ] {
        let answers = VERSIONS.map(|version| evaluate(&condition.0, version, &requests));
        for Answer { error, kind, .. } in &answers {
            assert_eq!((error, kind.as_str()), (&None, "bool"), "{name}");
        }
        for (index, (object, kind, _)) in objects.iter().enumerate() {
            let told = answers.each_ref().map(|answer| {
                let result = &answer.results[index];
                assert_eq!(result.error, None, "{name} of {object}");
                format!("{}\t{}", result.value, result.cost)
            });
            let same = told.iter().all(|it| *it == told[0]);
            for (version, told) in
                VERSIONS
                    .iter()
                    .zip(&told)
                    .take(if same { 1 } else { VERSIONS.len() })
            {
                let version = match (same, *version) {
                    (true, _) => "all",
                    (false, "") => "newest",
                    (false, version) => version,
                };
                // Writing to a String cannot fail.
                let _written = writeln!(table, "{name}\t{kind}\t{object}\t{version}\t{told}");
            }
        }
    }
    table
}

/// `UPDATE_ANSWERS=1` writes them anew. Another version of the library may count otherwise, but not say otherwise.
#[test]
#[ignore = "only the API server's own evaluator counts costs: make conditions"]
fn the_api_servers_evaluator_answers_as_it_did() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cel/answers.tsv");
    let table = table();
    if std::env::var_os("UPDATE_ANSWERS").is_some() {
        fs::write(&path, &table).unwrap();
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    let same_library = known.lines().next() == table.lines().next();
    if !same_library {
        let other = known.lines().next().unwrap_or_default();
        // A line of a test's output is shown where the test runs with --nocapture, as make conditions does.
        writeln!(
            std::io::stderr(),
            "THE COSTS ARE NOT COMPARED: they are of another {other}"
        )
        .unwrap();
    }
    let compared = |table: &str| -> Vec<String> {
        let rows = table.lines().skip(1);
        rows.map(|row| match row.rsplit_once('\t') {
            Some((row, _cost)) if !same_library => row.to_owned(),
            _ => row.to_owned(),
        })
        .collect()
    };
    let (known, now) = (compared(&known), compared(&table));
    assert_eq!(
        known.len(),
        now.len(),
        "run UPDATE_ANSWERS=1 make conditions"
    );
    for (known, now) in known.iter().zip(&now) {
        assert_eq!(known, now, "run UPDATE_ANSWERS=1 make conditions");
    }
}
