//! What became of a revision.

/// The status of a revision, by Helm 2's codes.
///
/// Source: `_proto/hapi/release/status.proto`, Helm 2.17.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Nobody knows.
    Unknown,
    /// It is what runs.
    Deployed,
    /// It was deleted, and its record kept.
    Deleted,
    /// A newer one took its place.
    Superseded,
    /// It could not be deployed.
    Failed,
    /// It is being deleted.
    Deleting,
    /// It is being installed.
    PendingInstall,
    /// It is being upgraded to.
    PendingUpgrade,
    /// It is being rolled back to.
    PendingRollback,
}

// === impl Status ===

impl Status {
    const ALL: [Self; 9] = [
        Self::Unknown,
        Self::Deployed,
        Self::Deleted,
        Self::Superseded,
        Self::Failed,
        Self::Deleting,
        Self::PendingInstall,
        Self::PendingUpgrade,
        Self::PendingRollback,
    ];

    /// By its code; one that no Helm 2 knows is unknown.
    pub fn of(code: i32) -> Self {
        let index = usize::try_from(code).ok();
        let known = index.and_then(|index| Self::ALL.get(index));
        known.copied().unwrap_or(Self::Unknown)
    }

    /// By the value of the label `STATUS`.
    pub fn labelled(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }

    /// The word that Helm 2 has for it, which is the label `STATUS` too.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Deployed => "DEPLOYED",
            Self::Deleted => "DELETED",
            Self::Superseded => "SUPERSEDED",
            Self::Failed => "FAILED",
            Self::Deleting => "DELETING",
            Self::PendingInstall => "PENDING_INSTALL",
            Self::PendingUpgrade => "PENDING_UPGRADE",
            Self::PendingRollback => "PENDING_ROLLBACK",
        }
    }

    /// The word that Helm 3 has for it.
    ///
    /// Source: `pkg/release/status.go`, Helm 3.17.
    pub fn in_helm3(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Deployed => "deployed",
            Self::Deleted => "uninstalled",
            Self::Superseded => "superseded",
            Self::Failed => "failed",
            Self::Deleting => "uninstalling",
            Self::PendingInstall => "pending-install",
            Self::PendingUpgrade => "pending-upgrade",
            Self::PendingRollback => "pending-rollback",
        }
    }

    /// Whether something is under way, or was left so by a Tiller that was stopped.
    pub fn is_pending(self) -> bool {
        matches!(
            self,
            Self::Deleting | Self::PendingInstall | Self::PendingUpgrade | Self::PendingRollback
        )
    }

    /// Whether there is nothing left of it but its record.
    pub fn is_past(self) -> bool {
        matches!(self, Self::Deleted | Self::Superseded)
    }
}
