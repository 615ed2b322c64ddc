//! What is read is what `serde_json` reads, from a text as from its values.

use proptest::collection::{btree_map, vec};
use proptest::prelude::{
    Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use proptest::sample::{Index, select};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::*;
use crate::json::{Read, fields, read};

/// Anything, as it was read.
#[derive(Debug, Default, PartialEq)]
struct Any(Value);

impl<'j> Read<'j> for Any {
    fn read<S: Source<'j>>(&mut self, source: &mut S) -> Result<(), ReadError> {
        self.0 = match source.what()? {
            Type::Null => {
                source.skip()?;
                Value::Null
            }
            Type::Boolean => source.boolean()?.into(),
            Type::Number => source.integer()?.into(),
            Type::Text => source.text()?.into(),
            Type::List => {
                let mut elements = Vec::new();
                source.elements(|element| {
                    elements.push(read::<Self, _>(element)?.0);
                    Ok(())
                })?;
                elements.into()
            }
            Type::Object => {
                let mut members = serde_json::Map::new();
                source.members(|name, value| {
                    members.insert(name.to_string(), read::<Self, _>(value)?.0);
                    Ok(())
                })?;
                members.into()
            }
        };
        Ok(())
    }
}

fn value() -> impl Strategy<Value = Value> {
    let text = "([a-z]{0,40}|\"|\\\\|\n|\u{1}|[{}:,\\[\\]]|é|\u{10ffff}){0,4}";
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    scalar.prop_recursive(6, 60, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(text, inner, 0..6).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// Whether it is passed over, which does not hang on what follows: near a text's end there is another way.
fn skips(json: &str) -> Result<(), ReadError> {
    let pass = |json: &str| {
        let mut reader = Reader::new(json);
        reader.skip()?;
        reader.end()
    };
    let followed = format!("{json}{:64}", "");
    assert_eq!(pass(&followed).is_ok(), pass(json).is_ok(), "{json}");
    pass(json)
}

fn whole<'j, T: Read<'j> + Default>(json: &'j str) -> Result<T, String> {
    let mut reader = Reader::new(json);
    let value = read(&mut reader).map_err(|error| error.to_string())?;
    reader.end().map_err(|error| error.to_string())?;
    Ok(value)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_value_is_read_as_it_was_written(value in value(), pretty: bool) {
        let json = if pretty { format!("{value:#}") } else { value.to_string() };
        prop_assert_eq!(whole::<Any>(&json).unwrap().0, value.clone());
        prop_assert_eq!(read::<Any, _>(&mut &value).unwrap().0, value);
        prop_assert!(skips(&json).is_ok());
    }

    #[test]
    fn what_is_passed_over_is_json_as_serde_json_has_it(
        value in value(),
        at: Index,
        taken in 0..3_usize,
        put in select(vec![
            "", "\"", "\\", "\\u12", "\\ud800", "{", "}", "[", "]", ",", ":", "0", "01", "-", ".5", "1.", "1.5e", "2E-3",
            "tru", "true", "null", " ", "\t", "\u{b}", "\n", "é",
        ]),
    ) {
        let mut json: Vec<char> = value.to_string().chars().collect();
        let at = at.index(json.len());
        json.splice(at..json.len().min(at + taken), put.chars());
        let json: String = json.into_iter().collect();
        let is_json = serde_json::from_str::<IgnoredAny>(&json).is_ok();
        prop_assert_eq!(skips(&json).is_ok(), is_json, "{}", json);
    }

    #[test]
    fn numbers_are_json_as_serde_json_has_them(number in "-?[0-9]{0,3}(\\.[0-9]{0,2})?([eE][+-]?[0-9]{0,2})?") {
        let is_json = serde_json::from_str::<IgnoredAny>(&number).is_ok();
        prop_assert_eq!(skips(&number).is_ok(), is_json, "{}", number);
    }

    #[test]
    fn a_text_ends_at_its_quote_however_long_it_is(text in "[a-zé]{0,70}", escape in select(vec!["", "\\\"", "\\u0041", "\\n"])) {
        let json = format!("[\"{text}{escape}{text}\",1]");
        let expected: Value = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(whole::<Any>(&json).unwrap().0, expected);
    }
}

#[test]
fn nesting_has_an_end() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(skips(&nested(MAX_DEPTH)), Ok(()));
    let error = skips(&nested(MAX_DEPTH + 1)).unwrap_err();
    assert_eq!(error.problem(), Problem::Depth);
    let error = whole::<Any>(&nested(100_000)).unwrap_err();
    assert!(error.ends_with("nests too deep"), "{error}");
    let beside = format!("[{}]", vec![nested(MAX_DEPTH - 1); 9].join(","));
    assert_eq!(skips(&beside), Ok(()));
}

#[derive(Debug, Default, PartialEq)]
struct Outer {
    inner: Option<Vec<Inner>>,
}

#[derive(Debug, Default, PartialEq)]
struct Inner {
    number: i64,
    flag: Option<bool>,
}

fields!(Outer {
    "inner" => inner,
});

fields!(Inner {
    "number" => number,
    "flag" => flag,
});

impl<'j> Read<'j> for Vec<Inner> {
    fn read<S: Source<'j>>(&mut self, source: &mut S) -> Result<(), ReadError> {
        source.elements(|element| self.push_mut(Inner::default()).read(element))
    }
}

