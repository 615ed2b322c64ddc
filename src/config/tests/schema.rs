//! The schema that is printed for editors says what the reader does.
//!
//! `UPDATE_SCHEMA=1` writes the names of rules anew.

use std::collections::BTreeSet;
use std::{env, fs};

use regex::Regex;
use serde_json::{Value, json};

use super::{corpus, section};
use crate::config::SCHEMA;
use crate::config::value::{every_rule, rules_to_except};
use crate::manifest::Stream;
use crate::policy::{Injector, Mode, ObjectKind, RunAsUser, Severity, WorkloadKind};

fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

#[test]
fn its_keys_are_those_that_are_read() {
    let schema = schema();
    for (pointer, keys) in [
        ("", &section::POLICY[..]),
        (
            "/properties/namespaces/additionalProperties",
            &section::NAMESPACE,
        ),
        ("/properties/images", &section::IMAGES),
        (
            "/properties/images/properties/versions/items",
            &section::IMAGE_VERSION,
        ),
        ("/properties/accounts", &section::ACCOUNTS),
        ("/properties/access", &section::ACCESS),
        ("/properties/breakGlass", &section::PEOPLE),
        ("/$defs/people", &section::PEOPLE),
        ("/properties/exceptions/items", &section::EXCEPTION),
        (
            "/properties/exceptions/items/properties/object",
            &section::OBJECT,
        ),
        ("/properties/notTillers/items", &section::NOT_TILLER),
        (
            "/properties/notTillers/items/properties/workload",
            &section::OBJECT,
        ),
    ] {
        let section = schema.pointer(pointer).unwrap();
        assert_eq!(section["additionalProperties"], false, "{pointer}");
        let stated: BTreeSet<_> = section["properties"].as_object().unwrap().keys().collect();
        let read: BTreeSet<_> = keys.iter().copied().collect();
        assert_eq!(
            stated
                .into_iter()
                .map(String::as_str)
                .collect::<BTreeSet<_>>(),
            read
        );
    }
}

#[test]
fn its_names_are_those_of_the_code() {
    let mut right = schema();
    *right
        .pointer_mut("/properties/severities/propertyNames/enum")
        .unwrap() = every_rule().map(|rule| rule.id).collect();
    *right
        .pointer_mut("/properties/exceptions/items/properties/rule/enum")
        .unwrap() = rules_to_except().map(|rule| rule.id).collect();
    *right.pointer_mut("/$defs/mode/enum").unwrap() = json!(Mode::ALL.map(Mode::as_str));
    *right
        .pointer_mut("/properties/injectors/items/enum")
        .unwrap() = json!(Injector::ALL.map(Injector::as_str));
    *right.pointer_mut("/properties/runAsUser/enum").unwrap() =
        json!(RunAsUser::ALL.map(RunAsUser::as_str));
    *right
        .pointer_mut("/properties/severities/additionalProperties/enum")
        .unwrap() = json!(Severity::ALL.map(Severity::as_str));
    *right
        .pointer_mut("/properties/exceptions/items/properties/object/properties/kind/enum")
        .unwrap() = ObjectKind::named().map(ObjectKind::as_str).collect();
    *right
        .pointer_mut("/properties/notTillers/items/properties/workload/properties/kind/enum")
        .unwrap() = json!(WorkloadKind::ALL.map(WorkloadKind::as_str));
    let text = serde_json::to_string_pretty(&right).unwrap() + "\n";
    if env::var_os("UPDATE_SCHEMA").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/config/policy.schema.json");
        fs::write(path, text).unwrap();
    } else {
        assert!(
            SCHEMA == text,
            "run UPDATE_SCHEMA=1 cargo test --lib config::tests::schema"
        );
    }
}

#[test]
fn it_takes_each_good_file() {
    for (name, text) in corpus("good") {
        assert_eq!(objections(&value(&text), &schema(), ""), [""; 0], "{name}");
    }
}

/// What no schema can say: numbers to compare, the time, what a tag means, and keys that stand twice.
const BEYOND: [&str; 4] = [
    "duplicate-key.yaml",
    "expired.yaml",
    "floor-too-low.yaml",
    "told-version.yaml",
];

#[test]
fn it_refuses_each_bad_file_but_for_what_no_schema_can_say() {
    for (name, text) in corpus("bad") {
        let objections = objections(&value(&text), &schema(), "");
        assert_eq!(
            objections.is_empty(),
            BEYOND.contains(&name.as_str()),
            "{name}: {objections:?}"
        );
    }
}

fn value(text: &str) -> Value {
    let stream = Stream::new("policy", text.into());
    stream.documents().next().unwrap().value()
}

/// What a schema says against a value. A keyword that is not known here stops the test.
fn objections(value: &Value, schema: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    let text = value.as_str();
    let has = |it: &Value| it.as_array().unwrap().contains(value);
    for (keyword, rule) in schema.as_object().unwrap() {
        let holds = match keyword.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" => true,
            "type" => match rule.as_str().unwrap() {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "boolean" => value.is_boolean(),
                other => panic!("the type {other}"),
            },
            "const" => rule == value,
            "enum" => has(rule),
            "pattern" => {
                text.is_none_or(|it| Regex::new(rule.as_str().unwrap()).unwrap().is_match(it))
            }
            "maxLength" => text.is_none_or(|it| it.len() as u64 <= rule.as_u64().unwrap()),
            "minItems" => value
                .as_array()
                .is_none_or(|it| it.len() as u64 >= rule.as_u64().unwrap()),
            "not" => !objections(value, rule, at).is_empty(),
            "anyOf" => rule
                .as_array()
                .unwrap()
                .iter()
                .any(|it| objections(value, it, at).is_empty()),
            "required" => value.as_object().is_none_or(|map| {
                rule.as_array()
                    .unwrap()
                    .iter()
                    .all(|key| map.contains_key(key.as_str().unwrap()))
            }),
            "$ref" => {
                let pointer = rule.as_str().unwrap().strip_prefix('#').unwrap();
                let whole = self::schema();
                found.extend(objections(value, whole.pointer(pointer).unwrap(), at));
                true
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    found.extend(objections(item, rule, &format!("{at}/{index}")));
                }
                true
            }
            "propertyNames" => {
                for key in value.as_object().into_iter().flat_map(|map| map.keys()) {
                    found.extend(objections(&json!(key), rule, &format!("{at}/{key}")));
                }
                true
            }
            "properties" | "additionalProperties" => {
                let known = &schema["properties"];
                for (key, inner) in value.as_object().into_iter().flatten() {
                    let at = format!("{at}/{key}");
                    match (keyword.as_str(), known.get(key)) {
                        ("properties", Some(rule)) => found.extend(objections(inner, rule, &at)),
                        ("properties", None) | (_, Some(_)) => {}
                        (_, None) if rule == false => found.push(format!("{at}: unknown")),
                        (_, None) => found.extend(objections(inner, rule, &at)),
                    }
                }
                true
            }
            other => panic!("the keyword {other}"),
        };
        if !holds {
            found.push(format!("{at}: {keyword}"));
        }
    }
    found
}
