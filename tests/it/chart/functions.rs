//! The chart's templates use no function that Helm 2 lacks: one is enough, and Helm 2 reads none of them.

use std::collections::BTreeSet;
use std::fs;

use super::folder;

/// Those of Go's templates, of Sprig and of Helm with which Helm 2.7.2, 2.9.1 and 2.17.0 read and render the chart.
const KNOWN: [&str; 39] = [
    "add1",
    "append",
    "and",
    "default",
    "define",
    "dict",
    "else",
    "end",
    "eq",
    "fail",
    "fromJson",
    "fromYaml",
    "ge",
    "has",
    "hasKey",
    "hasSuffix",
    "if",
    "include",
    "index",
    "int",
    "join",
    "list",
    "lt",
    "ne",
    "nindent",
    "not",
    "or",
    "printf",
    "quote",
    "range",
    "regexMatch",
    "regexReplaceAll",
    "replace",
    "splitList",
    "toJson",
    "toString",
    "tpl",
    "trimPrefix",
    "trimSuffix",
];
/// The same, of which one is enough for a line of its own.
const KNOWN_TOO: [&str; 4] = ["toYaml", "trim", "with", "sha256sum"];

#[test]
fn the_chart_uses_functions_that_helm_2_knows() {
    let known: BTreeSet<_> = KNOWN.into_iter().chain(KNOWN_TOO).collect();
    let mut used = BTreeSet::new();
    for entry in fs::read_dir(folder().join("templates")).unwrap() {
        used.extend(functions(
            &fs::read_to_string(entry.unwrap().path()).unwrap(),
        ));
    }
    assert!(used.len() > 20, "{used:?}");
    let unknown: Vec<_> = used
        .iter()
        .filter(|it| !known.contains(it.as_str()))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn texts_comments_fields_and_variables_are_no_functions() {
    let text = "a {{- /* get */ -}} b {{ $get := tpl \"{{ get \\\"x\\\" }}\" .get | quote }} c";
    assert_eq!(functions(text), ["tpl", "quote"]);
}

/// The names in the actions of a template that are no text, comment, field or variable.
fn functions(mut template: &str) -> Vec<String> {
    let mut found = Vec::new();
    while let Some((_, rest)) = template.split_once("{{") {
        let (action, after) = action(rest);
        template = after;
        let words = action.split(|it: char| !(it.is_ascii_alphanumeric() || "._$".contains(it)));
        let words = words.filter(|word| word.starts_with(|it: char| it.is_ascii_alphabetic()));
        found.extend(words.map(ToOwned::to_owned));
    }
    found
}

/// An action without its texts, and what comes after it.
fn action(rest: &str) -> (String, &str) {
    let start = rest.trim_start_matches('-').trim_start();
    if start.starts_with("/*") {
        return (String::new(), rest.split_once("}}").unwrap().1);
    }
    let (mut code, mut in_text, mut escaped) = (String::new(), false, false);
    for (at, it) in rest.char_indices() {
        match it {
            _ if escaped => escaped = false,
            '\\' if in_text => escaped = true,
            '"' => in_text = !in_text,
            '}' if !in_text && code.ends_with('}') => return (code, &rest[at + 1..]),
            _ if !in_text => code.push(it),
            _ => {}
        }
    }
    panic!("an action without end: {rest}");
}