#[test]
fn fields_are_read_and_others_are_not() {
    let json = r#"{"other":[{"inner":1}],"inner":[{"flag":null,"number":7,"x":{}},null]}"#;
    let expected = Outer {
        inner: Some(vec![
            Inner {
                number: 7,
                flag: None,
            },
            Inner::default(),
        ]),
    };
    assert_eq!(whole::<Outer>(json).unwrap(), expected);
}

#[test]
fn an_error_tells_where_and_what() {
    for (json, expected) in [
        (
            r#"{"inner":[{},{"number":"7"}]}"#,
            "inner[1].number: expected a whole number of 64 bits, found a string",
        ),
        (
            r#"{"inner":[{"number":1.0}]}"#,
            "inner[0].number: expected a whole number of 64 bits, found a number",
        ),
        (r#"{"inner":{}}"#, "inner: expected a list, found an object"),
        (
            r#"{"inner":[{"flag":true,"flag":true}]}"#,
            "inner[0].flag: appears twice",
        ),
        (
            "{\"inner\":\n [{\"flag\":yes}]}",
            "inner[0].flag: expected a value at line 2 column 11",
        ),
        ("[]", "expected an object, found a list"),
        (
            r#"{"inner":[{}]"#,
            "expected \",\" or \"}\" at line 1 column 14",
        ),
        (
            r#"{"inner"}"#,
            "expected a name and a value at line 1 column 10",
        ),
        ("{} {}", "expected nothing more at line 1 column 4"),
        ("", "expected a value at line 1 column 1"),
    ] {
        assert_eq!(whole::<Outer>(json).unwrap_err(), expected, "{json}");
    }
}

#[test]
fn a_value_of_another_shape_is_passed_over_and_no_json_is_not() {
    let mut reader = Reader::new(r#"{"a":[{"number":"x"},[]],"b":1}"#);
    let mut read_next = 0;
    let attempted = reader.attempt(read::<Outer, _>).unwrap();
    assert_eq!(attempted, Ok(Outer::default()));
    let mut reader = Reader::new(r#"{"a":[{"number":"x"},[]],"b":1}"#);
    reader
        .members(|name, value| {
            if name == "a" {
                let attempted = value.attempt(read::<Inner, _>)?;
                assert_eq!(
                    attempted.unwrap_err().to_string(),
                    "expected an object, found a list"
                );
                return Ok(());
            }
            read_next.read(value)
        })
        .unwrap();
    assert_eq!(read_next, 1);
    let broken = Reader::new("[[}").attempt(read::<Inner, _>).unwrap_err();
    assert!(matches!(broken.problem(), Problem::Syntax { .. }));
}

#[test]
fn a_raw_value_is_its_text() {
    let mut reader = Reader::new(" [ {\"a\" : 1} ] ");
    assert_eq!(reader.raw().unwrap(), "[ {\"a\" : 1} ]");
    assert_eq!(reader.end(), Ok(()));
}

#[test]
fn half_of_a_pair_of_surrogates_is_no_text() {
    let error = whole::<Any>(r#""\ud800""#).unwrap_err();
    assert!(
        error.starts_with("expected a pair of surrogates"),
        "{error}"
    );
    assert_eq!(whole::<Any>(r#""\ud83d\ude00""#).unwrap(), Any(json!("😀")));
}
