//! What is known beside the object and the settings.

use std::sync::LazyLock;

use super::Knowledge;

/// What a decision is made with that neither the object nor an administrator tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context<'a> {
    /// The time of day.
    pub now: Timestamp,
    /// What is known of the cluster.
    pub knowledge: &'a Knowledge,
}

/// A time of day, in seconds since 1970 (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub i64);

// === impl Context ===

impl Context<'static> {
    /// A time at which nothing is known of the cluster.
    pub fn at(now: Timestamp) -> Self {
        static NOTHING: LazyLock<Knowledge> = LazyLock::new(Knowledge::default);
        Self {
            now,
            knowledge: &NOTHING,
        }
    }
}
