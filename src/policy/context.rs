//! What is known beside the object and the settings.

use std::sync::LazyLock;

use super::knowledge::Knowledge;
use super::requester::Requester;
use super::timestamp::Timestamp;

/// What a decision is made with that neither the object nor an administrator tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context<'a> {
    /// The time of day.
    pub now: Timestamp,
    /// What is known of the cluster.
    pub knowledge: &'a Knowledge,
    /// Who asks; nobody does for a manifest. Of a workload that is told by what writes it.
    pub requester: Option<&'a Requester<'a>>,
    /// Whether the object is stored already and this is its new state.
    pub updates: bool,
}

// === impl Context ===

impl<'a> Context<'a> {
    /// A time at which this is known of the cluster, and nobody asks.
    pub fn new(now: Timestamp, knowledge: &'a Knowledge) -> Self {
        Self {
            now,
            knowledge,
            requester: None,
            updates: false,
        }
    }
}

impl Context<'static> {
    /// A time at which nothing is known of the cluster.
    pub fn at(now: Timestamp) -> Self {
        static NOTHING: LazyLock<Knowledge> = LazyLock::new(Knowledge::default);
        Self::new(now, &NOTHING)
    }
}
