//! Values as YAML that readers of YAML 1.1 and 1.2 understand alike.
//!
//! A string stays plain only where no reader could take it for something else: `"yes"`, `"0444"`,
//! `"1e3"`, `"12:30"` and `"2001-01-01"` are quoted.

use serde_json::{Map, Value};

use super::scalar::Scalar;

/// Simple keys end within 1024 characters (YAML 1.2.2 §7.4.2).
const LONGEST_SIMPLE_KEY: usize = 1000;

/// A value as a YAML document without separators, with a line feed at its end.
pub fn to_yaml(value: &Value) -> String {
    let mut text = String::new();
    write_block(&mut text, value, 0);
    text
}

/// A key and its value as lines, the first without its indentation.
pub(super) fn entry(key: &str, value: &Value, indent: usize) -> String {
    let mut text = String::new();
    write_entry(&mut text, key, value, indent);
    text
}

/// A value that stands behind `- `, its further lines indented by this many spaces.
pub(super) fn item(value: &Value, indent: usize) -> String {
    let mut text = String::new();
    write_block(&mut text, value, indent);
    text
}

/// A value without parts of its own on one line.
pub(super) fn inline(value: &Value) -> Option<String> {
    match value {
        Value::Array(items) if items.is_empty() => Some("[]".to_owned()),
        Value::Object(map) if map.is_empty() => Some("{}".to_owned()),
        Value::Array(_) | Value::Object(_) => None,
        Value::String(text) => Some(string(text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
    }
}

/// Writes a value whose first line is begun and whose further lines are indented.
fn write_block(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => write_mapping(out, map, indent),
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    pad(out, indent);
                }
                out.push_str("- ");
                write_block(out, item, indent + 2);
            }
        }
        Value::String(text) if is_literal(text) => write_literal(out, text, indent.max(2)),
        _ => {
            out.push_str(&inline(value).unwrap_or_default());
            out.push('\n');
        }
    }
}

fn write_mapping(out: &mut String, map: &Map<String, Value>, indent: usize) {
    for (index, (key, value)) in map.iter().enumerate() {
        if index > 0 {
            pad(out, indent);
        }
        write_entry(out, key, value, indent);
    }
}

fn write_entry(out: &mut String, key: &str, value: &Value, indent: usize) {
    let written = string(key);
    if written.len() > LONGEST_SIMPLE_KEY {
        out.push_str("? ");
        out.push_str(&written);
        out.push('\n');
        pad(out, indent);
    } else {
        out.push_str(&written);
    }
    out.push(':');
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            pad(out, indent + 2);
            write_mapping(out, map, indent + 2);
        }
        // Lists stand as deep as their key, as kubectl and Helm print them.
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            pad(out, indent);
            write_block(out, value, indent);
        }
        Value::String(text) if is_literal(text) => {
            out.push(' ');
            write_literal(out, text, indent + 2);
        }
        _ => {
            out.push(' ');
            write_block(out, value, indent + 2);
        }
    }
}

fn write_literal(out: &mut String, text: &str, indent: usize) {
    out.push_str(if text.ends_with('\n') { "|\n" } else { "|-\n" });
    for line in text.lines() {
        if !line.is_empty() {
            pad(out, indent);
            out.push_str(line);
        }
        out.push('\n');
    }
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

/// Whether a text may stand as a literal block: lines without surprises at their ends.
fn is_literal(text: &str) -> bool {
    text.contains('\n')
        && !text.starts_with([' ', '\n'])
        && !text.ends_with("\n\n")
        && text
            .chars()
            .all(|character| character == '\n' || is_printable(character))
        && text.split('\n').all(|line| line.trim_ascii_end() == line)
}

fn string(text: &str) -> String {
    if is_plain(text) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// A double-quoted string.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            _ if is_printable(character) => out.push(character),
            // Beyond U+FFFF everything is printable.
            _ => {
                let code = u32::from(character);
                out.push_str("\\u");
                out.extend([12, 8, 4, 0].map(|shift| hexadecimal(code >> shift)));
            }
        }
    }
    out.push('"');
    out
}

/// The last digit of a number in base 16.
fn hexadecimal(number: u32) -> char {
    char::from_digit(number % 16, 16).unwrap_or('0')
}

/// Printable in YAML 1.1 and 1.2, no line break in either, and no mark that changes the direction of what stands beside it.
fn is_printable(character: char) -> bool {
    matches!(character,
        ' '..='~' | '\u{a0}'..='\u{200a}' | '\u{2010}'..='\u{2027}' | '\u{202f}'..='\u{2065}'
        | '\u{206a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..)
}

fn is_plain(text: &str) -> bool {
    let indicators = "-?:,[]{}#&*!|>'\"%@`=<~.";
    let mut characters = text.chars();
    let safe_start = match characters.next() {
        None => false,
        Some('-') => is_flag(text),
        Some(first) => !indicators.contains(first) && first != ' ',
    };
    safe_start
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && text.chars().all(is_printable)
        && !is_numeric(text)
        && !is_word(text)
        && matches!(Scalar::plain(text.into()), Scalar::Text(_))
}

/// Whether a text that begins with a dash is a flag such as `--tls`, not a list's item or a separator.
fn is_flag(text: &str) -> bool {
    let name = text.strip_prefix("--").or_else(|| text.strip_prefix('-'));
    name.is_some_and(|name| name.starts_with(|first: char| first.is_ascii_alphanumeric()))
}

/// Whether a reader of some YAML might take the text for a number, a time or a date.
fn is_numeric(text: &str) -> bool {
    text.contains(|character: char| character.is_ascii_digit())
        && text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first))
        && text
            .chars()
            .all(|character| character.is_ascii_hexdigit() || "xXoO_.:+-TtZz ".contains(character))
}

