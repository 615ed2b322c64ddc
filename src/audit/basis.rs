//! What an audit judges by.

use crate::policy::{Policy, Timestamp};

/// What an audit judges by.
#[derive(Debug)]
pub struct Basis {
    /// The policy.
    pub policy: Policy,
    /// Where it is from: `file`, `installed` or `default`.
    pub origin: &'static str,
    /// The time.
    pub now: Timestamp,
    /// The namespace to tell of; without one, all are.
    pub namespace: Option<String>,
}
