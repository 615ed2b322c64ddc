//! Live reads of what a decision depends on.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::guard::{Guard, LookedUp};
use crate::k8s::review::Answer;
use crate::policy::Knowledge;

/// How many reviews may look something up at the same time. Others are answered by what is known.
const AT_ONCE: usize = 16;
/// How long one review may wait for all its lookups.
const LIMIT: Duration = Duration::from_secs(1);
/// How often an answer may ask for more: a binding that was found may name an unknown role.
const ROUNDS: usize = 3;

/// Limits the reviews that look something up.
pub(super) struct Consulting {
    turns: Semaphore,
}

// === impl Consulting ===

impl Consulting {
    pub(super) fn new() -> Self {
        Self {
            turns: Semaphore::new(AT_ONCE),
        }
    }

    /// Looks up what the answer depends on, answers again, and returns the result as a metric's label. If that fails or takes
    /// too long, the last answer stands.
    pub(super) async fn settle(
        &self,
        guard: &dyn Guard,
        mut answer: Answer,
        deadline: Instant,
        mut again: impl FnMut(&Knowledge) -> Option<Answer>,
    ) -> (Answer, &'static str) {
        let Ok(_turn) = self.turns.try_acquire() else {
            return (answer, "busy");
        };
        let deadline = deadline.min(Instant::now() + LIMIT);
        let mut known = None;
        let mut asked = BTreeSet::new();
        let mut result = "done";
        for _round in 0..ROUNDS {
            let mut open = answer.lookups.clone();
            open.retain(|lookup| asked.insert(lookup.clone()));
            if open.is_empty() {
                break;
            }
            let found = timeout_at(deadline, guard.look_up(known.take(), open)).await;
            let LookedUp { knowledge, whole } = match found {
                Ok(Some(found)) => found,
                Ok(None) => return (answer, "failed"),
                Err(_late) => return (answer, "late"),
            };
            let Some(better) = again(&knowledge) else {
                return (answer, "failed");
            };
            answer = better;
            known = Some(knowledge);
            if !whole {
                result = "unreadable";
            }
        }
        (answer, result)
    }
}

#[cfg(test)]
mod tests;
