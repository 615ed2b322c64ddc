//! How long to wait before the API server is asked again.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// The wait after the first failure.
const SHORTEST: Duration = Duration::from_secs(2);
/// The longest wait for an API server that may be back at any moment, without its jitter: what is known is ten seconds old at most
/// once it answers again, though a watch may have to list anew after that.
const LONGEST: Duration = Duration::from_secs(4);
/// The longest wait after a refusal, which somebody has to mend.
const LONGEST_REFUSED: Duration = Duration::from_secs(30);
/// What goes well for so long has recovered.
const CALM: Duration = Duration::from_secs(10);

/// Waits that double from one failure to the next. After a calm time the first is none at all: a watch ends every
/// few minutes, and is made anew at once.
#[derive(Debug)]
pub(in crate::cluster) struct Pause {
    next: Duration,
    /// The end of the last wait.
    since: Instant,
}

// === impl Pause ===

impl Pause {
    pub(in crate::cluster) fn new() -> Self {
        Self {
            next: SHORTEST,
            since: Instant::now(),
        }
    }

    /// Waits after a failure, or after an end that may have been one.
    pub(in crate::cluster) async fn wait(&mut self) {
        self.wait_up_to(LONGEST).await;
    }

    /// Waits after a refusal, which will be repeated until somebody changes what it is for.
    pub(in crate::cluster) async fn wait_refused(&mut self) {
        self.wait_up_to(LONGEST_REFUSED).await;
    }

    async fn wait_up_to(&mut self, longest: Duration) {
        let wait = self.next(longest);
        sleep(wait).await;
        self.since = Instant::now();
    }

    /// Begins anew with the shortest wait: whoever was waited for has answered.
    pub(in crate::cluster) fn shorten(&mut self) {
        self.next = SHORTEST;
    }

    fn next(&mut self, longest: Duration) -> Duration {
        if self.since.elapsed() >= CALM {
            self.next = SHORTEST;
            return Duration::ZERO;
        }
        let wait = self.next.min(longest);
        self.next = (wait * 2).min(longest);
        wait + jitter(wait / 2)
    }
}

/// Anything up to this much, so that not all who lost a server come back to it in one moment. Each `RandomState` has
/// keys of its own.
pub(super) fn jitter(most: Duration) -> Duration {
    let random = u32::try_from(RandomState::new().hash_one(0) >> 32).unwrap_or(0);
    most.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_double_up_to_half_a_minute_and_some_after_refusals_only() {
        for (longest, waits) in [
            (LONGEST, [2, 4, 4, 4, 4, 4]),
            (LONGEST_REFUSED, [2, 4, 8, 16, 30, 30]),
        ] {
            let mut pause = Pause::new();
            for shortest in waits {
                let wait = pause.next(longest);
                let shortest = Duration::from_secs(shortest);
                assert!(wait >= shortest && wait <= shortest * 3 / 2, "{wait:?}");
            }
            assert!(pause.next(LONGEST) <= LONGEST * 3 / 2);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_calm_time_nobody_waits_but_the_second_time() {
        let mut pause = Pause::new();
        pause.wait().await;
        sleep(CALM).await;
        assert_eq!(pause.next(LONGEST), Duration::ZERO);
        pause.since = Instant::now();
        assert!(pause.next(LONGEST) >= SHORTEST);
    }

    /// 15 watches whose API server goes, over the next 10 seconds.
    #[tokio::test(start_paused = true)]
    async fn failing_watches_ask_less_than_five_times_a_second() {
        let mut requests = 0;
        for _watch in 0..15 {
            let mut pause = Pause::new();
            sleep(CALM).await;
            let failed = Instant::now();
            loop {
                pause.wait().await;
                if failed.elapsed() > Duration::from_secs(10) {
                    break;
                }
                requests += 1;
            }
        }
        assert!((15..50).contains(&requests), "{requests} requests");
    }
}
