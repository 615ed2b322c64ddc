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
    /// So many records of releases that were migrated are set aside in the other storage, and stay there.
    Migrated(usize),
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
    /// Tiller looks in the target now. False if it is at zero replicas, since others have stopped it.
    Switched(bool),
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
    /// A Tiller runs that is not of the Deployment `tiller-deploy`, and would continue to use the old records.
    #[error(
        "Tiller runs in {}, and {} Deployment {namespace}/tiller-deploy{}", .pods.join(", "),
        if *beside { "that is not a pod of" } else { "there is no" }, if *beside { "" } else { " to stop" }
    )]
    Running {
        /// Their namespace.
        namespace: String,
        /// Their pods.
        pods: Vec<String>,
        /// Whether there is such a Deployment.
        beside: bool,
    },
    /// Objects have the names that copies are to have.
    #[error(
        "{} in the way, and no record of Tiller's: {}", .names.len(),
        .names.iter().map(|name| format!("{} {namespace}/{name}", .storage.kind())).collect::<Vec<_>>().join(", ")
    )]
    InTheWay {
        /// Where the copies go.
        storage: Storage,
        /// Their namespace.
        namespace: String,
        /// Their names.
        names: Vec<String>,
    },
    /// The user lacks rights that the move needs. Tiller was not stopped.
    #[error("you may not {}", .0.join(", "))]
    Lacking(Vec<String>),
    /// Tiller keeps its releases in a database, or in its memory: it would no longer see them.
    #[error(
        "Deployment {namespace}/tiller-deploy has --storage={}: with --storage={}, Tiller would no longer see the releases in its \
         {}; nothing was changed",
        .storage.as_str(), .to.flag(), if *.storage == crate::tiller::Storage::Sql { "database" } else { "memory" }
    )]
    Elsewhere {
        /// Its namespace.
        namespace: String,
        /// Where it keeps them.
        storage: crate::tiller::Storage,
        /// Where the records were to go.
        to: Storage,
    },
    /// Some hold more than a release.
    #[error("{} with other keys than `release`, which Tiller drops when it writes the record: {}", .0.len(), .0.join("; "))]
    OtherKeys(Vec<String>),
    /// Some are labelled for Tiller in another spelling.
    #[error("{} without the label OWNER=TILLER, which Tiller does not find: {}", .0.len(), .0.join(", "))]
    Misspelt(Vec<String>),
    /// Another run works on the releases of this Tiller.
    #[error("{0}")]
    Busy(String),
    /// It ended while Tiller was stopped.
    #[error(transparent)]
    Stopped(Box<Self>),
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
        "which container of Deployment {0}/tiller-deploy is Tiller, or where it keeps its records, cannot be read: start it there as \
         /tiller with --storage={flag}, word by word, and run this again", flag = .1.other().flag()
    )]
    Unswitchable(String, Storage),
    /// Tiller took too long.
    #[error("{what} after {seconds} s; see kubectl -n {namespace} describe pods")]
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
