//! What is wrong with a record.

use serde::{Serialize, Serializer};

use super::record::{Record, Storage};

/// What is wrong, in a word of letters and hyphens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProblemKind {
    /// The record cannot be decoded.
    Damaged,
    /// It is recorded in ConfigMaps and in Secrets.
    BothStorages,
    /// A label or the name of the object differs from what is inside.
    LabelDiffers,
    /// Tiller does not find it by its labels.
    NotFound,
    /// Something is under way, or was left so.
    Pending,
    /// Several revisions of the release say they are what runs.
    TwoDeployed,
    /// Helm 3 has a release of this name in its namespace too.
    TwoOwners,
    /// The next revision may not fit.
    NearSizeLimit,
    /// Its manifest holds objects of an API version that Kubernetes does not serve.
    RemovedApi,
    /// Tiller cannot change it.
    Unchangeable,
}

/// What is wrong with a release or a record of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What.
    pub problem: ProblemKind,
    /// The release; empty where the record does not say.
    pub release: String,
    /// The revision, where it is of one.
    pub revision: Option<i32>,
    /// The namespace of the Tiller.
    pub tiller_namespace: String,
    /// Where it is recorded.
    pub storage: Storage,
    /// The name of the record.
    pub record: String,
    /// What is wrong, for people.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

// === impl ProblemKind ===

impl ProblemKind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Damaged,
        Self::BothStorages,
        Self::LabelDiffers,
        Self::NotFound,
        Self::Pending,
        Self::TwoDeployed,
        Self::TwoOwners,
        Self::NearSizeLimit,
        Self::RemovedApi,
        Self::Unchangeable,
    ];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Damaged => "damaged",
            Self::BothStorages => "both-storages",
            Self::LabelDiffers => "label-differs",
            Self::NotFound => "not-found",
            Self::Pending => "pending",
            Self::TwoDeployed => "two-deployed",
            Self::TwoOwners => "two-owners",
            Self::NearSizeLimit => "near-size-limit",
            Self::RemovedApi => "removed-api",
            Self::Unchangeable => "unchangeable",
        }
    }
}

impl Serialize for ProblemKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Serialize for Storage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

// === impl Problem ===

impl Problem {
    /// One of a record.
    pub(super) fn of(
        record: &Record,
        problem: ProblemKind,
        (release, revision): (&str, Option<i32>),
        message: String,
        remedy: String,
    ) -> Self {
        Self {
            problem,
            release: release.to_owned(),
            revision,
            tiller_namespace: record.namespace.clone(),
            storage: record.storage,
            record: record.name.clone(),
            message,
            remedy,
        }
    }
}
