//! The stage of a connection: its deadlines, eviction and drain depend on it.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::limits::Limits;

/// The stage of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The TLS handshake runs.
    Handshake,
    /// No byte of a next request has come.
    Idle,
    /// A request's head has begun.
    Head,
    /// A request's body is on its way; the handler keeps its deadline.
    Body,
    /// The request is judged; the client waits.
    Review,
    /// An answer is on its way.
    Answer,
    /// Nothing more will be read; the client has time to notice.
    Linger,
}

/// The stage of one connection and since when; shared by the task that serves it and the watchdog.
#[derive(Debug)]
pub(super) struct Progress {
    began: Instant,
    /// Bits 0..3 the stage, bit 3 whether a request ever succeeded, then milliseconds since `began`.
    word: AtomicU64,
    /// Bytes that a body has claimed from the memory that all share.
    claimed: AtomicUsize,
    turned_away: AtomicBool,
    /// Notified when the server no longer waits for the body.
    hurry: Notify,
    /// Notified when the connection must end as soon as it is idle.
    ending: Notify,
}

/// What a [`Progress`] said at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// Where the connection stood.
    pub(super) stage: Stage,
    /// Whether a request ever succeeded on it.
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
            3 => Self::Body,
            4 => Self::Review,
            5 => Self::Answer,
            _ => Self::Linger,
        }
    }

    /// How long a connection may stay in this stage; unlimited if something else limits it.
    fn limit(self, limits: &Limits) -> Option<Duration> {
        match self {
            Self::Handshake => Some(limits.handshake),
            Self::Idle => Some(limits.idle),
            Self::Head => Some(limits.head),
            Self::Body | Self::Review => None,
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
            claimed: AtomicUsize::new(0),
            turned_away: AtomicBool::new(false),
            hurry: Notify::new(),
            ending: Notify::new(),
        }
    }

    /// Enters a stage now. Only the connection's own task does.
    pub(super) fn enter(&self, stage: Stage) {
        let proven = self.word.load(Ordering::Relaxed) & PROVEN;
        let since = self.millis();
        self.word
            .store((since << TIME) | proven | stage as u64, Ordering::Relaxed);
    }

    /// Has the whole request, and looks at no clock: the stage is as old as the one before.
    pub(super) fn review(&self) {
        let word = self.word.load(Ordering::Relaxed) & !STAGE;
        self.word
            .store(word | Stage::Review as u64, Ordering::Relaxed);
    }

    /// Remembers that a request succeeded.
    pub(super) fn prove(&self) {
        let word = self.word.load(Ordering::Relaxed);
        self.word.store(word | PROVEN, Ordering::Relaxed);
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

    /// Bytes that a body has claimed now; none where it is done.
    pub(super) fn claim(&self, bytes: usize) {
        self.claimed.store(bytes, Ordering::Relaxed);
    }

    /// Bytes that a body has claimed.
    pub(super) fn claimed(&self) -> usize {
        self.claimed.load(Ordering::Relaxed)
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(0)
    }

    /// Asks the connection to end as soon as it is idle.
    pub(super) fn end(&self) {
        self.ending.notify_one();
    }

    /// Until [`Self::end`] or [`Self::turn_away`] was called.
    pub(super) async fn ended(&self) {
        self.ending.notified().await;
    }

    /// Asks the connection to answer at once, whatever of its request is there, and to end.
    pub(super) fn turn_away(&self) {
        self.turned_away.store(true, Ordering::Relaxed);
        self.hurry.notify_one();
        self.ending.notify_one();
    }

    /// Whether [`Self::turn_away`] was called.
    pub(super) fn is_turned_away(&self) -> bool {
        self.turned_away.load(Ordering::Relaxed)
    }

    /// Until [`Self::turn_away`] was called.
    pub(super) async fn hurried(&self) {
        self.hurry.notified().await;
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
            (Stage::Body, None),
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

    #[tokio::test(start_paused = true)]
    async fn a_request_that_succeeded_proves_a_connection() {
        let progress = Progress::new();
        progress.enter(Stage::Body);
        progress.enter(Stage::Answer);
        progress.enter(Stage::Idle);
        assert!(!progress.moment().proven);
        progress.enter(Stage::Body);
        let body = progress.moment();
        tokio::time::advance(Duration::from_secs(1)).await;
        progress.review();
        progress.prove();
        let review = progress.moment();
        assert_eq!((review.stage, review.since), (Stage::Review, body.since));
        assert!(review.proven);
        progress.enter(Stage::Answer);
        progress.enter(Stage::Head);
        assert!(progress.moment().proven);
    }
}
