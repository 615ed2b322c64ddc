//! The decision on one subject.

use json_patch::Patch;

use super::{Action, Finding, Settings, Subject};
use crate::tiller::Tiller;

/// What was decided on a subject.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// The containers taken for Tillers; empty where the subject is none of our business.
    pub tillers: Vec<TillerContainer<'a>>,
    /// What the rules found, in the order of the rules.
    pub findings: Vec<Finding>,
    /// What makes the findings of [`Action::Harden`] go away (RFC 6902).
    pub patch: Patch,
}

/// A container taken for a Tiller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TillerContainer<'a> {
    /// Its JSON pointer in the object.
    pub path: String,
    /// Its name.
    pub name: &'a str,
    /// What it does.
    pub tiller: Tiller<'a>,
}

impl Verdict<'_> {
    /// Whether a person has to change the object before it may be admitted.
    pub fn refuses(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.action == Action::Refuse)
    }
}

/// Judges a subject.
pub fn decide<'a>(subject: &'a Subject<'a>, settings: &Settings) -> Verdict<'a> {
    todo!("{subject:?} {settings:?}")
}
