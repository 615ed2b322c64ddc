//! How many findings there are of each rule.

use std::collections::BTreeMap;

use super::report::AuditReport;
use crate::policy::Modes;

/// A rule, and the mode in which it was found.
pub type RuleMode = (&'static str, &'static str);

impl AuditReport {
    /// The findings of Tillers and of what opens them, by rule and by the mode that these modes have for the object's namespace.
    pub fn tally(&self, modes: &Modes) -> BTreeMap<RuleMode, usize> {
        let tillers = self.tillers.iter().map(|it| (&it.object, &it.findings));
        let openers = self.openers.iter().map(|it| (&it.object, &it.findings));
        let mut tally = BTreeMap::new();
        for (object, findings) in tillers.chain(openers) {
            let mode = modes.of(object.namespace.as_deref()).as_str();
            for finding in findings {
                *tally.entry((finding.rule, mode)).or_default() += 1;
            }
        }
        tally
    }
}
