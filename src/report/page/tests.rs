//! Hostile texts stay texts, and colours can be read.

use std::collections::BTreeMap;

use super::{Edge, Graph, Item, Node, Page, STYLE, Section, Target, Tile, Tone, worst, write};
use crate::policy::Severity;
use crate::report::Finding;

const HOSTILE: &str = "</script></style><img src=x onerror=alert(1)>\"'&\u{202e}\u{0}";

fn hostile_page(findings: &[Finding]) -> Page<'_> {
    let text = || HOSTILE.to_owned();
    let node = || Node {
        label: text(),
        note: text(),
        title: text(),
        ..Node::default()
    };
    let graph = Graph {
        columns: [
            ("Who", vec![node()]),
            ("Tillers", vec![node()]),
            ("Accounts", vec![]),
            ("Places", vec![]),
        ],
        edges: vec![Edge {
            tone: Tone::Open,
            column: 0,
            from: 0,
            to: Target::Node(0),
        }],
        notes: vec![text()],
    };
    Page {
        title: text(),
        subject: vec![text()],
        tiles: vec![Tile {
            number: 1,
            label: HOSTILE,
            tone: Tone::Open,
        }],
        graph: Some(graph),
        columns: vec!["State"],
        items: vec![Item {
            title: text(),
            cells: vec![(text(), Tone::Open)],
            findings,
            details: vec![("account", vec![text()])],
        }],
        left_out: 0,
        sections: vec![Section {
            title: "Who",
            about: "",
            columns: vec!["Who"],
            rows: vec![vec![text()]],
        }],
        unknown: vec![(text(), text())],
        notes: vec![text()],
    }
}

#[test]
fn no_text_of_a_manifest_becomes_markup() {
    let finding = Finding {
        rule: "tls-disabled",
        severity: "critical",
        path: HOSTILE.to_owned(),
        line: None,
        column: None,
        message: HOSTILE.to_owned(),
        remedy: HOSTILE.to_owned(),
        action: "refuse",
        documentation: "https://example.com/".to_owned(),
    };
    let mut out = Vec::new();
    write(&hostile_page(&[finding]), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(!text.contains("<img") && !text.contains('\u{202e}') && !text.contains('\0'));
    assert_eq!(text.matches("</script>").count(), 1);
    assert_eq!(text.matches("</style>").count(), 1);
    assert!(text.matches("&lt;img src=x onerror=alert(1)&gt;").count() >= 16);
    for outside in ["src=\"", "url(", "@import", "http-equiv=\"refresh\""] {
        assert!(!text.contains(outside), "{outside}");
    }
}

#[test]
fn what_is_left_out_is_not_worse_than_what_is_shown() {
    use Severity::{Critical, High, Low};
    let all = [
        (1, Some(Low)),
        (2, Some(Critical)),
        (3, None),
        (4, Some(High)),
        (5, Some(Low)),
        (6, Some(High)),
    ];
    let (shown, left_out) = worst(all.into_iter(), |it| it.1, 4);
    let shown: Vec<_> = shown.into_iter().map(|it| it.0).collect();
    assert_eq!((shown, left_out), (vec![1, 2, 4, 6], 2));
}

/// The colours of the style, by the scheme and name.
fn colours(scheme: &str) -> BTreeMap<&'static str, [u8; 3]> {
    let part = STYLE.split(scheme).nth(1).unwrap();
    let part = part.split('}').next().unwrap();
    let named = part
        .split(';')
        .filter_map(|it| it.trim().strip_prefix("--")?.split_once(":#"));
    let byte = |hex: &str, at: usize| u8::from_str_radix(hex.get(at..at + 2).unwrap(), 16).unwrap();
    named
        .map(|(name, hex)| (name, [0, 2, 4].map(|at| byte(hex, at))))
        .collect()
}

/// WCAG 2.2, "relative luminance".
fn luminance(colour: [u8; 3]) -> f64 {
    let linear = colour.map(|byte| {
        let share = f64::from(byte) / 255.0;
        if share <= 0.04045 {
            share / 12.92
        } else {
            ((share + 0.055) / 1.055).powf(2.4)
        }
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// WCAG AA: 4.5 for text, 3 for lines and edges.
#[test]
fn colours_have_contrast_in_both_schemes() {
    for scheme in ["/*light*/", "/*dark*/", "/*print*/"] {
        let colours = colours(scheme);
        let of = |name: &str| {
            *colours
                .get(name)
                .unwrap_or_else(|| panic!("{scheme}: {name}"))
        };
        for text in ["text", "muted", "link", "open", "unknown", "good"] {
            for ground in ["page", "box"] {
                let ratio = contrast(of(text), of(ground));
                assert!(ratio >= 4.5, "{scheme} {text} on {ground}: {ratio:.2}");
            }
        }
        for (text, ground) in [
            ("open", "open-box"),
            ("text", "open-box"),
            ("muted", "open-box"),
            ("unknown", "unknown-box"),
            ("text", "unknown-box"),
            ("muted", "unknown-box"),
            ("solid-text", "solid"),
        ] {
            let ratio = contrast(of(text), of(ground));
            assert!(ratio >= 4.5, "{scheme} {text} on {ground}: {ratio:.2}");
        }
        for line in ["line", "open", "unknown", "link"] {
            let ratio = contrast(of(line), of("page"));
            assert!(ratio >= 3.0, "{scheme} {line}: {ratio:.2}");
        }
    }
}
