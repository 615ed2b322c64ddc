//! SARIF 2.1.0, as GitHub's code scanning and editors read it.
//!
//! Source: OASIS "Static Analysis Results Interchange Format 2.1.0"; "SARIF support for code scanning" of GitHub's documentation,
//! which refuses more than [`MOST`] results of a run.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::issue::{Issue, Issues, Unread};
use super::json::escape_controls;
use super::object::page_of;
use crate::gather::Gather as _;
use crate::policy::{Rule, Severity};

/// The most results of a run that GitHub takes. Of more, the worst are written.
const MOST: usize = 25_000;
/// Where the schema is.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Writes the log. The rules are all that there are.
pub fn write(issues: &Issues<'_>, rules: &[&Rule], out: &mut dyn Write) -> io::Result<()> {
    let numbers = rules.iter().enumerate();
    let numbers: BTreeMap<&str, usize> = numbers.map(|(number, rule)| (rule.id, number)).gather();
    let mut findings: Vec<&Issue<'_>> = issues.findings.iter().collect();
    let left_out = findings.len().saturating_sub(MOST);
    if left_out > 0 {
        findings.sort_by_key(|issue| std::cmp::Reverse(Severity::find(issue.finding.severity)));
        findings.truncate(MOST);
    }
    let mut notifications: Vec<Value> = issues.unread.iter().map(notification).collect();
    if left_out > 0 {
        let text = format!("{left_out} findings are left out: a run may hold {MOST}");
        notifications.push(json!({ "level": "warning", "message": { "text": text } }));
    }
    let rules: Vec<Value> = rules.iter().map(|rule| descriptor(rule)).collect();
    let results: Vec<Value> = findings.iter().map(|it| result(it, &numbers)).collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "tiller-guard",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": issues.unread.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    });
    let text = escape_controls(serde_json::to_string(&log)?);
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")
}

fn descriptor(rule: &Rule) -> Value {
    let Rule {
        id,
        severity,
        summary,
        answer,
        ..
    } = rule;
    let (plain_summary, plain_answer) = (summary.replace('`', ""), answer.replace('`', ""));
    let page = page_of(id);
    json!({
        "id": id,
        "shortDescription": { "text": plain_summary },
        "fullDescription": { "text": format!("{plain_summary} {plain_answer}") },
        "help": {
            "text": format!("{plain_summary}\n\n{plain_answer}\n\n{page}"),
            "markdown": format!("{summary}\n\n{answer}\n\n[More]({page})"),
        },
        "helpUri": page,
        "defaultConfiguration": { "level": level(severity.as_str()) },
        "properties": {
            "tags": ["security", "kubernetes", "tiller"],
            "precision": "high",
            "security-severity": score(*severity),
        },
    })
}

fn result(issue: &Issue<'_>, numbers: &BTreeMap<&str, usize>) -> Value {
    let finding = &issue.finding;
    let mut result = json!({
        "ruleId": finding.rule,
        "level": level(finding.severity),
        "message": { "text": issue.text() },
        "locations": [location(&issue.file, finding.line, finding.column, Some(&issue.object))],
        "partialFingerprints": { "tillerGuard/v1": fingerprint(issue) },
    });
    if let (Some(number), Some(fields)) = (numbers.get(finding.rule), result.as_object_mut()) {
        fields.insert("ruleIndex".to_owned(), json!(number));
    }
    result
}

fn location(file: &str, line: Option<usize>, column: Option<usize>, object: Option<&str>) -> Value {
    let mut physical = json!({ "artifactLocation": { "uri": uri(file) } });
    // GitHub shows nothing without a line.
    let mut region = json!({ "startLine": line.unwrap_or(1) });
    if let (Some(column), Some(region)) = (column, region.as_object_mut()) {
        region.insert("startColumn".to_owned(), json!(column));
    }
    if let Some(physical) = physical.as_object_mut() {
        physical.insert("region".to_owned(), region);
    }
    let mut location = json!({ "physicalLocation": physical });
    if let (Some(object), Some(location)) = (object, location.as_object_mut()) {
        let logical = json!([{ "fullyQualifiedName": object, "kind": "resource" }]);
        location.insert("logicalLocations".to_owned(), logical);
    }
    location
}

fn notification(unread: &Unread) -> Value {
    let Unread {
        file,
        line,
        column,
        message,
    } = unread;
    json!({
        "level": "error",
        "message": { "text": format!("{file}: {message}") },
        "locations": [location(file, *line, *column, None)],
    })
}

fn level(severity: &str) -> &'static str {
    match severity {
        "critical" | "high" => "error",
        "medium" => "warning",
        _ => "note",
    }
}

/// GitHub's scale: over 9.0 is critical, from 7.0 on high, from 4.0 on medium.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
    }
}

/// A path as a reference of RFC 3986: relative to the repository's root, or to the file system's.
fn uri(file: &str) -> String {
    let mut uri = String::new();
    if file.starts_with('/') {
        uri.push_str("file://");
    }
    for byte in file.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            other => {
                let _infallible = write!(uri, "%{other:02X}");
            }
        }
    }
    uri
}

/// Stays the same as long as rule, object and path do, wherever the object stands: 64 bits of FNV-1a.
fn fingerprint(issue: &Issue<'_>) -> String {
    let parts = [issue.finding.rule, &issue.object, &issue.finding.path];
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn paths_are_references() {
        assert_eq!(uri("a b/ü.yaml"), "a%20b/%C3%BC.yaml");
        assert_eq!(uri("/tmp/a:b"), "file:///tmp/a%3Ab");
        assert_eq!(uri("-"), "-");
    }
}
