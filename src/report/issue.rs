//! Findings with their places, as other formats than our own take them: of files and of clusters alike.

use std::borrow::Cow;

use super::{Finding, Report, ReportedObject, Unreadable};
use crate::releases::Problem;

/// Everything that other formats show.
#[derive(Debug, Clone, Default)]
pub struct Issues<'r> {
    /// The findings.
    pub findings: Vec<Issue<'r>>,
    /// The objects without findings, as `file` and `object`.
    pub clean: Vec<(String, String)>,
    /// What could not be read or looked at.
    pub unread: Vec<Unread>,
}

/// A finding and its place.
#[derive(Debug, Clone)]
pub struct Issue<'r> {
    /// The file; of a cluster `cluster/NAMESPACE/KIND/NAME`.
    pub file: String,
    /// The object: `KIND NAMESPACE/NAME`.
    pub object: String,
    /// What was found.
    pub finding: Cow<'r, Finding>,
}

/// Something that could not be read or looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The file, or what it is of a cluster.
    pub file: String,
    /// The line, from 1.
    pub line: Option<usize>,
    /// The column, from 1.
    pub column: Option<usize>,
    /// Why.
    pub message: String,
}

// === impl Issues ===

impl<'r> From<&'r Report> for Issues<'r> {
    fn from(report: &'r Report) -> Self {
        let mut issues = Self::default();
        for object in &report.objects {
            let ReportedObject {
                file,
                kind,
                namespace,
                name,
                findings,
                ..
            } = object;
            let object = title(kind, namespace.as_deref(), name);
            issues.add(file, &object, findings);
        }
        let unread = report.errors.iter().map(|error| {
            let Unreadable {
                file,
                document: _,
                line,
                column,
                message,
            } = error.clone();
            Unread {
                file,
                line,
                column,
                message,
            }
        });
        issues.unread.extend(unread);
        for problem in &report.release_problems {
            issues.add_problem(problem, &report.objects);
        }
        issues
    }
}

impl<'r> Issues<'r> {
    /// Adds a problem of a release record, which is one of these objects.
    fn add_problem(&mut self, problem: &Problem, objects: &[ReportedObject]) {
        let Problem {
            problem,
            tiller_namespace,
            storage,
            record,
            message,
            remedy,
            ..
        } = problem;
        let is_record = |it: &&ReportedObject| {
            it.kind == storage.kind()
                && it.name == *record
                && it
                    .namespace
                    .as_ref()
                    .is_none_or(|it| it == tiller_namespace)
        };
        let object = objects.iter().find(is_record);
        let message = format!("{}: {message}", problem.as_str());
        let mut finding = Finding::of_releases(message, remedy.clone());
        finding.line = object.map(|it| it.line);
        self.findings.push(Issue {
            file: object.map_or_else(|| record.clone(), |it| it.file.clone()),
            object: title(storage.kind(), Some(tiller_namespace), record),
            finding: Cow::Owned(finding),
        });
    }

    /// Adds an object with its findings.
    pub fn add(&mut self, file: &str, object: &str, findings: &'r [Finding]) {
        if findings.is_empty() {
            self.clean.push((file.to_owned(), object.to_owned()));
        }
        self.findings.extend(findings.iter().map(|finding| Issue {
            file: file.to_owned(),
            object: object.to_owned(),
            finding: Cow::Borrowed(finding),
        }));
    }
}

/// `KIND NAMESPACE/NAME`.
pub fn title(kind: &str, namespace: Option<&str>, name: &str) -> String {
    match namespace {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    }
}

impl Issue<'_> {
    /// Message and remedy in one line.
    pub fn text(&self) -> String {
        let Finding {
            message, remedy, ..
        } = &*self.finding;
        format!("{}: {message}; fix: {remedy}", self.object)
    }
}
