//! What was looked at, and how it went.

use crate::cluster::told::{remedy, said};

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// As it should be.
    Good,
    /// It holds, but not for every case.
    Doubtful,
    /// It could not be looked at.
    Unknown,
    /// It does not hold.
    Bad,
}

/// What was looked at, and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// A stable word for programs.
    pub id: &'static str,
    /// How it went.
    pub health: Health,
    /// What was found.
    pub message: String,
    /// Why an API server cannot ask: a stable word for programs.
    pub cause: Option<&'static str>,
    /// What to do, if anything.
    pub hint: Option<String>,
}

// === impl Check ===

impl Check {
    /// The same at the end of an installation, when running `install` again is no remedy.
    #[must_use]
    pub fn after_install(self) -> Self {
        const AGAIN: &str = "tiller-guard install";
        let is_bad = self.health == Health::Bad;
        let hint = self.hint.map(|hint| {
            if is_bad && hint.contains(AGAIN) {
                "find out who changes what install has just written: kubectl get -o yaml shows metadata.managedFields"
                    .to_owned()
            } else {
                hint
            }
        });
        Self { hint, ..self }
    }

    pub(super) fn good(id: &'static str, message: String) -> Self {
        Self {
            id,
            health: Health::Good,
            message,
            cause: None,
            hint: None,
        }
    }

    pub(super) fn doubtful(id: &'static str, message: String, hint: &str) -> Self {
        Self::wanting(id, Health::Doubtful, message, hint)
    }

    pub(super) fn bad(id: &'static str, message: String, hint: &str) -> Self {
        Self::wanting(id, Health::Bad, message, hint)
    }

    pub(super) fn unknown(id: &'static str, message: String, hint: &str) -> Self {
        Self::wanting(id, Health::Unknown, message, hint)
    }

    /// One that could not be looked at, since a request failed: `get Pod a/b`, `GET /apis/apps/v1`.
    pub(super) fn unread(id: &'static str, request: &str, error: &kube::Error) -> Self {
        let message = format!("cannot {request}: {}", said(error));
        Self::unknown(id, message, &remedy(error, request))
    }

    pub(super) fn wanting(id: &'static str, health: Health, message: String, hint: &str) -> Self {
        Self {
            id,
            health,
            message,
            cause: None,
            hint: Some(hint.to_owned()),
        }
    }
}

// === impl Health ===

impl Health {
    /// A word for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Doubtful => "doubtful",
            Self::Unknown => "unknown",
            Self::Bad => "bad",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A first installation in `audit` is as it was asked for.
    #[test]
    fn only_what_does_not_hold_is_blamed_on_somebody_else() {
        let hint = |check: Check| check.after_install().hint.unwrap_or_default();
        let mode = "once the findings are fixed, run tiller-guard install --mode enforce";
        assert_eq!(hint(Check::doubtful("mode", String::new(), mode)), mode);
        let again = "run tiller-guard install";
        assert!(hint(Check::bad("pods", String::new(), again)).contains("managedFields"));
        let other = "look at the log";
        assert_eq!(hint(Check::bad("pods", String::new(), other)), other);
    }
}
