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
    /// Whether it may also be right.
    is_unknown: bool,
}

pub(super) fn wrong(message: impl Into<String>, remedy: impl Into<String>) -> Wrong {
    Wrong {
        message: message.into(),
        remedy: remedy.into(),
        is_unknown: false,
    }
}

/// Where the API server does not say who asks.
pub(super) fn unnamed() -> Finding {
    let unknown = Wrong {
        is_unknown: true,
        ..wrong(
            "the API server does not say who you are (Kubernetes 1.28 or newer does): if you are not in the team, Helm is refused",
            "compare with the user of your kubeconfig: kubectl config view --minify",
        )
    };
    Finding {
        what: "user",
        state: Err(unknown),
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

/// Prints a line for each, and gives exit code 1 if anything is wrong for certain.
pub(super) fn print(findings: &[Finding]) -> anyhow::Result<Exit> {
    let mut out = io::stdout().lock();
    let mut exit = Exit::Clean;
    for Finding { what, state } in findings {
        match state {
            Ok(text) => writeln!(out, "✓ {what}: {text}")?,
            Err(Wrong {
                message,
                remedy,
                is_unknown,
            }) => {
                let mark = if *is_unknown { '‼' } else { '✗' };
                if !is_unknown {
                    exit = Exit::Findings;
                }
                writeln!(out, "{mark} {what}: {message}\n  → {remedy}")?;
            }
        }
    }
    Ok(exit)
}
