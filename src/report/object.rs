//! An object and its findings.

use serde::Serialize;

use super::Tiller;
use super::release_problem::RELEASE_PROBLEM;
use crate::policy::{self, Severity};

/// An object that was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReportedObject {
    /// The file; `-` is the standard input.
    pub file: String,
    /// The document's number in the file, from 1.
    pub document: usize,
    /// The object's JSON pointer in the document: empty but for the items of a list.
    pub pointer: String,
    /// The line on which it begins, from 1.
    pub line: usize,
    /// `apiVersion`.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// The namespace that it was judged in: its own, or the one that the command line names.
    pub namespace: Option<String>,
    /// `metadata.name`.
    pub name: String,
    /// What the rules found.
    pub findings: Vec<Finding>,
    /// Its containers that are Tillers.
    pub tillers: Vec<Tiller>,
    /// Why it is no Tiller though it has the signs of one, where the policy says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_tiller: Option<String>,
}

/// One thing that a rule found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule's name.
    pub rule: &'static str,
    /// `low`, `medium`, `high` or `critical`.
    pub severity: &'static str,
    /// A JSON pointer in the object.
    pub path: String,
    /// The line of what the path names, or of the nearest thing on the way to it; from 1.
    pub line: Option<usize>,
    /// Its column, from 1.
    pub column: Option<usize>,
    /// What is there.
    pub message: String,
    /// What to do.
    pub remedy: String,
    /// `harden`, `refuse` or `report`.
    pub action: &'static str,
    /// The rule's page of the manual.
    pub documentation: String,
}

impl From<&policy::Finding> for Finding {
    fn from(finding: &policy::Finding) -> Self {
        let policy::Finding {
            rule,
            severity,
            path,
            message,
            remedy,
            action,
            injector: _,
        } = finding;
        Self {
            rule: rule.id,
            severity: severity.as_str(),
            path: path.to_string(),
            line: None,
            column: None,
            message: message.clone().into_owned(),
            remedy: remedy.clone().into_owned(),
            action: action.as_str(),
            documentation: page_of(rule.id),
        }
    }
}

impl Finding {
    /// A problem of release records.
    pub fn of_releases(message: String, remedy: String) -> Self {
        let rule = (RELEASE_PROBLEM.id, RELEASE_PROBLEM.severity);
        Self::of_cluster(rule, message, remedy)
    }

    /// A problem of the Secret with a Tiller's certificates.
    pub fn of_certificates(message: String, remedy: String) -> Self {
        Self::of_cluster(("certificate-mount", Severity::High), message, remedy)
    }

    /// What is wrong with what belongs to an object, and is not written in it.
    fn of_cluster(
        (rule, severity): (&'static str, Severity),
        message: String,
        remedy: String,
    ) -> Self {
        Self {
            rule,
            severity: severity.as_str(),
            path: String::new(),
            line: None,
            column: None,
            message,
            remedy,
            action: "report",
            documentation: page_of(rule),
        }
    }
}

/// The pages of all rules, of this version.
pub(super) const RULE_PAGES: &str = concat!(
    env!("CARGO_PKG_REPOSITORY"),
    "/blob/v",
    env!("CARGO_PKG_VERSION"),
    "/docs/rules"
);
/// What is wrong with release records, of this version.
const RELEASES_PAGE: &str = concat!(
    env!("CARGO_PKG_REPOSITORY"),
    "/blob/v",
    env!("CARGO_PKG_VERSION"),
    "/docs/releases.md"
);

/// The page of a rule.
pub(super) fn page_of(rule: &str) -> String {
    if rule == RELEASE_PROBLEM.id {
        RELEASES_PAGE.to_owned()
    } else {
        format!("{RULE_PAGES}/{rule}.md")
    }
}