/// Whether a reader of some YAML might take the text for a boolean, null or a float's special value.
fn is_word(text: &str) -> bool {
    let words = [
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf",
    ];
    words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop_oneof, proptest};
    use serde_json::json;

    use super::*;
    use crate::manifest::yaml;

    fn read_back(value: &Value) -> Value {
        let text = to_yaml(value);
        let (root, duplicates) = yaml::read(&text, 0)
            .unwrap_or_else(|fault| panic!("{}\n{text}", fault.message))
            .expect("a document");
        assert!(duplicates.is_empty());
        root.to_value()
    }

    #[test]
    fn looks_as_kubectl_prints() {
        let value = json!({
            "apiVersion": "v1",
            "metadata": {"labels": {}, "name": "x", "annotations": {"a/b": "0"}},
            "spec": {"containers": [
                {"name": "tiller", "args": ["--tls", "--listen=:44134"], "env": []},
                [1, ["a"], {"b": null}],
            ]},
            "text": "one\n\n two\n",
            "last": "one\ntwo",
        });
        let expected = "apiVersion: v1\nmetadata:\n  labels: {}\n  name: x\n  annotations:\n    a/b: \"0\"\n\
            spec:\n  containers:\n  - name: tiller\n    args:\n    - --tls\n    - --listen=:44134\n    env: []\n  \
            - - 1\n    - - a\n    - b: null\ntext: |\n  one\n\n   two\nlast: |-\n  one\n  two\n";
        assert_eq!(to_yaml(&value), expected);
        assert_eq!(read_back(&value), value);
    }

    #[test]
    fn what_would_be_misread_is_quoted() {
        for text in [
            "0",
            "yes",
            "1e3",
            "null",
            "~",
            "0444",
            "",
            " ",
            "a ",
            " a",
            "a: b",
            "a #b",
            "- a",
            "-",
            "---",
            "--- a",
            "...",
            "y",
            "NO",
            "oN",
            "12:30",
            "2001-01-01",
            ".5",
            ".inf",
            "+1",
            "-1",
            "0x1f",
            "0o17",
            "1_000",
            "=",
            "<<",
            "a:",
            "#a",
            "&a",
            "*a",
            "!a",
            "|",
            ">",
            "%a",
            "@a",
            "`a",
            "{a",
            "[a",
            "'a",
            "\"a",
            ",a",
            "? a",
            ": a",
            "a\u{2028}b",
            "a\u{85}b",
            "a\u{7f}b",
            "\u{feff}a",
            "a\tb",
            "a\r\nb",
            "tru\\e\"",
            "1e400",
            "Null",
            "nan",
            "08",
            "-.5",
            "0.0.0",
        ] {
            if text != "tru\\e\"" {
                assert!(string(text).starts_with('"'), "{text}");
            }
            assert_eq!(
                read_back(&json!({ "k": text })),
                json!({ "k": text }),
                "{text}"
            );
            assert_eq!(read_back(&json!([text])), json!([text]), "{text}");
            assert_eq!(read_back(&json!({ text: 1 })), json!({ text: 1 }), "{text}");
        }
    }

    #[test]
    fn what_people_write_stays_plain() {
        for text in [
            "tiller",
            "--tls",
            "-v",
            "/etc/certs/tls.key",
            "gcr.io/kubernetes-helm/tiller:v2.17.0",
            "--listen=127.0.0.1:44134",
            "apps/v1",
            "v2.17.0",
            "a b, c",
            "$(A)",
            "100m",
            "64Mi",
        ] {
            assert_eq!(string(text), text);
            assert_eq!(read_back(&json!([text])), json!([text]), "{text}");
        }
    }

    #[test]
    fn long_keys_are_read_back() {
        let value = json!({ "a".repeat(2000): {"b": [1]}, "c": { "d".repeat(1001): "x\ny" } });
        assert_eq!(read_back(&value), value);
    }

    fn values() -> impl Strategy<Value = Value> {
        let text = prop_oneof!["[ -~\n\t]{0,8}", "[0-9a-fxoe_.:+-]{1,6}", "(?s).{0,6}"];
        let leaf = prop_oneof![
            text.prop_map(Value::String),
            any::<i64>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            proptest::strategy::Just(Value::Null),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                proptest::collection::vec(("[ -~\n]{0,6}", inner), 0..4)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn everything_is_read_back(value in values()) {
            let wrapped = json!({ "value": value });
            assert_eq!(read_back(&wrapped), wrapped);
        }
    }
}
