//! Why a release cannot be a record of Helm 3.

use crate::releases::record::MAX_SIZE;

/// A release cannot be a record of Helm 3.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    /// It says no namespace.
    #[error("it has no namespace")]
    NoNamespace,
    /// It says one that cannot be.
    #[error("its namespace {0:?} is not a name that a namespace can have")]
    BadNamespace(String),
    /// Its values, or its chart's, are not what Helm reads.
    #[error("the {whose} values cannot be read: {reason}")]
    Values {
        /// Whose.
        whose: &'static str,
        /// Why not.
        reason: String,
    },
    /// It is larger than an object may be.
    #[error(
        "as a record of Helm 3 it has {size} bytes, and {} fit into a Secret",
        MAX_SIZE
    )]
    TooLarge {
        /// Its size.
        size: usize,
    },
}
