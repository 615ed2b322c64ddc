//! What a check looked at, and how it is.

use std::io::{self, Write as _};

use super::super::super::Exit;

/// What was looked at, and how it is.
pub(super) struct Finding {
    pub(super) what: &'static str,
    pub(super) state: Result<String, Wrong>,
}

/// What is wrong, and what to do.
pub(super) struct Wrong {
    message: String,
    remedy: String,
}

pub(super) fn wrong(message: impl Into<String>, remedy: impl Into<String>) -> Wrong {
    Wrong {
        message: message.into(),
        remedy: remedy.into(),
    }
}

impl Wrong {
    /// The same with something else to do.
    pub(super) fn with_remedy(self, remedy: impl Into<String>) -> Self {
        Self {
            remedy: remedy.into(),
            ..self
        }
    }
}

/// Prints a line for each, and gives exit code 1 if anything is wrong.
pub(super) fn print(findings: &[Finding]) -> anyhow::Result<Exit> {
    let mut out = io::stdout().lock();
    let mut exit = Exit::Clean;
    for Finding { what, state } in findings {
        match state {
            Ok(text) => writeln!(out, "✓ {what}: {text}")?,
            Err(Wrong { message, remedy }) => {
                exit = Exit::Findings;
                writeln!(out, "✗ {what}: {message}\n  → {remedy}")?;
            }
        }
    }
    Ok(exit)
}
