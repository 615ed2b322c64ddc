//! What the server serves: who judges reviews, and what goes on beside them.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use prometheus_client::registry::Registry;

use crate::k8s::review::{Answer, BadReview, Lookup, Review, Webhook};
use crate::policy::Knowledge;

/// Judges reviews. Whoever runs the server hands one in; what it does not do beside that, it leaves out.
pub trait Guard: Send + Sync {
    /// Reads a review, and answers it by what is known.
    fn judge<'b>(&self, webhook: Webhook, body: &'b [u8]) -> Result<Judged<'b>, BadReview>;

    /// Answers a review that was read before by more that is known now.
    fn judge_again(&self, review: &mut Review<'_>, knowledge: &Knowledge) -> Answer;

    /// Looks these up in the cluster, on top of what was found before, or else of what is known.
    fn look_up(&self, _before: Option<Arc<Knowledge>>, _lookups: Vec<Lookup>) -> LookingUp {
        Box::pin(async { None })
    }

    /// Is told of each answer to the API server before it is sent; of none whose caller may be anybody. Whoever asked is waiting
    /// still, so that it must not wait itself.
    fn answered(&self, _answer: &Answer) {}

    /// What is still waited for before reviews can be judged by all that should be known; nothing once they can.
    fn waits_for(&self) -> Option<String> {
        None
    }

    /// Adds to the metrics of the process.
    fn register_metrics(&self, _registry: &mut Registry) {}

    /// Takes a policy file's new content for the policy, from then on.
    fn take_policy(&self, _contents: &[u8]) -> Taken {
        Taken::Whole
    }
}

/// An answer, and its review where that may be answered otherwise once more is known.
#[derive(Debug)]
pub struct Judged<'b> {
    /// The answer by what is known.
    pub answer: Answer,
    /// The review, to be judged again.
    pub review: Option<Review<'b>>,
}

/// A lookup that is under way; nothing comes of one that failed.
pub type LookingUp = Pin<Box<dyn Future<Output = Option<Found>> + Send>>;

/// What came of a lookup.
#[derive(Debug, Clone)]
pub struct Found {
    /// What is known with it.
    pub knowledge: Arc<Knowledge>,
    /// Whether all that was found could be read.
    pub whole: bool,
}

/// What became of a policy file's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It counts.
    Whole,
    /// It counts without exceptions that have expired: these, each on a line.
    WithoutExpired(String),
    /// It cannot count, and what counted before still does: why, each reason on a line.
    Not(String),
}

// === impl Judged ===

impl From<Answer> for Judged<'_> {
    /// One that nothing more may change.
    fn from(answer: Answer) -> Self {
        Self {
            answer,
            review: None,
        }
    }
}
