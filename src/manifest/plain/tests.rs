//! Plain YAML is read as the whole parser reads it.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::*;
use crate::manifest::yaml::read_any;

/// Both parsers read the same, places included.
fn agree(text: &str) -> bool {
    let Some(read) = read(text, 0) else {
        return false;
    };
    assert_eq!(Ok(read), read_any(text, 0), "{text}");
    true
}

macro_rules! case {
    ($name:ident, $plain:expr, $text:expr) => {
        #[test]
        fn $name() {
            assert_eq!(agree($text), $plain);
        }
    };
}

case!(
    scalars,
    true,
    "a: 1\nb: x y\nc: 'd'\n\"e\": \"f g\"\nh: -1\n"
);
case!(no_line_end, true, "a: 1");
case!(separator, true, "---\na: 1\n");
case!(comments, true, "# x\na: 1 # y\n\n  # z\nb: x#y\n");
case!(nothing_behind_keys, true, "a:\nb: 1\nc:\n  d:\ne:\n");
case!(mappings, true, "a:\n  b:\n    c: 1\n  d: 2\ne: 3\n");
case!(
    lists,
    true,
    "a:\n- 1\n- b: 2\n  c: 3\nd:\n  - e\n  - - f\n    - g: h\n"
);
case!(
    brackets,
    true,
    "a: {}\nb: []\nc: {d: 1, e: [f, \"g\", {h: i}]}\nj:\n- [k]\n"
);
case!(
    wide_characters,
    true,
    "ä: ö\nb:\n- ü: é # ß\n  ç: [ñ, {å: æ}]\n"
);
case!(addresses, true, "a: http://b:1/c\nd: 12:30\n");
case!(twice, true, "a: 1\nb: {c: 1, c: 2}\na: 2\n");
case!(two_lines, false, "a: b\n  c\n");
case!(anchors, false, "a: &b c\nd: *b\n");
case!(tags, false, "a: !!str 1\n");
case!(blocks, false, "a: |\n  b\n");
case!(escapes, false, "a: \"\\x41\"\n");
case!(merges, false, "a: {}\n<<: {}\n");
case!(tabs, false, "a:\tb\n");
case!(nothing, false, "# x\n");
case!(lists_alone, false, "- a\n");
case!(carriage_returns, false, "a: 1\r\n");
case!(colon_in_brackets, false, "a: {b:, c: 1}\n");

/// Lines of all kinds in any order, most of them plain: what is plain is read as the whole parser reads it.
fn lines() -> impl Strategy<Value = String> {
    let plain = select(&[
        "a: 1",
        "b:",
        "c.d/e: x y # z",
        "\"f\": 'g'",
        "  h: -1",
        "  i:",
        "  j: {}",
        "    k: l",
        "- m",
        "- n: o",
        "  p: 12:30",
        "  - q",
        "  - r: [1, \"s\", {t: u}]",
        "    v: {a: 1, 'b': c}",
        "- - w",
        "# x",
        "",
        "  \u{e4}: \u{f6} \u{fc}",
        "x: http://y:1",
    ])
    .prop_map(str::to_owned);
    let indent = select(&["", "  ", "    ", "- ", "  - ", "    - ", "- - "]);
    let key = select(&[
        "a:", "a: ", "b: ", "c.d/e: ", "\"f\": ", "'g h': ", "1: ", "\u{e4}: ", "x y: ", "",
    ]);
    let value = select(&[
        "",
        "1",
        "x y",
        "'z'",
        "\"\"",
        "x: y",
        "x:y",
        "-1",
        "- 1",
        "-",
        "{}",
        "[]",
        "[1, b]",
        "{a: 1, 'b': c}",
        "{a: [1, {b: c}]}",
        "{a, b}",
        "[a: b]",
        "{a: }",
        "[1,]",
        "# x",
        "y # z",
        "y #",
        "|",
        "&a 1",
        "*a",
        "\"\\n\"",
        "'it''s'",
        "null",
        "~",
        "0x1F",
        "x#y",
        "'a' b",
        "[a] b",
        "a, b",
        "a]",
        "\u{f6}",
        "{\"a\":1}",
        "?",
        "? a",
        ":",
        "@",
        "a:",
        "...",
        "---",
    ]);
    let any = (indent, key, value).prop_map(|(indent, key, value)| format!("{indent}{key}{value}"));
    let line = prop_oneof![4 => plain, 1 => any];
    prop::collection::vec(line, 1..8).prop_map(|lines| lines.join("\n"))
}

fn select(texts: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(texts)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]
    #[test]
    fn what_is_plain_is_read_alike(text in lines()) {
        agree(&text);
    }
}

/// The property above is about something: a good part of such texts is plain.
#[test]
fn many_of_the_texts_are_plain() {
    let mut runner = TestRunner::deterministic();
    let plain = (0..5000).filter(|_| {
        let text = lines().new_tree(&mut runner).unwrap().current();
        agree(&text)
    });
    assert!(plain.count() > 250);
}
