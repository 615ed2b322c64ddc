//! What the server serves: the trait that judges reviews.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use prometheus_client::registry::Registry;

use crate::k8s::review::{Answer, BadReview, Lookup, Review, Webhook};
use crate::policy::Knowledge;

/// Judges reviews. The caller of the server provides one; all methods but the first two are optional.
pub trait Guard: Send + Sync {
    /// Reads a review, and answers it by what is known.
    fn judge<'b>(&self, webhook: Webhook, body: &'b [u8]) -> Result<Judged<'b>, BadReview>;

    /// Answers a review that was read before by more that is known now.
    fn judge_again(&self, review: &mut Review<'_>, knowledge: &Knowledge) -> Answer;

    /// Looks these up in the cluster, on top of what was found before, or else of what is known.
    fn look_up(&self, _before: Option<Arc<Knowledge>>, _lookups: Vec<Lookup>) -> LookingUp {
        Box::pin(async { None })
    }

    /// Called with each answer before it is sent, unless the caller may be somebody else than the API server. The caller
    /// still waits for the answer, so this must not block.
    fn answered(&self, _answer: &Answer) {}

    /// What the first list of the cluster still waits for; `None` once everything is known.
    fn waits_for(&self) -> Option<String> {
        None
    }

    /// Adds to the metrics of the process.
    fn register_metrics(&self, _registry: &mut Registry) {}

    /// Applies the new content of the policy file.
    fn take_policy(&self, _contents: &[u8]) -> Taken {
        Taken::Whole
    }
}

/// An answer, and its review if more knowledge may change the answer.
#[derive(Debug)]
pub struct Judged<'b> {
    /// The answer by what is known.
    pub answer: Answer,
    /// The review, to be judged again.
    pub review: Option<Review<'b>>,
}

/// A lookup in progress; `None` if it failed.
pub type LookingUp = Pin<Box<dyn Future<Output = Option<LookedUp>> + Send>>;

/// The result of a lookup.
#[derive(Debug, Clone)]
pub struct LookedUp {
    /// The knowledge with what was found.
    pub knowledge: Arc<Knowledge>,
    /// Whether everything that was found could be read.
    pub whole: bool,
}

/// The result of applying a policy file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It was applied.
    Whole,
    /// It was applied without its expired exceptions: these, one per line.
    WithoutExpired(String),
    /// It is invalid, and the last policy stays: the reasons, one per line.
    Not(String),
}

// === impl Judged ===

impl From<Answer> for Judged<'_> {
    /// An answer that more knowledge cannot change.
    fn from(answer: Answer) -> Self {
        Self {
            answer,
            review: None,
        }
    }
}
