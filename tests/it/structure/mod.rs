//! The house: which room may use which, which crates each may use, and which words a pure one never says; and that no
//! file uses another in a circle of many.

mod code;
mod graph;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use code::{files, root, rust_files};
use graph::{Graph, circles};

/// Each room with all that it uses. A line here is used, and what is used has a line here.
const USES: [(&str, &[&str]); 17] = [
    // Layer 0.
    ("json", &[]),
    ("pod", &["json"]),
    ("tiller", &["pod"]),
    // Layer 1.
    ("policy", &["json", "pod", "tiller"]),
    // Layer 2.
    ("k8s", &["json", "pod", "policy", "tiller"]),
    ("manifest", &["policy"]),
    ("pki", &[]),
    ("provision", &["k8s", "pki", "pod", "policy", "tiller"]),
    ("config", &["manifest", "policy", "provision", "tiller"]),
    ("releases", &["manifest"]),
    ("report", &["policy", "releases", "tiller"]),
    ("installation", &["k8s", "policy", "report", "tiller"]),
    (
        "audit",
        &[
            "json", "k8s", "pki", "pod", "policy", "releases", "report", "tiller",
        ],
    ),
    (
        "offline",
        &[
            "audit", "k8s", "manifest", "policy", "releases", "report", "tiller",
        ],
    ),
    // Layer 3.
    (
        "cluster",
        &[
            "audit",
            "installation",
            "json",
            "k8s",
            "manifest",
            "pki",
            "policy",
            "provision",
            "releases",
            "report",
            "tiller",
        ],
    ),
    ("server", &["k8s", "pki", "policy"]),
    // Layer 4.
    (
        "cli",
        &[
            "audit",
            "cluster",
            "config",
            "installation",
            "k8s",
            "manifest",
            "offline",
            "pki",
            "policy",
            "provision",
            "releases",
            "report",
            "server",
            "tiller",
        ],
    ),
];

/// What a module without clock, network, files and threads never names.
const IMPURE: [&str; 9] = [
    "std::fs",
    "std::net::Tcp",
    "std::process",
    "std::thread",
    "std::env",
    "Instant",
    "SystemTime",
    "tokio",
    "async ",
];
const PURE: [&str; 11] = [
    "json",
    "pod",
    "tiller",
    "policy",
    "k8s",
    "config",
    "provision",
    "installation",
    "releases",
    "report",
    "audit",
];

/// Each room with the crates that it uses, beside the standard library.
const CRATES: [(&str, &[&str]); 17] = [
    (
        "json",
        &["base64", "base64_simd", "itoa", "serde_json", "wide"],
    ),
    ("pod", &[]),
    ("tiller", &["memchr", "thiserror"]),
    (
        "policy",
        &["json_patch", "serde_json", "thiserror", "tracing"],
    ),
    (
        "k8s",
        &[
            "aho_corasick",
            "base64",
            "itoa",
            "memchr",
            "ring",
            "rustls",
            "serde",
            "serde_json",
            "thiserror",
            "wide",
        ],
    ),
    (
        "manifest",
        &[
            "base64",
            "granit_parser",
            "memchr",
            "serde",
            "serde_json",
            "thiserror",
        ],
    ),
    (
        "pki",
        &[
            "base64",
            "rcgen",
            "ring",
            "rustls",
            "thiserror",
            "time",
            "x509_parser",
            "zeroize",
        ],
    ),
    ("installation", &["serde_json"]),
    (
        "provision",
        &["base64", "json_patch", "serde_json", "thiserror", "zeroize"],
    ),
    ("config", &["serde_json", "time"]),
    (
        "releases",
        &[
            "base64",
            "buffa",
            "flate2",
            "memchr",
            "ring",
            "serde",
            "serde_json",
            "thiserror",
            "time",
        ],
    ),
    (
        "report",
        &["base64", "diffy", "maud", "ring", "serde", "serde_json"],
    ),
    ("audit", &["base64", "serde", "serde_json", "time"]),
    (
        "offline",
        &[
            "anyhow",
            "base64",
            "flate2",
            "json_patch",
            "serde",
            "serde_json",
            "thiserror",
        ],
    ),
    (
        "cluster",
        &[
            "arc_swap",
            "base64",
            "futures_util",
            "hyper",
            "json_patch",
            "k8s_openapi",
            "kube",
            "memchr",
            "prometheus_client",
            "rustls",
            "serde",
            "serde_json",
            "thiserror",
            "time",
            "tokio",
            "tower",
            "tracing",
            "zeroize",
        ],
    ),
    (
        "server",
        &[
            "arc_swap",
            "axum",
            "http_body_util",
            "humantime",
            "hyper",
            "hyper_util",
            "prometheus_client",
            "ring",
            "rustix",
            "rustls",
            "thiserror",
            "tokio",
            "tokio_rustls",
            "tower",
            "tracing",
        ],
    ),
    (
        "cli",
        &[
            "anyhow",
            "arc_swap",
            "clap",
            "clap_complete",
            "futures_util",
            "humantime",
            "prometheus_client",
            "serde",
            "serde_json",
            "thiserror",
            "tokio",
            "tracing",
            "tracing_subscriber",
            "zeroize",
        ],
    ),
];

