//! Keys that a mapping holds twice.

use crate::policy::{Action, Finding, Pointer, Rule, Settings, Severity};

use super::node::Duplicate;

/// # What it finds
/// A key that a mapping of a manifest has twice.
/// # Why it matters
/// YAML readers differ: a person may read the first value, and kubectl sends the last.
/// # What hardening does
/// `harden` writes only the last value.
pub static DUPLICATE_KEY: Rule = Rule {
    id: "duplicate-key",
    severity: Severity::Medium,
    summary: "A mapping in a manifest has the same key twice; the last value counts.",
    answer: "`harden` writes only the last value, the one that kubectl sends.",
    ..Rule::PLAIN
};

impl Duplicate {
    /// The finding, with its path in the object at `object`, a JSON pointer in the document.
    pub fn finding(&self, object: &str, settings: &Settings) -> Finding {
        Finding {
            rule: &DUPLICATE_KEY,
            severity: settings.severity(&DUPLICATE_KEY),
            path: Pointer::from_text(self.pointer.strip_prefix(object).unwrap_or(&self.pointer)),
            message: format!(
                "\"{}\" appears twice, on lines {} and {}; the last value counts",
                self.key, self.first.line, self.again.line
            )
            .into(),
            remedy: "keep one of them".into(),
            action: Action::Harden,
            injector: None,
        }
    }
}
