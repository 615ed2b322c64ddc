//! How many findings there are of each rule.

use std::collections::BTreeMap;

use super::report::AuditReport;
use crate::policy::Modes;

/// A rule, and the mode in which it was found.
pub type RuleMode = (&'static str, &'static str);

impl AuditReport {
    /// The findings of Tillers, of their pods and of what opens them, by rule and by the mode that these modes have for the object's namespace.
    pub fn tally(&self, modes: &Modes) -> BTreeMap<RuleMode, usize> {
        let mut tally = BTreeMap::new();
        for (object, findings) in self.found() {
            let mode = modes.of(object.namespace.as_deref()).as_str();
            for finding in findings {
                *tally.entry((finding.rule, mode)).or_default() += 1;
            }
        }
        tally
    }
}
