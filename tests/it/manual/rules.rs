//! A page for each rule, from its doc comment and its cases, and the table of all.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tiller_guard::manifest::DUPLICATE_KEY;
use tiller_guard::policy::{Rule, mode_rules, rules};

use super::{generated, repository};
use crate::policy::corpus;

/// As many messages are shown of a rule.
const SHOWN: usize = 6;

/// Every rule: those of the policy, those of the modes, and that of manifests.
pub(super) fn all() -> impl Iterator<Item = &'static Rule> {
    rules().chain(mode_rules()).chain([&DUPLICATE_KEY])
}

#[test]
fn each_rule_has_a_page_from_its_doc_comment() {
    let comments = comments();
    for rule in all() {
        let comment = comments
            .get(rule.id)
            .unwrap_or_else(|| panic!("{} has no doc comment", rule.id));
        generated(&format!("docs/rules/{}.md", rule.id), &page(rule, comment));
    }
}

#[test]
fn there_are_no_pages_of_other_rules() {
    let known: BTreeSet<String> = all().map(|rule| format!("{}.md", rule.id)).collect();
    let there: BTreeSet<String> = fs::read_dir(repository().join("docs/rules"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    assert_eq!(there, known);
}

#[test]
fn the_table_of_rules_is_that_of_the_code() {
    let mut table = String::from(
        "# Rules\n\nA finding names its rule. `tiller-guard explain RULE` prints the rule's page, `tiller-guard explain` this list.\n\n\
         *Hardened* is what the webhook `/mutate` does and `harden` prints; `/validate` refuses what arrives unhardened, because \
         it looks at the final object. *Refused* means that a person has to decide.\n\n\
         | rule | severity | what it finds | what happens |\n|---|---|---|---|\n",
    );
    for rule in all() {
        writeln!(
            table,
            "| [`{0}`]({0}.md) | {1} | {2} | {3} |",
            rule.id,
            rule.severity.as_str(),
            rule.summary,
            rule.answer
        )
        .unwrap();
    }
    generated("docs/rules/README.md", &table);
}

fn page(rule: &Rule, comment: &str) -> String {
    let mut text = format!(
        "# {}\n\n{}\n\nSeverity: {}. {}\n",
        rule.id,
        rule.summary,
        rule.severity.as_str(),
        rule.answer
    );
    for line in comment.lines() {
        match line.strip_prefix("# ") {
            Some(heading) => write!(text, "\n## {heading}\n\n").unwrap(),
            None => writeln!(text, "{line}").unwrap(),
        }
    }
    let messages = messages(rule.id);
    if !messages.is_empty() {
        text += "\n## What it reports\n\n```text\n";
        for message in messages.iter().take(SHOWN) {
            writeln!(text, "{}: {message}", rule.id).unwrap();
        }
        text += "```\n";
    }
    text
}

/// What the rule says in its own cases, each message once.
fn messages(id: &str) -> Vec<String> {
    if !corpus::file(id).exists() {
        return Vec::new();
    }
    let cases: Vec<Value> = corpus::read(id);
    let mut messages = Vec::new();
    for case in &cases {
        for line in case["finds"].as_array().into_iter().flatten() {
            let line = line.as_str().unwrap();
            let Some((place, message)) = line.split_once(": ") else {
                continue;
            };
            let message = message.to_owned();
            if place.split(' ').next() == Some(id) && !messages.contains(&message) {
                messages.push(message);
            }
        }
    }
    messages
}

/// The doc comments of all rules, by their names.
fn comments() -> BTreeMap<String, String> {
    let mut comments = BTreeMap::new();
    read(&repository().join("src"), &mut comments);
    comments
}

fn read(folder: &Path, comments: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, comments);
        } else if path.extension().is_some_and(|it| it == "rs") {
            let source = fs::read_to_string(&path).unwrap();
            for (before, rest) in rules_in(&source) {
                let id = rest.split("id: \"").nth(1).unwrap();
                let id = id.split('"').next().unwrap();
                let comment = comment_above(before);
                if comment.starts_with("# What it finds\n") {
                    comments.insert(id.to_owned(), comment);
                }
            }
        }
    }
}

/// The text before and after each rule.
fn rules_in(source: &str) -> impl Iterator<Item = (&str, &str)> {
    const BEGIN: &str = ": Rule = Rule {";
    let found = source.match_indices(BEGIN);
    found.filter_map(|(at, _)| {
        let (before, rest) = source.split_at(at);
        let line = before.rfind('\n')?;
        Some((&before[..=line], rest))
    })
}

fn comment_above(before: &str) -> String {
    let lines = before.lines().rev();
    let mut lines: Vec<&str> = lines
        .map_while(|line| line.strip_prefix("///"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    lines.reverse();
    lines.join("\n")
}
