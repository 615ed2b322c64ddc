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
    summary: "A key stands twice in one mapping of a manifest, so that a reader may see the value that \
              does not count.",
    answer: "`harden` writes the last value alone, the one that kubectl sends.",
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
                "\"{}\" stands here twice, on lines {} and {}, and the last value counts",
                self.key, self.first.line, self.again.line
            )
            .into(),
            remedy: "keep one of them".into(),
            action: Action::Harden,
            injector: None,
        }
    }
}
