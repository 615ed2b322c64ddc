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
/// The most bytes of an object's results.
const MOST_BYTES: usize = 1_000_000;
/// The most characters of a text.
const MOST_TEXT: usize = 1000;
/// The most namespaces that have an object.
const MOST_OBJECTS: usize = 1000;
/// The label that says who made an object.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
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
    /// Every one.
    pub const ALL: [Self; 2] = [Self::OpenReports, Self::PolicyReport];

    /// Its name in options.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenReports => "report",
            Self::PolicyReport => "policyreport",
        }
    }

    /// The one of this name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }

    /// Its group and version.
    pub fn group_version(self) -> (&'static str, &'static str) {
        match self {
            Self::OpenReports => ("openreports.io", "v1alpha1"),
            Self::PolicyReport => ("wgpolicyk8s.io", "v1alpha2"),
        }
    }

    /// Its resources: of namespaces, and of the cluster.
    pub fn resources(self) -> [&'static str; 2] {
        match self {
            Self::OpenReports => ["reports", "clusterreports"],
            Self::PolicyReport => ["policyreports", "clusterpolicyreports"],
        }
    }

    /// The kind of these objects.
    pub fn kind(self, namespaced: bool) -> &'static str {
        match (self, namespaced) {
            (Self::OpenReports, true) => "Report",
            (Self::OpenReports, false) => "ClusterReport",
            (Self::PolicyReport, true) => "PolicyReport",
            (Self::PolicyReport, false) => "ClusterPolicyReport",
        }
    }
}

/// The objects of this name, one after the other: the cluster's, which is always there, then those of namespaces with findings.
pub fn report_objects<'i>(
    issues: &'i Issues<'i>,
    api: ReportApi,
    name: &'static str,
) -> impl Iterator<Item = Value> + 'i {
    let mut contents = BTreeMap::from([(None, Content::default())]);
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
    let unread = issues.unread.iter();
    let errors = unread.map(|it| error(&format!("{}: {}", it.file, it.message)));
    let mut errors: Vec<Value> = errors.collect();
    let left_out = contents.keys().flatten().skip(MOST_OBJECTS).count();
    if left_out > 0 {
        let message = format!(
            "namespaces with findings that are left out: {left_out}; at most {MOST_OBJECTS} are reported"
        );
        errors.insert(0, error(&message));
    }
    contents.entry(None).or_default().errors = errors;
    let objects = contents.into_iter().take(MOST_OBJECTS + 1);
    objects.map(move |(namespace, content)| object((api, name), namespace, content))
}

fn error(message: &str) -> Value {
    json!({
        "source": "tiller-guard",
        "policy": "tiller-guard",
        "result": "error",
        "message": short(message),
    })
}

fn object((api, name): (ReportApi, &str), namespace: Option<&str>, content: Content<'_>) -> Value {
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
    let mut bytes = 0;
    let fits = |result: &Value| {
        bytes += result.to_string().len();
        bytes <= MOST_BYTES
    };
    let results: Vec<Value> = results.take(MOST_RESULTS).take_while(fits).collect();
    let mut metadata = Map::new();
    metadata.insert("name".to_owned(), json!(name));
    let labels = json!({ MANAGED_BY: "tiller-guard" });
    metadata.insert("labels".to_owned(), labels);
    if let Some(namespace) = namespace {
        metadata.insert("namespace".to_owned(), json!(namespace));
    }
    let left_out = all - results.len();
    let annotations = json!({ LEFT_OUT: left_out.to_string() });
    metadata.insert("annotations".to_owned(), annotations);
    let (group, version) = api.group_version();
    json!({
        "apiVersion": format!("{group}/{version}"),
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

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::report::Unread;

    fn issue(namespace: usize, text: &str) -> Issue<'static> {
        Issue {
            file: "-".to_owned(),
            object: format!("Pod n{namespace}/tiller"),
            finding: Cow::Owned(Finding {
                path: text.to_owned(),
                ..Finding::of_releases(text.to_owned(), text.to_owned())
            }),
        }
    }

    #[test]
    fn etcd_takes_the_longest_texts() {
        let text = "\u{10ffff}".repeat(5000);
        let issues = Issues {
            findings: (0..600).map(|_| issue(0, &text)).collect(),
            ..Issues::default()
        };
        let mut objects = report_objects(&issues, ReportApi::OpenReports, "a").skip(1);
        let object = objects.next().unwrap();
        assert!(object.to_string().len() < 1_100_000);
        let written = object["results"].as_array().unwrap().len();
        assert!((50..500).contains(&written), "{written}");
        let left_out = &object["metadata"]["annotations"][LEFT_OUT];
        assert_eq!(*left_out, (600 - written).to_string());
        assert_eq!(objects.next(), None);
    }

    /// What is applied takes the place of earlier findings, and `kubectl apply` refuses an empty input.
    #[test]
    fn no_findings_are_reported_too() {
        let issues = Issues::default();
        let objects: Vec<Value> = report_objects(&issues, ReportApi::OpenReports, "a").collect();
        assert_eq!(objects.len(), 1);
        assert_eq!(objects[0]["kind"], "ClusterReport");
        assert_eq!(objects[0]["summary"]["fail"], 0);
        assert_eq!(objects[0]["results"], json!([]));
    }

    #[test]
    fn namespaces_beyond_a_thousand_are_counted() {
        let mut issues = Issues {
            findings: (0..1002).map(|it| issue(it, "x")).collect(),
            ..Issues::default()
        };
        issues.unread.push(Unread {
            file: "cluster/pods".to_owned(),
            line: None,
            column: None,
            message: "forbidden".to_owned(),
        });
        let objects: Vec<Value> = report_objects(&issues, ReportApi::PolicyReport, "a").collect();
        assert_eq!(objects.len(), 1001);
        assert_eq!(objects[0]["kind"], "ClusterPolicyReport");
        let message = &objects[0]["results"][0]["message"];
        let told = "namespaces with findings that are left out: 2; at most 1000 are reported";
        assert_eq!(message, told);
        assert_eq!(
            objects[0]["results"][1]["message"],
            "cluster/pods: forbidden"
        );
    }
}
