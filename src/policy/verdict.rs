//! What was decided on an object.

use super::case::TillerContainer;
use super::exception::Excepted;
use super::finding::{Action, Finding};
use super::harden::Patch;

/// What was decided on an object.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// The containers taken for Tillers; where there are none, the object is our business only if something was
    /// found.
    pub tillers: Vec<TillerContainer<'a>>,
    /// What the rules found, in the order of [`rules()`](super::rules()).
    pub findings: Vec<Finding>,
    /// The rules that found something and were let off by an exception, in the same order.
    pub excepted: Vec<Excepted<'a>>,
    /// What makes the findings of [`Action::Harden`] go away (RFC 6902).
    pub patch: Patch<'a>,
}

impl Verdict<'_> {
    /// Whether the object is none of our business.
    pub fn is_empty(&self) -> bool {
        self.tillers.is_empty() && self.findings.is_empty() && self.excepted.is_empty()
    }

    /// Whether a person has to change the object before it may be admitted.
    pub fn refuses(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.action == Action::Refuse)
    }

    /// Whether hardening answers all that was found.
    pub(super) fn hardens(&self) -> bool {
        self.all(Action::Harden)
    }

    /// Whether nothing was found but what is told and let pass.
    pub(super) fn only_reports(&self) -> bool {
        self.all(Action::Report)
    }

    fn all(&self, action: Action) -> bool {
        self.findings.iter().all(|finding| finding.action == action)
    }
}
