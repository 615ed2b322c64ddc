//! How much of a cluster an audit lists.

use super::listed::Listed;
use crate::releases::Storage;

/// How much of a cluster an audit lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Everything, and the content of release records.
    Whole,
    /// What the guard lists itself: nothing that takes the right to read every Secret, so neither tokens nor records in Secrets.
    Unattended,
    /// What decides what the guard does with each Tiller, and whether its pods can start then.
    Tillers,
}

impl Extent {
    /// Whether this is listed.
    pub fn has(self, listed: Listed) -> bool {
        match self {
            Self::Whole => true,
            // Service accounts are listed for the names of their tokens, grants for what leads to a Tiller: neither is a finding.
            Self::Unattended => !matches!(
                listed,
                Listed::Tokens | Listed::ServiceAccounts | Listed::ReferenceGrants
            ),
            Self::Tillers => matches!(
                listed,
                Listed::Teams | Listed::Workloads(_) | Listed::Rbac(_) | Listed::Certificates
            ),
        }
    }

    /// Where release records are listed.
    pub fn storages(self) -> &'static [Storage] {
        match self {
            Self::Whole | Self::Tillers => &Storage::ALL,
            Self::Unattended => &[Storage::ConfigMaps],
        }
    }

    /// Whether release records are decoded, not only counted.
    pub fn reads_records(self) -> bool {
        self == Self::Whole
    }
}
