//! Asking the cluster what a decision hangs on, where whoever runs the server handed in a way to.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::reviews::Judge;
use crate::k8s::review::{Answer, Lookup};

/// Looks these up; nothing where that failed.
pub type Consult = Arc<dyn Fn(Vec<Lookup>) -> Consultation + Send + Sync>;

/// A lookup that is under way.
pub type Consultation = Pin<Box<dyn Future<Output = Option<Informed>> + Send>>;

/// What came of a lookup.
#[derive(Clone)]
pub struct Informed {
    /// Judges by what was found, too.
    pub judge: Judge,
    /// Looks up more, on top of what was found.
    pub consult: Consult,
    /// Whether all that was found could be read.
    pub whole: bool,
}

/// Reviews for which something is looked up at the same time. Others are answered by what is known.
const AT_ONCE: usize = 16;
/// How long one review may wait for all that is looked up for it.
const LIMIT: Duration = Duration::from_secs(1);
/// How often an answer may ask for more: bindings that were found may name roles that are not known.
const ROUNDS: usize = 3;

/// The way to ask, and how many do.
pub(super) struct Consulting {
    consult: Consult,
    turns: Semaphore,
}

// === impl Informed ===

impl fmt::Debug for Informed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Informed").finish_non_exhaustive()
    }
}

// === impl Consulting ===

impl Consulting {
    pub(super) fn new(consult: Consult) -> Self {
        Self {
            consult,
            turns: Semaphore::new(AT_ONCE),
        }
    }

    /// The answer once what it hangs on was looked up, and how that went: a word for metrics. Where it fails or takes too
    /// long, the last answer stands.
    pub(super) async fn settle(
        &self,
        mut answer: Answer,
        deadline: Instant,
        again: impl Fn(&Judge) -> Option<Answer>,
    ) -> (Answer, &'static str) {
        let Ok(_turn) = self.turns.try_acquire() else {
            return (answer, "busy");
        };
        let deadline = deadline.min(Instant::now() + LIMIT);
        let mut consult = Arc::clone(&self.consult);
        let mut asked = BTreeSet::new();
        let mut result = "done";
        for _round in 0..ROUNDS {
            let mut open = answer.lookups.clone();
            open.retain(|lookup| asked.insert(lookup.clone()));
            if open.is_empty() {
                break;
            }
            let informed = match timeout_at(deadline, consult(open)).await {
                Ok(Some(informed)) => informed,
                Ok(None) => return (answer, "failed"),
                Err(_late) => return (answer, "late"),
            };
            let Some(better) = again(&informed.judge) else {
                return (answer, "failed");
            };
            answer = better;
            consult = informed.consult;
            if !informed.whole {
                result = "unreadable";
            }
        }
        (answer, result)
    }
}

#[cfg(test)]
mod tests;
