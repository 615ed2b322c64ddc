//! Findings for people and programs.
//!
//! The types here are the JSON format itself, kept apart from the policy's so that these can change
//! without it. A field may be added; none is renamed or removed within one [`FORMAT_VERSION`].

mod diff;
mod github;
mod issue;
mod json;
mod junit;
mod object;
mod open_reports;
mod page;
mod release_problem;
mod sarif;
mod style;
mod text;
mod tiller;

use serde::Serialize;

use crate::releases::Problem;
pub use diff::unified_diff;
pub use github::write as write_github;
pub use issue::{Issue, Issues, Unread, title};
pub use json::{escape_controls, write as write_json};
pub use junit::write as write_junit;
pub use object::{Finding, ReportedObject};
pub use open_reports::{MANAGED_BY, ReportApi, report_objects};
pub use page::{
    Edge, Graph, Item, Node, Page, Section, Target, Tile, Tone, configuration, severity, worst,
    write as write_page,
};
pub use release_problem::RELEASE_PROBLEM;
pub use sarif::write as write_sarif;
pub use style::{Style, Wishes};
pub use text::{OneLine, count, write as write_text, write_finding, write_problems, write_tiller};
pub use tiller::{Effective, Maybe, Starts, Tiller, Tls};

/// The version of the JSON format.
pub const FORMAT_VERSION: u32 = 1;

/// What manifests do not say about Tillers.
pub const RECORDS_UNKNOWN: &str = "release records in the cluster are unknown here; the webhook refuses a Tiller that would not see those of its namespace (storage-switch)";

/// All that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// [`FORMAT_VERSION`].
    pub version: u32,
    /// What was looked at, in order; those without a Tiller too.
    pub objects: Vec<ReportedObject>,
    /// What could not be read.
    pub errors: Vec<Unreadable>,
    /// What is wrong with release records among the objects, as `releases list` has it.
    pub release_problems: Vec<Problem>,
    /// What is no Kubernetes object.
    pub skipped: Vec<Skipped>,
    /// What could not be looked at, in a sentence each. It is no finding.
    pub notes: Vec<String>,
    /// The numbers.
    pub summary: Summary,
}

/// A document, object or file that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// The file; `-` is the standard input.
    pub file: String,
    /// The document's number in the file, from 1; none where the file itself cannot be read.
    pub document: Option<usize>,
    /// The line, from 1.
    pub line: Option<usize>,
    /// The column, from 1.
    pub column: Option<usize>,
    /// Why.
    pub message: String,
}

/// A document or a file that is no Kubernetes object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// The file; `-` is the standard input.
    pub file: String,
    /// The document's number in the file, from 1; none where it is the whole file.
    pub document: Option<usize>,
    /// What it is.
    pub reason: String,
    /// The command that checks the objects which are made of it.
    pub render: Option<String>,
}

/// The numbers of a report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Objects looked at.
    pub objects: usize,
    /// Containers taken for Tillers.
    pub tillers: usize,
    /// Findings of every action.
    pub findings: usize,
    /// Findings that hardening answers.
    pub harden: usize,
    /// Findings that a person has to answer.
    pub refuse: usize,
    /// Documents, objects and files that cannot be read.
    pub unreadable: usize,
    /// What is wrong with release records.
    pub release_problems: usize,
    /// Documents and files that are no Kubernetes objects.
    pub skipped: usize,
    /// Findings that were known before, and are left out.
    pub known: usize,
}

// === impl Report ===

impl Report {
    /// A report of these objects.
    pub fn new(
        objects: Vec<ReportedObject>,
        errors: Vec<Unreadable>,
        release_problems: Vec<Problem>,
    ) -> Self {
        let findings = || objects.iter().flat_map(|object| &object.findings);
        let count = |action| {
            findings()
                .filter(|finding| finding.action == action)
                .count()
        };
        let summary = Summary {
            objects: objects.len(),
            tillers: objects.iter().map(|object| object.tillers.len()).sum(),
            findings: findings().count(),
            harden: count("harden"),
            refuse: count("refuse"),
            unreadable: errors.len(),
            release_problems: release_problems.len(),
            skipped: 0,
            known: 0,
        };
        Self {
            version: FORMAT_VERSION,
            objects,
            errors,
            release_problems,
            skipped: Vec::new(),
            notes: if summary.tillers == 0 {
                Vec::new()
            } else {
                vec![RECORDS_UNKNOWN.to_owned()]
            },
            summary,
        }
    }
}

impl Report {
    /// With what is no Kubernetes object.
    #[must_use]
    pub fn skipping(mut self, skipped: Vec<Skipped>) -> Self {
        self.summary.skipped = skipped.len();
        self.skipped = skipped;
        self
    }
}

#[cfg(test)]
mod tests;
