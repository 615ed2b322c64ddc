//! Words that may not come back into what people see: strings of the program, its help, the manual, the chart and the demo.

use std::fs;
use std::path::Path;

use clap::Command;
use regex::Regex;

use super::{pages, repository};

/// What may not be said, and what to say.
const PHRASES: &[(&str, &str)] = &[
    (r"\b(is|are|has|have) to be\b", "must be"),
    (r"\bno more\b", "no longer"),
    (r"\bit holds\b", "healthy"),
    (r"\b(is|are) gone\b", "removed"),
    (r"\bis over\b", "expired"),
    (r"\bstands?\b", "is, or appears"),
    (r"\btells?\b|\btold\b", "report, say, log"),
    (r"\bstrange\b|\bforeign\b", "other"),
    (r"\bauthorit(y|ies)\b", "CA"),
    (r"\bregistrations?\b", "webhook configuration"),
    (r"\b(he|him|his)\b", "they, them, their"),
    (r"\balone\b", "only"),
    (r"\bmends?\b|\bmended\b", "fix, repair"),
    (r"\bis no [a-zA-Z]", "is not a"),
    (r"\bit serves with\b", "serves with"),
    (
        r"\b(hardened|refused|reported|allowed|denied) where\b",
        "if",
    ),
    (
        r"\bwhere (it|they|that|nothing|none|there|one) (is|are|has|have|was|does)\b",
        "if",
    ),
    (r"\bhave an administrator\b", "ask an administrator to"),
    (r"\bat hand\b", "known"),
    (r"\bto say\b", "decide"),
];

/// What holds such words for a reason.
const ALLOWED: &[(&str, &str)] = &[
    ("certificate signed by unknown authority", "Go's words"),
    ("candidate authority certificate", "Go's words"),
    ("certificate authority", "the field's words"),
    ("certificate authorities", "the field's words"),
    ("certificate-authority", "a rule's name"),
    ("trusted-authority", "a rule's name"),
    ("--authority-lifetime", "an option's name"),
    ("authorityKeyIdentifier", "OpenSSL's word"),
    ("registrations.enabled", "a value of the chart"),
    (".Values.registrations", "a value of the chart"),
    ("registrations:", "a value of the chart"),
    ("\"registrations\"", "a value of the chart"),
    ("registrations.yaml", "a file of the chart"),
    ("there is no ", "what is missing is missing"),
    ("There is no ", "what is missing is missing"),
    ("CA, not authority", "the rule itself"),
    (
        "webhook configuration, not\nregistration",
        "the rule itself",
    ),
    ("leave them alone", "an idiom"),
    ("leaves them alone", "an idiom"),
    ("no longer", "what is said in place of \"no more\""),
    (
        "unknown-authority",
        "a cause that doctor names for programs",
    ),
    ("story::tell", "code"),
    ("tiller-guard-authority", "an object of the chart"),
];

#[test]
fn people_are_not_made_to_learn_our_words() {
    let mut texts: Vec<(String, String)> = pages()
        .into_iter()
        .filter(|page| page.name != "CHANGELOG.md")
        .map(|page| (page.name, page.text))
        .collect();
    for (folder, suffixes) in [
        ("charts", &["txt", "yaml", "tpl", "json"][..]),
        ("tests/demo", &["rs"]),
        ("src", &["rs"]),
        (".github/ISSUE_TEMPLATE", &["yaml"]),
    ] {
        read(&repository().join(folder), suffixes, &mut texts);
    }
    let mut command = tiller_guard::cli::command();
    command.build();
    help(&command, &mut texts);
    let phrases: Vec<(Regex, &str)> = PHRASES
        .iter()
        .map(|(phrase, instead)| (Regex::new(&format!("(?i){phrase}")).unwrap(), *instead))
        .collect();
    let mut bad = Vec::new();
    for (name, text) in &texts {
        let mut text = text.clone();
        for (allowed, _) in ALLOWED {
            text = text.replace(allowed, "");
        }
        for (phrase, instead) in &phrases {
            for found in phrase.find_iter(&text) {
                let line = text[found.start()..].lines().next().unwrap_or_default();
                let line: String = line.chars().take(60).collect();
                bad.push(format!("{name}: say {instead}: {line}"));
            }
        }
    }
    assert!(bad.is_empty(), "{} found:\n{}", bad.len(), bad.join("\n"));
}

/// What a command says of itself and its options.
fn help(command: &Command, texts: &mut Vec<(String, String)>) {
    let mut text = command.clone().render_long_help().to_string();
    text.retain(|it| it != '\r');
    texts.push((command.get_bin_name().unwrap_or_default().to_owned(), text));
    for command in command.get_subcommands() {
        help(command, texts);
    }
}

/// Files of these kinds; of Rust only the strings, and not those of tests.
fn read(folder: &Path, suffixes: &[&str], texts: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            if name != "tests" {
                read(&path, suffixes, texts);
            }
            continue;
        }
        let suffix = path.extension().and_then(|it| it.to_str()).unwrap_or("");
        if !suffixes.contains(&suffix) || name == "tests.rs" {
            continue;
        }
        let mut text = fs::read_to_string(&path).unwrap();
        if suffix == "rs" {
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            text = strings(code);
        }
        let name = path.strip_prefix(repository()).unwrap();
        texts.push((name.display().to_string(), text));
    }
}

/// The strings of more than one word in Rust code, a line each.
fn strings(code: &str) -> String {
    let literal = Regex::new(r#""((?:[^"\\]|\\.|\\\n)*)""#).unwrap();
    let continued = Regex::new(r"\\\n\s*").unwrap();
    let mut text = String::new();
    for line in code.split_inclusive('\n') {
        if !line.trim_start().starts_with("//") {
            text += line;
        }
    }
    let mut found = String::new();
    for string in literal.captures_iter(&text) {
        let string = continued.replace_all(&string[1], "");
        if string.contains(' ') && !string.contains("\n    ") && !string.contains(");") {
            found += &string;
            found.push('\n');
        }
    }
    found
}