#[test]
fn rooms_use_those_below_them_and_no_others() {
    let files = files();
    let graph = Graph::of(&files);
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (file, uses) in graph.uses() {
        let Some((room, _)) = file.split_once('/') else {
            continue;
        };
        let rooms = uses.iter().filter_map(|used| used.split_once('/'));
        let others = rooms.map(|(other, _)| other).filter(|other| *other != room);
        found.entry(room).or_default().extend(others);
    }
    let allowed: BTreeMap<&str, BTreeSet<&str>> = USES
        .iter()
        .map(|(room, uses)| (*room, uses.iter().copied().collect()))
        .collect();
    assert_eq!(found, allowed);
}

#[test]
fn each_room_stands_above_those_it_uses() {
    for (index, (room, used)) in USES.iter().enumerate() {
        for lower in *used {
            let place = USES.iter().position(|(other, _)| other == lower).unwrap();
            assert!(place < index, "{room} uses {lower}, which stands above it");
        }
    }
}

#[test]
fn each_room_uses_its_own_crates_alone() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let crates = crates(&manifest);
    let mut found: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for file in files() {
        let Some(room) = file.room() else { continue };
        let own = found.entry(room.to_owned()).or_default();
        let named = crates.iter().filter(|name| names(&file.code, name));
        own.extend(named.map(String::as_str));
    }
    let allowed: BTreeMap<String, BTreeSet<&str>> = CRATES
        .iter()
        .map(|(room, uses)| ((*room).to_owned(), uses.iter().copied().collect()))
        .collect();
    assert_eq!(found, allowed);
}

#[test]
fn no_circle_of_files_is_larger_than_three() {
    let files = files();
    let graph = Graph::of(&files);
    let uses = graph.uses();
    let circles = circles(&uses);
    let large: Vec<_> = circles.iter().filter(|it| it.len() > 3).collect();
    assert!(large.is_empty(), "{large:#?}");
    // The files are read: some of two and three are there.
    assert!(circles.iter().any(|it| it.len() == 3));
}

#[test]
fn pure_rooms_know_no_clock_network_file_or_thread() {
    for file in files() {
        for word in IMPURE {
            if file.room().is_some_and(|room| PURE.contains(&room)) {
                assert!(!file.code.contains(word), "{}: {word}", file.name);
            }
        }
    }
}

#[test]
fn no_file_is_too_long_to_hold_one_concept() {
    for folder in ["src", "tests", "benches"] {
        for file in rust_files(&root().join(folder)) {
            let lines = fs::read_to_string(&file).unwrap().lines().count();
            assert!(lines <= 400, "{}: {lines} lines", file.display());
        }
    }
}

/// The crates that a manifest names as dependencies, as code names them.
fn crates(manifest: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_dependencies = false;
    for line in manifest.lines() {
        if let Some(section) = line.strip_prefix('[') {
            in_dependencies = section.trim_end_matches(']').ends_with("dependencies")
                && !section.starts_with("dev-");
        } else if in_dependencies && let Some((name, _)) = line.split_once(" = ") {
            found.push(name.replace('-', "_"));
        }
    }
    found.retain(|name| !name.starts_with('#'));
    found
}

/// Whether code names this crate in a path.
fn names(code: &str, name: &str) -> bool {
    let path = format!("{name}::");
    let mut before = code.match_indices(&path).map(|(at, _)| &code[..at]);
    let alone =
        |before: &str| !before.ends_with(|it: char| it.is_alphanumeric() || "_:".contains(it));
    before.any(alone)
}
