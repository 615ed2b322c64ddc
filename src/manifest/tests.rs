//! Streams as a whole: what is read, what is not, and where.

mod kubectl;

use serde_json::{Value, json};

use super::{Format, ManifestObject, Part, Stream};
use crate::policy::ObjectKind;

fn parse(text: &str) -> Stream {
    Stream::new("-", text.into())
}

fn values(stream: &Stream) -> Vec<Value> {
    stream
        .documents()
        .map(|document| document.value())
        .collect()
}

/// Number, line and message of what cannot be read.
fn faults(stream: &Stream) -> Vec<(usize, usize, String)> {
    stream
        .parts()
        .filter_map(|part| match part {
            Part::Unreadable(unreadable, _) => Some((
                unreadable.document,
                unreadable.place.line,
                unreadable.message,
            )),
            Part::Document(_) | Part::Blank(_) => None,
        })
        .collect()
}

fn objects(stream: &Stream) -> Vec<ManifestObject> {
    stream
        .documents()
        .flat_map(|document| document.objects())
        .map(Result::unwrap)
        .collect()
}

#[test]
fn a_broken_document_hides_no_other() {
    let stream = parse("a: 1\n---\nb: [\nc: 2\n---\nd: 3\n");
    assert_eq!(values(&stream), [json!({"a": 1}), json!({"d": 3})]);
    let faults = faults(&stream);
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].0, 2);
    assert!((3..=5).contains(&faults[0].1), "{faults:?}");
    assert_eq!(
        stream
            .documents()
            .map(|document| document.number)
            .collect::<Vec<_>>(),
        [1, 3]
    );
}

#[test]
fn documents_know_their_lines() {
    let stream = parse("# c\n---\n\na: 1\n---\n# x\n---\r\n# y\r\nb: 2\r\n...\r\n");
    let places: Vec<_> = stream
        .documents()
        .map(|document| (document.number, document.place.line))
        .collect();
    assert_eq!(places, [(1, 4), (2, 9)]);
}

#[test]
fn empty_streams_hold_nothing() {
    for text in ["", "\n", "---\n", "# only\n", "---\n---\n...\n", "\u{feff}"] {
        assert!(parse(text).documents().next().is_none(), "{text:?}");
        assert!(faults(&parse(text)).is_empty(), "{text:?}");
    }
}

#[test]
fn json_values_follow_one_another() {
    let stream = parse("{\"a\":1}{\"b\":2}\n{\"c\":\n3}\n---\n{\"d\":4}\n---\ne: 5\n");
    let read: Vec<_> = stream
        .documents()
        .map(|document| (document.value(), document.place.line, document.format))
        .collect();
    assert_eq!(
        read,
        [
            (json!({"a": 1}), 1, Format::Json),
            (json!({"b": 2}), 1, Format::Json),
            (json!({"c": 3}), 2, Format::Json),
            (json!({"d": 4}), 5, Format::Yaml),
            (json!({"e": 5}), 7, Format::Yaml),
        ]
    );
}

#[test]
fn a_broken_json_value_hides_no_other() {
    let stream = parse("{\"a\":1}\n{\"b\":}\n{\"c\":3}\n");
    assert_eq!(values(&stream), [json!({"a": 1}), json!({"c": 3})]);
    assert_eq!(faults(&stream), [(2, 2, "expected value".to_owned())]);
}

#[test]
fn flow_yaml_is_not_json() {
    assert_eq!(
        values(&parse("{a: yes, b: [0444]}")),
        [json!({"a": true, "b": [292]})]
    );
}

#[test]
fn the_last_of_two_keys_counts_and_both_are_told() {
    let yaml = "a:\n- b: 1\n  c/d: 2\n  b: 3\n  \"c/d\": 4\n";
    let json = "{\"a\":[\n{\"b\":1,\n\"c/d\":2,\n\"b\":3,\n\"c/d\":4}]}";
    for text in [yaml, json] {
        let stream = parse(text);
        assert_eq!(values(&stream), [json!({"a": [{"b": 3, "c/d": 4}]})]);
        let duplicates: Vec<_> = stream
            .documents()
            .flat_map(|document| document.duplicates)
            .map(|found| (found.pointer, found.first.line, found.again.line))
            .collect();
        assert_eq!(
            duplicates,
            [("/a/0/b".to_owned(), 2, 4), ("/a/0/c~1d".to_owned(), 3, 5)],
            "{text}"
        );
    }
}

#[test]
fn keys_of_one_spelling_are_one_key() {
    let stream = parse("x: 1\n'x': 2\n01: a\n1: b\nyes: c\non: d\n");
    assert_eq!(values(&stream), [json!({"x": 2, "1": "b", "true": "d"})]);
    assert_eq!(stream.documents().next().unwrap().duplicates.len(), 3);
}

/// Printed by kubectl 1.32.
#[test]
fn merges_are_kubectls() {
    let stream = parse(
        "base: &b {k: 1, l: 2}\nm:\n  <<: *b\n  k: 3\np:\n  k: 3\n  <<: *b\no:\n  <<: [*b, {z: 1, k: 9}]\n",
    );
    assert_eq!(
        values(&stream),
        [json!({
            "base": {"k": 1, "l": 2},
            "m": {"k": 3, "l": 2},
            "p": {"k": 1, "l": 2},
            "o": {"z": 1, "k": 1, "l": 2},
        })]
    );
    let duplicates: Vec<_> = stream
        .documents()
        .flat_map(|document| document.duplicates)
        .map(|found| found.pointer)
        .collect();
    assert_eq!(duplicates, ["/p/k"]);
}

