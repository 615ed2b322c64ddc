//! Repeats a write until it is done or an error is final.

use std::time::Duration;

use tokio::time::sleep;

use super::error::Setback;
use super::{ApplyError, Attempt, Change, ObjectReference};

/// The most attempts for one object. The pauses between them double: 6 s in all.
const MOST: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// The attempts to write one object.
#[derive(Default)]
pub(super) struct Attempts {
    /// How many have begun.
    begun: u32,
    /// The verb and the error of the last attempt, if the API server did not answer it.
    last: Option<(&'static str, Box<kube::Error>)>,
    /// The verb of an attempt without an answer. It may have been done.
    unanswered: Option<&'static str>,
}

// === impl Attempts ===

impl Attempts {
    /// Waits until the next attempt. False if there were enough.
    ///
    /// After the first write conflict it does not wait. After further ones it does: a controller may write the status of an object
    /// several times in a row.
    pub(super) async fn another(&mut self) -> bool {
        if self.begun == MOST {
            return false;
        }
        if self.begun > 1 || self.last.is_some() {
            sleep(FIRST_PAUSE * 2_u32.pow(self.begun.saturating_sub(1))).await;
        }
        self.begun += 1;
        true
    }

    /// The result of an attempt. `None` if another attempt may succeed.
    pub(super) fn end(&mut self, done: Attempt) -> Option<Result<Change, ApplyError>> {
        match done {
            Ok(change) => Some(Ok(change.after(self.unanswered))),
            Err((_, Setback::Final(error))) => Some(Err(error)),
            Err((_, Setback::Changed | Setback::Missing(_))) => {
                self.last = None;
                None
            }
            Err((verb, Setback::Passing(error))) => {
                self.unanswered = Some(verb);
                self.last = Some((verb, error));
                None
            }
        }
    }

    /// The error after the last attempt.
    pub(super) fn gave_up(self, object: ObjectReference) -> ApplyError {
        match self.last {
            Some((verb, source)) => ApplyError::Unanswered {
                verb,
                object,
                attempts: MOST,
                source,
            },
            None => ApplyError::Rejected {
                verb: "update",
                object,
                message: format!("gave up after {MOST} write conflicts: try again"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    /// All six were over within milliseconds, while a controller wrote the status of a Deployment.
    #[tokio::test(start_paused = true)]
    async fn after_the_second_write_conflict_it_waits() {
        let (start, mut attempts, mut begun) = (Instant::now(), Attempts::default(), Vec::new());
        while attempts.another().await {
            begun.push(start.elapsed().as_millis());
            assert!(attempts.end(Err(("update", Setback::Changed))).is_none());
        }
        assert_eq!(begun, [0, 0, 400, 1200, 2800, 6000]);
    }
}
