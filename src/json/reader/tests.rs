use proptest::collection::{btree_map, vec};
use proptest::prelude::{
    Just, ProptestConfig, Strategy, any, prop_assert_eq, prop_oneof, proptest,
};
use proptest::sample::Index;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::{MAX_DEPTH, Reader, read};
use crate::json::Verbatim;

/// Any JSON.
fn value() -> impl Strategy<Value = Value> {
    let text = "([a-z]{0,20}|[\"\\\\/\u{8}\n\t\u{1}é€😀]){0,3}";
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1000_i32..1000).prop_map(|number| Value::from(f64::from(number) / 8.0)),
        text.prop_map(Value::from),
    ];
    scalar.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            btree_map(text, inner, 0..5).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// The text with a part of it replaced.
fn damaged(json: &str, (start, length): (Index, usize), piece: &str) -> String {
    let characters: Vec<char> = json.chars().collect();
    let start = start.index(characters.len());
    let before = characters.iter().take(start);
    let after = characters.iter().skip(start + length);
    before
        .copied()
        .chain(piece.chars())
        .chain(after.copied())
        .collect()
}

/// The value, with its numbers as far as two readers of decimals agree.
fn rounded(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => number
            .as_f64()
            .map(|number| format!("{number:.12e}"))
            .into(),
        Value::Array(elements) => elements.into_iter().map(rounded).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, rounded(value)))
            .collect(),
        other => other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_value_is_read_as_serde_json_reads_it(value in value(), pretty in any::<bool>()) {
        let json = if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
        prop_assert_eq!(&read::<Value>(&json).unwrap(), &value);
        prop_assert_eq!(read::<IgnoredAny>(&json).unwrap(), IgnoredAny);
        let spaced = format!("\t{json}\r\n");
        prop_assert_eq!(read::<Verbatim<'_>>(&spaced).unwrap().as_str(), &json);
    }

    #[test]
    fn what_serde_json_refuses_is_refused(
        value in value(),
        place in (any::<Index>(), 0_usize..3),
        piece in "[\\[\\]{}:,\"\\\\ eE+.0-9a-z\u{1}\n-]{0,3}|\\\\u[0-9a-f]{4}|\\\\[a-z/\"]|-?0|1e400",
    ) {
        let json = damaged(&value.to_string(), place, &piece);
        let expected = serde_json::from_str::<Value>(&json).ok();
        prop_assert_eq!(read::<Value>(&json).ok().map(rounded), expected.map(rounded), "{}", json);
        let ignored = serde_json::from_str::<IgnoredAny>(&json).ok();
        prop_assert_eq!(read::<IgnoredAny>(&json).ok(), ignored, "{}", json);
    }
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Pod<'a> {
    name: &'a str,
    hidden: Option<bool>,
    ports: Vec<i64>,
    #[serde(borrow)]
    whole: Option<Verbatim<'a>>,
}

#[test]
fn few_fields_are_read_and_the_rest_is_passed_over() {
    let json = r#"{ "other": [{"a": "\"]}"}, 1.5], "name": "tiller", "hidden": null, "ports": [1, -2], "whole": {"a": [ 1 ]} }"#;
    let pod: Pod<'_> = read(json).unwrap();
    assert_eq!(
        (pod.name, pod.hidden, &*pod.ports),
        ("tiller", None, &[1, -2][..])
    );
    assert_eq!(pod.whole.map(Verbatim::as_str), Some(r#"{"a": [ 1 ]}"#));
}

#[derive(Debug, PartialEq, Deserialize)]
enum Operator {
    In,
    NotIn,
}

#[test]
fn a_variant_is_read_by_its_name() {
    assert_eq!(
        read::<Vec<Operator>>(r#"["In", "Not\u0049n"]"#).unwrap(),
        [Operator::In, Operator::NotIn]
    );
    assert_eq!(
        read::<Operator>(r#""Out""#).unwrap_err().to_string(),
        "unknown variant `Out`, expected `In` or `NotIn` at line 1 column 5"
    );
    assert!(read::<Operator>("1").is_err());
}

#[test]
fn an_error_says_what_is_wrong_and_where() {
    for (json, expected) in [
        (
            "{\n \"name\": 5\n}",
            "invalid type: integer `5`, expected a borrowed string at line 2 column 10",
        ),
        (
            "{\"name\": \"a\", \"name\": \"b\"}",
            "duplicate field `name` at line 1 column 20",
        ),
        ("{\"ports\": [1,]}", "trailing comma at line 1 column 13"),
        (
            "{\"name\": \"a",
            "EOF while parsing a string at line 1 column 11",
        ),
        ("{} {}", "trailing characters at line 1 column 3"),
        ("", "EOF while parsing a value at line 1 column 0"),
    ] {
        assert_eq!(read::<Pod<'_>>(json).unwrap_err().to_string(), expected);
    }
}

#[test]
fn what_nests_too_deep_is_an_error() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for depth in [MAX_DEPTH, MAX_DEPTH + 1, 100_000] {
        let json = nested(depth);
        assert_eq!(read::<IgnoredAny>(&json).is_ok(), depth == MAX_DEPTH);
        assert_eq!(read::<Value>(&json).is_ok(), depth == MAX_DEPTH);
    }
}

#[test]
fn what_follows_a_value_is_left_to_the_one_who_reads() {
    let mut reader = Reader::new("[1] [2]");
    assert_eq!(Value::deserialize(&mut reader).unwrap(), json!([1]));
    assert!(reader.end().is_err());
    assert_eq!(Value::deserialize(&mut reader).unwrap(), json!([2]));
    assert!(reader.end().is_ok());
}
