//! What a migration tells, and why it stops.

use serde_json::Value;

use super::helm3::namespaces;
use super::list::{ListError, is_forbidden, reason};
use super::moved::MoveError;
use super::write::WriteError;
use crate::releases::{Mapping, Prepared, Storage};

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// All of it.
    Write,
    /// The API server is asked, and stores nothing.
    Try,
    /// Nothing.
    Look,
}

/// What became of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its name.
    pub release: String,
    /// What became of it.
    pub state: State,
    /// The namespaces that Helm 3 has it in.
    pub namespaces: Vec<String>,
    /// What is not as it was, in a sentence each.
    pub remarks: Vec<String>,
    /// The manifests that were mapped.
    pub mappings: Vec<Mapping>,
    /// The newest of Helm 3's Secrets, for what it needs rights to.
    pub newest: Option<Value>,
}

/// How far a release has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It cannot be migrated, for these reasons.
    NotReady(Vec<String>),
    /// It can be: so many revisions.
    Ready(usize),
    /// Helm 3 has it.
    Migrated {
        /// Secrets that were written.
        written: usize,
        /// Secrets that were there already.
        unchanged: usize,
        /// Records of Helm 2 that were set aside.
        aside: usize,
    },
    /// An earlier run has migrated it, and Tiller has no record of it since. Its remarks say if Helm 3 lacks the newest revision.
    Already,
    /// An earlier run has migrated it, and Helm 3 has no record of it any more in these namespaces.
    Gone(Vec<String>),
    /// Something went wrong.
    Failed {
        /// What.
        reason: String,
        /// Whether another run may go on.
        is_passing: bool,
    },
}

/// What became of the Tillers of the namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tillers {
    /// None runs, as far as the cluster tells.
    None,
    /// These run.
    Running(Vec<String>),
    /// It is at zero replicas, and is left so.
    Held {
        /// The number of replicas to start it with.
        replicas: i64,
        /// Why it is left so.
        why: Hold,
    },
    /// Tiller was stopped, and is left so: it has no release any more.
    Stopped,
    /// Tiller was stopped meanwhile.
    Restarted,
    /// Whether one runs cannot be asked, for this reason.
    Unknown(String),
}

/// Why a Tiller is left at zero replicas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// No run has stopped it.
    Others,
    /// An earlier run has stopped it, and it has no release any more.
    NoRelease,
    /// An earlier run has stopped it, and this run writes nothing.
    NoWrite,
    /// A move has stopped it and has not ended: records are in this storage, where it would not see them.
    Unmoved(Storage),
    /// A run has stopped it, and the user may not start it, in the API server's words.
    Forbidden(String),
}

/// A migration as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// How many releases Tiller has recorded now.
    pub left: usize,
    /// What became of Tiller.
    pub tillers: Tillers,
}

/// Releases cannot be migrated.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// They cannot be listed.
    #[error(transparent)]
    List(#[from] ListError),
    /// Tiller cannot be looked for, stopped or started.
    #[error(transparent)]
    Tiller(#[from] MoveError),
    /// A Tiller runs, which would write to what is taken from it.
    #[error("Tiller runs in {}", .0.join(" and "))]
    Running(Vec<String>),
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    #[error(transparent)]
    List(#[from] ListError),
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A right is missing.
    #[error("{0}")]
    Forbidden(String),
    #[error("{0}")]
    Other(String),
}

impl Stop {
    /// What the API server answered.
    pub(super) fn asked(what: &str, error: &kube::Error) -> Self {
        let told = format!("{what}: {}", reason(error));
        if is_forbidden(error) {
            Self::Forbidden(told)
        } else {
            Self::Other(told)
        }
    }

    /// Whether another run may go on where this one ended.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::List(ListError::Asked { is_forbidden, .. }) => !is_forbidden,
            Self::Forbidden(_) => false,
            Self::List(_) | Self::Other(_) => true,
            Self::Write(error) => !error.is_forbidden,
        }
    }
}

impl From<Stop> for State {
    fn from(stop: Stop) -> Self {
        Self::Failed {
            is_passing: stop.is_passing(),
            reason: stop.to_string(),
        }
    }
}

/// The outcome of a release, by what was prepared of it.
pub(super) fn outcome(release: &str, state: State, prepared: Prepared) -> Outcome {
    let Prepared {
        secrets,
        obstacles: _,
        remarks,
        mappings,
    } = prepared;
    Outcome {
        release: release.to_owned(),
        state,
        namespaces: namespaces(&secrets).into_iter().collect(),
        remarks,
        mappings,
        newest: secrets.into_iter().next(),
    }
}
