//! Findings as objects of the Kubernetes policy working group: `Report` of `openreports.io`, or `PolicyReport` of
//! `wgpolicyk8s.io`, which it replaces. One for each namespace with findings, and one for the cluster.
//!
//! Source: the custom resource definitions of `openreports/reports-api` 0.2 and of `kubernetes-sigs/wg-policy-prototypes`; they need
//! `policy` in a result, and allow these severities and results. etcd takes objects of up to 1.5 MiB.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::issue::{Issue, Issues};
use super::object::Finding;
use super::text::OneLine as _;
use crate::policy::Severity;

/// The most results of an object: of more, the worst are written.
const MOST_RESULTS: usize = 500;
/// The most characters of a text.
const MOST_TEXT: usize = 1000;
/// The most objects.
const MOST_OBJECTS: usize = 1000;
/// The annotation that says how many results are left out.
const LEFT_OUT: &str = "tiller-guard.io/results-left-out";

/// An API for reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportApi {
    /// `openreports.io/v1alpha1`.
    OpenReports,
    /// `wgpolicyk8s.io/v1alpha2`.
    PolicyReport,
}

/// What an object says.
#[derive(Default)]
struct Content<'i> {
    findings: Vec<&'i Issue<'i>>,
    passed: usize,
    errors: Vec<Value>,
}

// === impl ReportApi ===

impl ReportApi {
    fn version(self) -> &'static str {
        match self {
            Self::OpenReports => "openreports.io/v1alpha1",
            Self::PolicyReport => "wgpolicyk8s.io/v1alpha2",
        }
    }

    fn kind(self, namespaced: bool) -> &'static str {
        match (self, namespaced) {
            (Self::OpenReports, true) => "Report",
            (Self::OpenReports, false) => "ClusterReport",
            (Self::PolicyReport, true) => "PolicyReport",
            (Self::PolicyReport, false) => "ClusterPolicyReport",
        }
    }
}

/// The objects: of the cluster first, then by namespace. Namespaces without findings have none.
pub fn report_objects(issues: &Issues<'_>, api: ReportApi) -> Vec<Value> {
    let mut contents: BTreeMap<Option<&str>, Content<'_>> = BTreeMap::new();
    for issue in &issues.findings {
        let (_, namespace, _) = parts(&issue.object);
        contents.entry(namespace).or_default().findings.push(issue);
    }
    for (_, object) in &issues.clean {
        let (_, namespace, _) = parts(object);
        if let Some(content) = contents.get_mut(&namespace) {
            content.passed += 1;
        }
    }
    let errors = issues.unread.iter().map(|unread| {
        json!({
            "source": "tiller-guard",
            "policy": "tiller-guard",
            "result": "error",
            "message": short(&format!("{}: {}", unread.file, unread.message)),
        })
    });
    let errors: Vec<Value> = errors.collect();
    if !errors.is_empty() {
        contents.entry(None).or_default().errors = errors;
    }
    let objects = contents.into_iter().take(MOST_OBJECTS);
    objects
        .map(|(namespace, content)| object(api, namespace, content))
        .collect()
}

fn object(api: ReportApi, namespace: Option<&str>, content: Content<'_>) -> Value {
    let Content {
        mut findings,
        passed,
        errors,
    } = content;
    findings.sort_by_key(|issue| std::cmp::Reverse(Severity::find(issue.finding.severity)));
    let warned = findings
        .iter()
        .filter(|it| it.finding.action == "report")
        .count();
    let summary = json!({
        "pass": passed,
        "fail": findings.len() - warned,
        "warn": warned,
        "error": errors.len(),
        "skip": 0,
    });
    let all = findings.len() + errors.len();
    let results = errors.into_iter().chain(findings.into_iter().map(result));
    let results: Vec<Value> = results.take(MOST_RESULTS).collect();
    let mut metadata = Map::new();
    metadata.insert("name".to_owned(), json!("tiller-guard"));
    let labels = json!({ "app.kubernetes.io/managed-by": "tiller-guard" });
    metadata.insert("labels".to_owned(), labels);
    if let Some(namespace) = namespace {
        metadata.insert("namespace".to_owned(), json!(namespace));
    }
    let left_out = all - results.len();
    if left_out > 0 {
        let annotations = json!({ LEFT_OUT: left_out.to_string() });
        metadata.insert("annotations".to_owned(), annotations);
    }
    json!({
        "apiVersion": api.version(),
        "kind": api.kind(namespace.is_some()),
        "metadata": metadata,
        "summary": summary,
        "results": results,
    })
}

fn result(issue: &Issue<'_>) -> Value {
    let Finding {
        rule,
        severity,
        path,
        message,
        remedy,
        action,
        documentation,
        ..
    } = &*issue.finding;
    let (kind, namespace, name) = parts(&issue.object);
    let resource = match namespace {
        Some(namespace) => json!({ "kind": kind, "namespace": namespace, "name": name }),
        None => json!({ "kind": kind, "name": name }),
    };
    json!({
        "source": "tiller-guard",
        "policy": "tiller-guard",
        "rule": rule,
        "category": "Tiller",
        "severity": severity,
        "result": if *action == "report" { "warn" } else { "fail" },
        "scored": *action != "report",
        "resources": [resource],
        "message": short(message),
        "properties": {
            "path": short(path),
            "fix": short(remedy),
            "documentation": documentation,
        },
    })
}

/// `KIND NAMESPACE/NAME` or `KIND NAME` taken apart.
fn parts(object: &str) -> (&str, Option<&str>, &str) {
    let (kind, rest) = object.split_once(' ').unwrap_or(("", object));
    match rest.split_once('/') {
        Some((namespace, name)) => (kind, Some(namespace), name),
        None => (kind, None, rest),
    }
}

/// The beginning of a text.
fn short(text: &str) -> String {
    let line = text.one_line();
    match line.char_indices().nth(MOST_TEXT) {
        Some((at, _)) => line.get(..at).unwrap_or_default().to_owned() + "…",
        None => line,
    }
}
