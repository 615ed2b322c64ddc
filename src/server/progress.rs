//! How far a connection is: the one word that its deadlines, its eviction and its drain are told by.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::limits::Limits;

/// Where a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The TLS handshake runs.
    Handshake,
    /// No byte of a next request has come.
    Idle,
    /// A request's head has begun.
    Head,
    /// A request is being read and judged; the handler keeps its deadline.
    Review,
    /// An answer is on its way.
    Answer,
    /// Nothing more will be read; the client is to notice.
    Linger,
}

/// The stage of one connection and since when, shared by those who serve and those who watch it.
#[derive(Debug)]
pub(super) struct Progress {
    began: Instant,
    /// Bits 0..3 the stage, bit 3 whether a request was ever answered, then milliseconds since `began`.
    word: AtomicU64,
    /// Told when the connection is to end as soon as it is idle.
    ending: Notify,
}

/// What a [`Progress`] said at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// Where the connection stood.
    pub(super) stage: Stage,
    /// Whether a request was ever answered on it.
    pub(super) proven: bool,
    /// Since when it stood there.
    pub(super) since: Instant,
}

const STAGE: u64 = 0b0111;
const PROVEN: u64 = 0b1000;
const TIME: u32 = 4;

// === impl Stage ===

impl Stage {
    fn of(word: u64) -> Self {
        match word & STAGE {
            0 => Self::Handshake,
            1 => Self::Idle,
            2 => Self::Head,
            3 => Self::Review,
            4 => Self::Answer,
            _ => Self::Linger,
        }
    }

    /// How long a connection may stand here; for ever where another keeps the time.
    fn limit(self, limits: &Limits) -> Option<Duration> {
        match self {
            Self::Handshake => Some(limits.handshake),
            Self::Idle => Some(limits.idle),
            Self::Head => Some(limits.head),
            Self::Review => None,
            Self::Answer => Some(limits.answer),
            Self::Linger => Some(limits.linger),
        }
    }
}

// === impl Progress ===

impl Progress {
    /// A connection that was accepted now.
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            word: AtomicU64::new(0),
            ending: Notify::new(),
        }
    }

    /// Enters a stage now. Only the connection's own task does.
    pub(super) fn enter(&self, stage: Stage) {
        let proven = match (stage, self.moment().stage) {
            (Stage::Idle, Stage::Answer) => PROVEN,
            _ => self.word.load(Ordering::Relaxed) & PROVEN,
        };
        let since = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(0);
        self.word
            .store((since << TIME) | proven | stage as u64, Ordering::Relaxed);
    }

    /// The stage alone.
    pub(super) fn stage(&self) -> Stage {
        Stage::of(self.word.load(Ordering::Relaxed))
    }

    /// What is known now.
    pub(super) fn moment(&self) -> Moment {
        let word = self.word.load(Ordering::Relaxed);
        Moment {
            stage: Stage::of(word),
            proven: word & PROVEN != 0,
            since: self.began + Duration::from_millis(word >> TIME),
        }
    }

    /// When the connection must have left its stage.
    pub(super) fn deadline(&self, limits: &Limits) -> Option<Instant> {
        let moment = self.moment();
        Some(moment.since + moment.stage.limit(limits)?)
    }

    /// Asks the connection to end as soon as it is idle.
    pub(super) fn end(&self) {
        self.ending.notify_one();
    }

    /// Until [`Self::end`] was called.
    pub(super) async fn ended(&self) {
        self.ending.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Progress, Stage};
    use crate::server::Limits;

    #[tokio::test(start_paused = true)]
    async fn each_stage_has_its_deadline() {
        let limits = Limits::default();
        let progress = Progress::new();
        let begin = progress.moment().since;
        assert_eq!(progress.deadline(&limits), Some(begin + limits.handshake));
        tokio::time::advance(Duration::from_secs(2)).await;
        for (stage, limit) in [
            (Stage::Idle, Some(limits.idle)),
            (Stage::Head, Some(limits.head)),
            (Stage::Review, None),
            (Stage::Answer, Some(limits.answer)),
            (Stage::Linger, Some(limits.linger)),
        ] {
            progress.enter(stage);
            assert_eq!(progress.stage(), stage);
            let expected = limit.map(|limit| begin + Duration::from_secs(2) + limit);
            assert_eq!(progress.deadline(&limits), expected);
        }
    }

    #[tokio::test]
    async fn an_answered_request_proves_a_connection() {
        let progress = Progress::new();
        progress.enter(Stage::Idle);
        assert!(!progress.moment().proven);
        progress.enter(Stage::Head);
        progress.enter(Stage::Answer);
        assert!(!progress.moment().proven);
        progress.enter(Stage::Idle);
        assert!(progress.moment().proven);
        progress.enter(Stage::Head);
        assert!(progress.moment().proven);
    }
}
