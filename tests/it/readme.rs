//! What the README says of the rules is what the code says. `UPDATE_README=1` writes it anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use serde_json::{Value, json};
use tiller_guard::config;
use tiller_guard::manifest::DUPLICATE_KEY;
use tiller_guard::policy::access::AccessKind;
use tiller_guard::policy::connection::ConnectionKind;
use tiller_guard::policy::custody::CustodyKind;
use tiller_guard::policy::exposure::ExposureKind;
use tiller_guard::policy::{APIS, Mode, Timestamp, mode_rules, rules};

const BEGIN: &str = "<!-- rules: generated -->\n";
const END: &str = "<!-- rules: end -->";

#[test]
fn the_table_of_rules_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (before, rest) = readme
        .split_once(BEGIN)
        .expect("the README has a table of rules");
    let (stated, after) = rest.split_once(END).expect("the table of rules has an end");
    if env::var_os("UPDATE_README").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{}{END}{after}", table())).unwrap();
    } else {
        assert_eq!(
            stated,
            table(),
            "run UPDATE_README=1 cargo test --test it readme"
        );
    }
}

/// The hand-written registration asks about all that is judged, and about nothing else.
#[test]
fn the_registration_names_every_resource_that_is_judged_alone() {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let begin = readme
        .find("apiVersion: admissionregistration.k8s.io/v1")
        .unwrap();
    // The second document borrows the rules of the first.
    let (mutating, validating) = readme[begin..].split_once("\n---\n").unwrap();
    assert!(validating.contains("  rules: *rules"), "{validating}");
    let mutating: Value = serde_saphyr::from_str(mutating).unwrap();
    let (validating, _) = validating.split_once("```").unwrap();
    let validating = validating
        .replace("*rules", "[]")
        .replace("*namespaces", "{}");
    let validating: Value = serde_saphyr::from_str(&validating).unwrap();
    let words = |list: &Value| -> Vec<String> {
        let words = list.as_array().unwrap().iter();
        words.map(|it| it.as_str().unwrap().to_owned()).collect()
    };
    let webhooks = [&mutating, &validating].map(|it| it["webhooks"].as_array().unwrap());
    let mut registered = BTreeSet::new();
    for webhook in webhooks.into_iter().flatten() {
        let fails = webhook["name"] == "validate.tiller-guard.io";
        let expected = if fails { "Fail" } else { "Ignore" };
        assert_eq!(webhook["failurePolicy"], expected, "{}", webhook["name"]);
        assert_eq!(webhook["matchPolicy"], "Equivalent");
        for rule in webhook["rules"].as_array().unwrap() {
            let connects = webhook["name"] == "connections.tiller-guard.io";
            let writes = json!(["CREATE", "UPDATE"]);
            let expected = if connects { json!(["CONNECT"]) } else { writes };
            assert_eq!(rule["operations"], expected);
            assert_eq!(rule["apiVersions"], json!(["*"]));
            for group in words(&rule["apiGroups"]) {
                let resources = words(&rule["resources"]);
                registered.extend(resources.into_iter().map(|it| (group.clone(), it)));
            }
        }
    }
    // The rule for both groups names what only one of them has.
    registered.remove(&("extensions".to_owned(), "statefulsets".to_owned()));
    let workloads = APIS.iter().flat_map(|api| {
        let pair = |name: &&'static str| (api.group, *name);
        api.resources.iter().map(pair)
    });
    let known: BTreeSet<_> = workloads
        .chain(ExposureKind::ALL.map(|it| (it.group(), it.resource())))
        .chain(AccessKind::ALL.map(|it| (AccessKind::GROUP, it.resource())))
        .chain(CustodyKind::ALL.map(|it| ("", it.resource())))
        .chain(ConnectionKind::ALL.map(|it| ("", it.resource())))
        .map(|(group, resource)| (group.to_owned(), resource.to_owned()))
        .collect();
    assert_eq!(registered, known);
}

/// The example holds every key, and is good.
#[test]
fn the_example_of_a_policy_file_is_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (_, rest) = readme
        .split_once("<!-- policy: example -->\n```yaml\n")
        .expect("the README has an example of a policy file");
    let (example, _) = rest.split_once("```").unwrap();
    let policy = config::read(example.as_bytes(), Timestamp(0))
        .unwrap_or_else(|rejected| panic!("{}", rejected.lines("README.md's example")));
    assert_eq!(policy.modes.of(Some("team-done")), Mode::Forbid);
    assert_eq!(policy.settings.exceptions.len(), 1);
    let schema: Value = serde_json::from_str(config::SCHEMA).unwrap();
    for key in schema["properties"].as_object().unwrap().keys() {
        let there = example
            .lines()
            .any(|line| line.starts_with(&format!("{key}:")));
        assert!(there, "{key} is missing");
    }
}

fn table() -> String {
    let mut table =
        String::from("| rule | severity | what it finds | what happens |\n|---|---|---|---|\n");
    for rule in rules().chain(mode_rules()).chain([&DUPLICATE_KEY]) {
        writeln!(
            table,
            "| `{}` | {} | {} | {} |",
            rule.id,
            rule.severity.as_str(),
            rule.summary,
            rule.answer
        )
        .unwrap();
    }
    table
}
