//! What is wrong with a policy file, and where.

use std::fmt;

use crate::manifest::Position;
use crate::policy::Policy;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What it is about.
    pub cause: Cause,
    /// Where it stands.
    pub place: Position,
    /// What is there; what to do.
    pub message: String,
}

/// What a problem is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The text is no YAML or JSON.
    Unreadable,
    /// A key that means nothing, or stands twice.
    Key,
    /// A value that cannot be, or is missing.
    Value,
    /// An exception that has expired.
    Expired,
}

/// A policy file that is not good: at least one problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// What is wrong, in the order of the file's keys as they are documented.
    pub problems: Vec<Problem>,
    /// Where expired exceptions are all that is wrong, the policy without them.
    pub without_expired: Option<Box<Policy>>,
}

// === impl Rejected ===

impl Rejected {
    pub(super) fn alone(cause: Cause, place: Position, message: String) -> Self {
        Self {
            problems: vec![Problem {
                cause,
                place,
                message,
            }],
            without_expired: None,
        }
    }

    /// One line for each problem: `file:line:column: what is there; what to do`.
    pub fn lines(&self, file: &str) -> String {
        let lines = self.problems.iter().map(|it| format!("{file}:{it}"));
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// `line:column: what is there; what to do`.
impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            cause: _,
            place,
            message,
        } = self;
        write!(formatter, "{place}: {message}")
    }
}
