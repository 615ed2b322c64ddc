//! What is known beside the object and the settings.

/// What a decision is made with that neither the object nor an administrator tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// The time of day.
    pub now: Timestamp,
}

/// A time of day, in seconds since 1970 (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub i64);