#[test]
fn what_could_hide_a_value_or_eat_memory_is_not_read() {
    let laughs = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n\
                  c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n\
                  e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n\
                  g: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\nh: [*g,*g,*g,*g,*g,*g,*g,*g,*g]\n";
    let long = format!(
        "a: &a {}\nb: [{}]\n",
        "x".repeat(1 << 20),
        "*a,".repeat(100)
    );
    let deep = "[".repeat(100_000);
    let deep_mappings: String = "{\"a\":".repeat(100_000);
    let deep_blocks: String = "- ".repeat(100_000);
    let table = [
        ("a: 1\n# c\u{2028}b: 2\n", "line break"),
        ("a: 1\n# c\u{85}b: 2\n", "line break"),
        ("a: \"x\0y\"\n", "control character"),
        ("{\"a\": \"x\0y\"}\n", "control character"),
        ("a: &a [*a]\n", "alias"),
        ("a: *b\n", "anchor"),
        ("? [a]\n: b\n", "key"),
        ("~: b\n", "null"),
        ("a: .inf\n", "JSON cannot hold"),
        ("a: !!int x\n", "tag"),
        ("<<: 1\n", "merge"),
        (laughs, "more than"),
        (&long, "repeat"),
        (&deep, ""),
        (&deep_mappings, ""),
        (&deep_blocks, ""),
    ];
    for (text, reason) in table {
        let stream = parse(text);
        let faults = faults(&stream);
        let head: String = text.chars().take(40).collect();
        assert_eq!(faults.len(), 1, "{head}");
        assert!(faults[0].2.contains(reason), "{head}: {faults:?}");
        assert!(stream.documents().next().is_none(), "{head}");
    }
}

#[test]
fn what_is_no_text_spoils_its_document_alone() {
    let stream = Stream::new("-", b"a: 1\n---\nb: \xff\n---\nc: 3\n".to_vec());
    assert_eq!(values(&stream), [json!({"a": 1}), json!({"c": 3})]);
    assert_eq!(faults(&stream)[0].1, 3);
}

#[test]
fn lists_give_their_items() {
    let stream = parse(
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: a}\n\
         - apiVersion: apps/v1\n  kind: DeploymentList\n  items:\n  - metadata: {name: b, namespace: n}\n\
         - apiVersion: v1\n  kind: Pod\n  kind: Pod\n",
    );
    let read: Vec<_> = objects(&stream)
        .into_iter()
        .map(|object| {
            let pod = matches!(object.judged_as(), Some(ObjectKind::Workload(_)));
            (
                object.pointer,
                object.kind,
                object.name,
                pod,
                object.duplicates.len(),
                object.place.line,
            )
        })
        .collect();
    let line = |pointer: &str, kind: &str, name: &str, pod, duplicates, line| {
        (
            pointer.to_owned(),
            kind.to_owned(),
            name.to_owned(),
            pod,
            duplicates,
            line,
        )
    };
    assert_eq!(
        read,
        [
            line("/items/0", "Pod", "a", true, 0, 4),
            line("/items/1/items/0", "Deployment", "b", true, 0, 10),
            line("/items/2", "Pod", "", true, 1, 11),
        ]
    );
}

#[test]
fn what_is_no_object_is_told() {
    for text in [
        "hello\n",
        "- a\n",
        "a: 1\n",
        "kind: Pod\n",
        "{\"kind\": 1, \"apiVersion\": \"v1\"}",
    ] {
        let stream = parse(text);
        let found: Vec<_> = stream
            .documents()
            .flat_map(|document| document.objects())
            .collect();
        assert_eq!(found.len(), 1, "{text}");
        assert!(found[0].is_err(), "{text}");
    }
}

#[test]
fn a_pointer_has_a_place() {
    let stream = parse("# c\n---\nspec:\n  containers:\n  - name: x\n    args:\n    - --tls\n");
    let document = stream.documents().next().unwrap();
    assert_eq!(
        document.place_of("/spec/containers/0/args/0").to_string(),
        "7:7"
    );
    assert_eq!(
        document.place_of("/spec/containers/0/args").to_string(),
        "6:5"
    );
    assert_eq!(
        document.place_of("/spec/containers/0/env/3").to_string(),
        "5:5"
    );
    assert_eq!(document.place_of("").to_string(), "3:1");
}

#[test]
fn the_parts_hold_the_whole_text() {
    for text in ["# a\n---\nb: 1\n--- # c\n...\nd: 2\n", "{\"a\":1}\n"] {
        let stream = parse(text);
        assert!(stream.parts().next().is_some());
        assert_eq!(stream.text(&(0..text.len())), text);
    }
}

#[test]
fn broken_values_are_looked_behind_a_hundred_times() {
    let broken = parse(&"{\"a\":\n".repeat(10_000));
    assert_eq!(faults(&broken).len(), 101);
}
