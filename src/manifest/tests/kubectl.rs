//! What kubectl 1.37.1 reads otherwise than other readers, drops, or reads by chance.

use serde_json::json;

use super::{faults, parse, values};

#[test]
fn tags_and_keys_are_kubectls() {
    let table = [
        (
            "k: !!binary UG9k\n!!binary a2luZA==: !!binary \"UG9k\"\n",
            json!({"k": "Pod", "kind": "Pod"}),
        ),
        ("! \"<<\": {a: 1}\nb: 2\n", json!({"a": 1, "b": 2})),
        (
            "!!merge <<: {a: 1}\n&m <<: {b: 2}\nc: *m\n",
            json!({"a": 1, "b": 2, "c": "<<"}),
        ),
        ("!!str <<: {a: 1}\n", json!({"<<": {"a": 1}})),
        ("'<<': {a: 1}\n", json!({"<<": {"a": 1}})),
        (
            "a: &a 1.50\n*a : b\n.inf: c\n1e6: d\n",
            json!({"a": 1.5, "1.5": "b", ".inf": "c", "1e+06": "d"}),
        ),
        (
            "a: 9223372036854775808\nb: 0o17\n",
            json!({"a": 9_223_372_036_854_776_000_u64, "b": 15}),
        ),
    ];
    for (text, value) in table {
        assert_eq!(values(&parse(text)), [value], "{text}");
    }
    assert_eq!(
        values(&parse(
            "{\"a\": 9999999999999999999, \"b\": 1.0, \"c\": 4.8072237e+56}"
        )),
        [json!({"a": 10_000_000_000_000_000_000_u64, "b": 1, "c": 4.807_223_7e56})]
    );
}

#[test]
fn a_byte_order_mark_may_begin_each_document() {
    let text = "a: 1\n--- # c\n\u{feff}# d\nb: 2\nc: 3\n";
    let stream = parse(text);
    assert_eq!(values(&stream), [json!({"a": 1}), json!({"b": 2, "c": 3})]);
    let document = stream.documents().last().unwrap();
    assert_eq!(document.place_of("/c").to_string(), "5:1");
    let edited = document.edited(stream.text_of(&document), &json!({"b": 2, "c": 4}));
    assert_eq!(
        edited.as_deref(),
        Some("--- # c\n\u{feff}# d\nb: 2\nc: 4\n")
    );
    // Not the first character that kubectl sees.
    assert_eq!(faults(&parse("---\n\u{feff}a: 1\nb: 2\n")).len(), 1);
    assert_eq!(faults(&parse("a: 1\n\u{feff}b: 2\n")).len(), 1);
}

#[test]
fn what_kubectl_drops_or_reads_by_chance_is_not_read() {
    let table = [
        ("a: 1\n...\nb: 2\n", "ignores what follows"),
        ("a: 1\r---\rb: 2\r", "lone carriage return"),
        ("---\n{\"a\":1}{\"b\":2}\n", "document start"),
        ("1: a\n\"1\": b\n", "two keys"),
        ("1: a\n1.0: b\n", "two keys"),
        ("true: a\n\"true\": b\n", "two keys"),
        (".nan: a\n.nan: b\n", "two keys"),
        ("!!binary /w==: a\n", "not a string"),
        ("9223372036854775808: a\n", "over 9223372036854775807"),
        ("a: {b:, c:[d]}\n", "colon"),
        ("a: [!!str, b]\n", "tag"),
        ("a: [?b]\n", "question mark"),
        (
            "%TAG ! tag:yaml.org,2002:\n---\na: !int \"1\"\n",
            "directive",
        ),
        ("a: &a [{b: 1}]\n<<: *a\n", "merge"),
    ];
    for (text, reason) in table {
        let stream = parse(text);
        let faults = faults(&stream);
        assert!(
            faults.iter().any(|fault| fault.2.contains(reason)),
            "{text}: {faults:?}"
        );
    }
    for text in [
        "apiVersion: v1\nkind: ConfigMap\nitems: []\n",
        "apiVersion: v1\nkind: Pod\nitems:\n",
        "apiVersion: v1\nkind: ConfigMap\nItems: []\n",
        "apiVersion: v1\nkind: PodList\nitems:\n- kind: Pod\n",
    ] {
        let stream = parse(text);
        let found: Vec<_> = stream
            .documents()
            .flat_map(|document| document.objects())
            .collect();
        assert!(found[0].is_err(), "{text}");
    }
}
