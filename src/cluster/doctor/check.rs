//! What was looked at, and how it went.

use crate::cluster::told::{remedy, said};

/// The command that restores an installation, as hints name it.
const INSTALL: &str = "tiller-guard install";

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
        let is_bad = self.health == Health::Bad;
        let hint = self.hint.map(|hint| {
            if is_bad && hint.contains(INSTALL) {
                "find out who changes what install has just written: kubectl get -o yaml shows metadata.managedFields"
                    .to_owned()
            } else {
                hint
            }
        });
        Self { hint, ..self }
    }

    /// The same for an installation by the chart, which `install` does not change.
    pub(super) fn by_chart(self, release: &str, namespace: &str) -> Self {
        let upgrade =
            format!("helm upgrade {release} CHART --namespace {namespace} --reuse-values");
        // The chart may have been installed without them.
        let with = if self.id.ends_with("-configuration") {
            " --set registrations.enabled=true"
        } else {
            ""
        };
        let hint = self.hint.map(|hint| {
            let hint = hint.replace(
                &format!("{INSTALL} --mode "),
                &format!("{upgrade} --set mode="),
            );
            let hint = hint.replace(
                &format!("{INSTALL} --aks"),
                &format!("{upgrade} --set aks=true"),
            );
            hint.replace(INSTALL, &(upgrade + with))
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
    pub fn unread(id: &'static str, request: &str, error: &kube::Error) -> Self {
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

    #[test]
    fn what_the_chart_made_is_restored_by_helm() {
        let hint = |hint| {
            Check::bad("pods", String::new(), hint)
                .by_chart("guard", "own")
                .hint
                .unwrap()
        };
        let upgrade = "run helm upgrade guard CHART --namespace own --reuse-values";
        assert_eq!(hint("run tiller-guard install"), upgrade);
        let mode = hint("once the findings are fixed, run tiller-guard install --mode enforce");
        assert_eq!(
            mode,
            format!("once the findings are fixed, {upgrade} --set mode=enforce")
        );
        let aks = hint("run tiller-guard install --aks to have Tillers refused");
        assert_eq!(
            aks,
            format!("{upgrade} --set aks=true to have Tillers refused")
        );
        assert_eq!(hint("look at the log"), "look at the log");
        let absent =
            Check::bad("mutating-configuration", String::new(), INSTALL).by_chart("a", "b");
        assert!(
            absent
                .hint
                .unwrap()
                .ends_with(" --reuse-values --set registrations.enabled=true")
        );
    }
}
