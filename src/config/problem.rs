//! What is wrong with a policy file, and where.

use std::fmt;

use crate::manifest::Position;
use crate::policy::Policy;

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What it is about.
    pub cause: Cause,
    /// Its line and column.
    pub place: Position,
    /// What is there; what to do.
    pub message: String,
}

/// What a problem is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The text is not YAML or JSON.
    Unreadable,
    /// A key that is unknown, or appears twice.
    Key,
    /// A value that is invalid or missing.
    Value,
    /// An exception that has expired.
    Expired,
}

/// An invalid policy file: at least one problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// What is wrong, in the order of the file's keys as they are documented.
    pub problems: Vec<Problem>,
    /// The policy without its expired exceptions, if these are the only problems.
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
