//! What a move tells, and why it stops.

use super::list::ListError;
use super::write::WriteError;
use crate::releases::Storage;
use crate::releases::movement::Conflict;

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// So many records were there to be moved, and so many of an earlier run to be deleted.
    Planned {
        /// Records to be moved.
        records: usize,
        /// Old records that an earlier run has set aside.
        aside: usize,
        /// Records in the target that are not of these.
        others: usize,
        /// Whether there is a Deployment of Tiller's.
        tiller: bool,
    },
    /// There is no record in either storage, and Tiller was left as it is.
    Nothing,
    /// Tiller has no pod left.
    Stopped,
    /// So many copies were created or brought up to date.
    Copied(usize),
    /// So many were read back, and are the same.
    Compared(usize),
    /// So many old ones were set aside.
    SetAside(usize),
    /// So many copies were set aside, since Tiller deleted the records meanwhile.
    Retracted(usize),
    /// Tiller looks in the target now.
    Switched,
    /// Tiller is ready.
    Answers,
    /// So many old ones were deleted.
    Deleted(usize),
}

/// Records cannot be moved.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// They cannot be listed.
    #[error(transparent)]
    List(#[from] ListError),
    /// One cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Some are in both storages, and differ.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// Some cannot be decoded.
    #[error("{} cannot be decoded: {}", .0.len(), .0.join("; "))]
    Damaged(Vec<String>),
    /// A Tiller runs without a Deployment `tiller-deploy`, and would continue to use the old records.
    #[error("Tiller runs in {}, and there is no Deployment {namespace}/tiller-deploy to stop", .pods.join(", "))]
    Running {
        /// Their namespace.
        namespace: String,
        /// Their pods.
        pods: Vec<String>,
    },
    /// Something is under way.
    #[error("{} pending: {}", .0.len(), .0.join(", "))]
    Pending(Vec<String>),
    /// Tiller's Deployment cannot be read or written.
    #[error("cannot {act} Deployment {namespace}/tiller-deploy: {reason}")]
    Tiller {
        /// What was to be done with it.
        act: &'static str,
        /// Its namespace.
        namespace: String,
        /// In the API server's words.
        reason: String,
        /// Whether the right to do it is missing.
        is_forbidden: bool,
    },
    /// Tiller's Deployment would be refused with the other storage; this was found before anything was written.
    #[error(
        "Deployment {namespace}/tiller-deploy may not keep its records in {}; nothing was changed: {reason}", .to.as_str()
    )]
    Refused {
        /// Its namespace.
        namespace: String,
        /// Where they were to go.
        to: Storage,
        /// In the words of who refuses.
        reason: String,
    },
    /// Where Tiller keeps its records cannot be changed in its Deployment.
    #[error(
        "how Tiller starts in Deployment {0}/tiller-deploy cannot be read: set --storage={flag} there by hand, and run \
         this again", flag = .1.flag()
    )]
    Unswitchable(String, Storage),
    /// Tiller took too long.
    #[error(
        "{what} after {seconds} s; see kubectl -n {namespace} describe pods; run this again to go on"
    )]
    TimedOut {
        /// What did not come to be.
        what: String,
        /// Tiller's namespace.
        namespace: String,
        /// How long it had.
        seconds: u64,
    },
    /// Somebody else writes all the time.
    #[error(
        "somebody else writes records in {0} all the time: stop every Tiller there, and run this again"
    )]
    Restless(String),
}
