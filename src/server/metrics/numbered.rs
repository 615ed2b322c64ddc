//! Counters that are found by a number.
//!
//! A review counts up to a dozen, and would pay more for hashing their labels than for all the rest of counting.

use std::hash::Hash;
use std::sync::OnceLock;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use super::Handled;
use crate::k8s::review::{Mode, Webhook};
use crate::policy::{ObjectKind, mode_rules, rules};

/// The label of a kind that nothing is decided on.
pub(super) const OTHER: &str = "other";

/// The modes, and that there is none.
const MODES: usize = Mode::ALL.len() + 1;
const WEBHOOKS: usize = 2;

/// A family of counters in which each set of labels has a number.
#[derive(Debug)]
pub(super) struct Numbered<L> {
    family: Family<L, Counter>,
    /// Those that were ever needed.
    counters: Box<[OnceLock<Counter>]>,
}

/// The numbers of labels, which are of closed sets.
#[derive(Debug)]
pub(super) struct Numbers {
    kinds: Vec<&'static str>,
    /// In the order in which answers name them.
    rules: Vec<&'static str>,
}

// === impl Numbered ===

impl<L: Clone + Hash + Eq> Numbered<L> {
    /// A family of so many counters.
    pub(super) fn new(family: Family<L, Counter>, counters: usize) -> Self {
        Self {
            family,
            counters: (0..counters).map(|_| OnceLock::new()).collect(),
        }
    }

    /// Counts what has these labels, whose number this is. Labels without a number are looked up.
    pub(super) fn count(&self, number: Option<usize>, labels: impl FnOnce() -> L) {
        match number.and_then(|number| self.counters.get(number)) {
            Some(counter) => counter
                .get_or_init(|| self.family.get_or_create_owned(&labels()))
                .inc(),
            None => self.family.get_or_create(&labels()).inc(),
        };
    }
}

// === impl Numbers ===

impl Numbers {
    pub(super) fn new() -> Self {
        let kinds = ObjectKind::all().map(ObjectKind::as_str).chain([OTHER]);
        let rules = mode_rules().into_iter().chain(rules());
        Self {
            kinds: kinds.collect(),
            rules: rules.map(|rule| rule.id).collect(),
        }
    }

    /// How many numbers [`Self::of_request`] gives.
    pub(super) fn of_requests(&self) -> usize {
        WEBHOOKS * MODES * Handled::COUNT * self.kinds.len()
    }

    /// The number of a request; nothing for a kind that is not known.
    pub(super) fn of_request(
        &self,
        webhook: Webhook,
        mode: Option<Mode>,
        outcome: Handled,
        kind: &str,
    ) -> Option<usize> {
        let number = setting(webhook, mode) * Handled::COUNT + outcome.index();
        let kind = self.kinds.iter().position(|it| *it == kind)?;
        Some(number * self.kinds.len() + kind)
    }

    /// How many numbers [`Self::of_findings`] gives.
    pub(super) fn of_all_findings(&self) -> usize {
        WEBHOOKS * MODES * self.rules.len()
    }

    /// The number of each rule's findings; nothing for rules that are not known, or not in the order of all rules.
    pub(super) fn of_findings<'n>(
        &'n self,
        webhook: Webhook,
        mode: Option<Mode>,
        rules: &'n [&'static str],
    ) -> impl Iterator<Item = (&'static str, Option<usize>)> {
        let first = setting(webhook, mode) * self.rules.len();
        let mut all = self.rules.iter().zip(first..);
        rules.iter().map(move |rule| {
            let found = all.by_ref().find(|(it, _)| *it == rule);
            (*rule, found.map(|(_, number)| number))
        })
    }
}

/// The number of a webhook and a mode.
fn setting(webhook: Webhook, mode: Option<Mode>) -> usize {
    let mode = mode.map_or(0, |mode| mode as usize + 1);
    webhook as usize * MODES + mode
}
