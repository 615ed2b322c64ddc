//! Why something could not be looked at.

/// Why something could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// In words.
    pub reason: String,
    /// Whether the account lacks the right to look at it.
    pub is_forbidden: bool,
}

// === impl Failure ===

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self {
            reason,
            is_forbidden: false,
        }
    }
}
