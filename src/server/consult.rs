//! Asking the cluster what a decision hangs on.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::guard::{Found, Guard};
use crate::k8s::review::Answer;
use crate::policy::Knowledge;

/// Reviews for which something is looked up at the same time. Others are answered by what is known.
const AT_ONCE: usize = 16;
/// How long one review may wait for all that is looked up for it.
const LIMIT: Duration = Duration::from_secs(1);
/// How often an answer may ask for more: bindings that were found may name roles that are not known.
const ROUNDS: usize = 3;

/// How many ask.
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

    /// The answer once what it hangs on was looked up, and how that went: a word for metrics. Where it fails or takes too
    /// long, the last answer stands.
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
            let Found { knowledge, whole } = match found {
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
