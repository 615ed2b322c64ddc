//! The layers of the crate: who may use whom, and which words a pure module never says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each module with all that it uses. A line here is used, and what is used has a line here.
const USES: [(&str, &[&str]); 16] = [
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
    ("installation", &["k8s", "policy", "tiller"]),
    ("provision", &["k8s", "pki", "pod", "policy", "tiller"]),
    ("config", &["manifest", "policy", "provision", "tiller"]),
    ("releases", &["manifest"]),
    ("report", &["policy", "tiller"]),
    ("offline", &["k8s", "manifest", "policy", "report"]),
    // Layer 3.
    (
        "cluster",
        &[
            "installation",
            "json",
            "k8s",
            "pki",
            "policy",
            "provision",
            "releases",
            "tiller",
        ],
    ),
    ("server", &["k8s", "pki", "policy"]),
    // Layer 4.
    (
        "cli",
        &[
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
const PURE: [&str; 10] = [
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
];

#[test]
fn modules_use_those_below_them_and_no_others() {
    let known: BTreeSet<&str> = USES.iter().map(|(module, _)| *module).collect();
    let mut found: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (module, file, code) in production_code() {
        let module = *known.get(module.as_str()).unwrap_or_else(|| {
            panic!("{}: a module without a place in the layers", file.display())
        });
        let used = found.entry(module).or_default();
        for target in named_modules(&code) {
            if target != module {
                used.insert(target);
            }
        }
    }
    for (module, allowed) in USES {
        let allowed: BTreeSet<String> = allowed.iter().map(ToString::to_string).collect();
        assert_eq!(
            found.remove(module).unwrap_or_default(),
            allowed,
            "what {module} uses"
        );
    }
}

#[test]
fn each_module_stands_above_those_it_uses() {
    for (index, (module, used)) in USES.iter().enumerate() {
        for lower in *used {
            let place = USES.iter().position(|(other, _)| other == lower).unwrap();
            assert!(
                place < index,
                "{module} uses {lower}, which stands above it"
            );
        }
    }
}

#[test]
fn pure_modules_know_no_clock_network_file_or_thread() {
    for (module, file, code) in production_code() {
        for word in IMPURE {
            if PURE.contains(&module.as_str()) {
                assert!(!code.contains(word), "{}: {word}", file.display());
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

/// Module, file and code without comments and unit tests, of every file in a module's folder.
fn production_code() -> Vec<(String, PathBuf, String)> {
    let source = root().join("src");
    rust_files(&source)
        .into_iter()
        .filter(|file| !file.components().any(|part| part.as_os_str() == "tests"))
        .filter(|file| !file.ends_with("tests.rs"))
        .filter_map(|file| {
            let inner = file.strip_prefix(&source).unwrap();
            let module = inner
                .components()
                .next()
                .unwrap()
                .as_os_str()
                .to_str()
                .unwrap();
            let code = without_comments(&fs::read_to_string(&file).unwrap());
            // lib.rs and main.rs are above all layers.
            inner.parent()?.file_name()?;
            Some((module.to_owned(), file.clone(), code))
        })
        .collect()
}

fn without_comments(text: &str) -> String {
    text.split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap()
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The modules after each `crate::`, also in a `use crate::{a::B, c::D}`.
fn named_modules(code: &str) -> BTreeSet<String> {
    code.split("crate::")
        .skip(1)
        .flat_map(|rest| match rest.strip_prefix('{') {
            Some(list) => list
                .split('}')
                .next()
                .unwrap()
                .split(',')
                .map(|entry| word(entry.trim()))
                .collect::<Vec<_>>(),
            None => vec![word(rest)],
        })
        .filter(|name| !name.is_empty())
        .collect()
}

fn word(text: &str) -> String {
    text.chars()
        .take_while(|it| it.is_ascii_alphanumeric() || *it == '_')
        .collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
