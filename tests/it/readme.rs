//! What the README says of the rules is what the code says. `UPDATE_README=1` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use serde_json::Value;
use tiller_guard::config;
use tiller_guard::k8s::registration::{Endpoint, Registration};
use tiller_guard::manifest::DUPLICATE_KEY;
use tiller_guard::policy::{Mode, Timestamp, mode_rules, rules};

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

/// Every webhook of the registrations is in the table of what becomes of requests that nobody answers.
#[test]
fn the_table_of_webhooks_is_that_of_the_registrations() {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (_, rest) = readme.split_once("\n| webhook | is asked about").unwrap();
    let stated: BTreeMap<&str, bool> = rest
        .lines()
        .skip(2)
        .map_while(|line| {
            let name = line.strip_prefix("| `")?.split('`').next()?;
            Some((name, line.ends_with("| refused |")))
        })
        .collect();
    let mut known = BTreeMap::new();
    for minor in [20, 30] {
        let registration = Registration {
            minor,
            namespace: "tiller-guard",
            endpoint: Endpoint::Url("https://127.0.0.1"),
            ca_bundle: None,
            account_patterns: &[],
        };
        for configuration in [registration.mutating(), registration.validating()] {
            for webhook in configuration["webhooks"].as_array().unwrap() {
                let name = webhook["name"].as_str().unwrap();
                let name = name.strip_suffix(".tiller-guard.io").unwrap();
                known.insert(name.to_owned(), webhook["failurePolicy"] == "Fail");
            }
        }
    }
    let known: BTreeMap<&str, bool> = known.iter().map(|(name, it)| (&**name, *it)).collect();
    assert_eq!(stated, known);
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
