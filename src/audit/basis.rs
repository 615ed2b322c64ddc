//! What an audit judges with: policy, time and namespace.

use crate::policy::{Policy, Timestamp};

/// What an audit judges with: policy, time and namespace.
#[derive(Debug)]
pub struct Basis {
    /// The policy.
    pub policy: Policy,
    /// Where it is from: `file`, `installed` or `default`.
    pub origin: &'static str,
    /// The time.
    pub now: Timestamp,
    /// The namespace to report; all namespaces if there is none.
    pub namespace: Option<String>,
}
