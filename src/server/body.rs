//! A request's body, read within bounds of size, memory, pace and time.

use std::pin::{Pin, pin};

use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes};
use tokio::time::{Instant, sleep_until};

use super::lifecycle::{Lifecycle, Phase};
use super::limits::Limits;
use super::memory::{Claim, Memory};
use super::peer::Peer;
use super::pieces::{CHUNK, Pieces};
use super::progress::{Progress, Stage};
use crate::k8s::review::{BEGINNING, Unjudged, deny_unread};

/// The limits of a body.
#[derive(Clone, Copy)]
pub(super) struct Bounds<'a> {
    pub(super) limits: &'a Limits,
    pub(super) memory: &'a Memory,
    pub(super) lifecycle: &'a Lifecycle,
    pub(super) peer: &'a Peer,
    pub(super) deadline: Instant,
}

/// The part of a body that has arrived, and the memory it uses until it is judged.
pub(super) struct Received<'a> {
    pieces: Pieces,
    claim: Option<Claim<'a>>,
    /// Bytes since the last measurement of the pace.
    step: usize,
}

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyError {
    /// It is larger than a review can be.
    #[error("the body is larger than an AdmissionReview can be")]
    TooLarge,
    /// It did not come in time.
    #[error("the body did not arrive in time")]
    Late,
    /// It came too slowly.
    #[error("the body arrived too slowly")]
    Slow,
    /// It waited for memory until it was too late.
    #[error("too many large reviews at once")]
    Busy,
    /// The server shuts down, and cannot wait for it.
    #[error("the server is shutting down")]
    Draining,
    /// The client disconnected, or violated HTTP.
    #[error("the body broke off")]
    Broken,
}

// === impl BodyError ===

impl BodyError {
    /// Why a request was rejected that can be retried, as a metric's label.
    pub(super) fn shed(self) -> Option<&'static str> {
        match self {
            Self::Late => Some("late"),
            Self::Slow => Some("slow"),
            Self::Busy => Some("memory"),
            Self::Draining => Some("draining"),
            Self::TooLarge | Self::Broken => None,
        }
    }

    /// Why the review is denied; `None` if the client is gone.
    pub(super) fn unjudged(self) -> Option<Unjudged> {
        match self {
            Self::TooLarge => Some(Unjudged::TooLarge),
            Self::Late | Self::Slow => Some(Unjudged::Late),
            Self::Busy => Some(Unjudged::Busy),
            Self::Draining => Some(Unjudged::Draining),
            Self::Broken => None,
        }
    }
}

// === impl Received ===

impl<'a> Received<'a> {
    pub(super) fn new() -> Self {
        Self {
            pieces: Pieces::default(),
            claim: None,
            step: 0,
        }
    }

    /// What is needed to answer a review that is not judged.
    pub(super) fn beginning(&self) -> &[u8] {
        self.pieces.beginning()
    }

    /// All of it, and the memory it holds.
    pub(super) fn whole(self) -> (Bytes, Option<Claim<'a>>) {
        (self.pieces.join(), self.claim)
    }

    /// Reads a body. One that came in one piece is kept as it is.
    pub(super) async fn read<B>(&mut self, body: B, bounds: &Bounds<'a>) -> Result<(), BodyError>
    where
        B: Body<Data = Bytes>,
    {
        let Bounds {
            lifecycle,
            peer: Peer { progress, .. },
            ..
        } = bounds;
        let body = pin!(body);
        tokio::select! {
            biased;
            read = self.fill(body, bounds) => read?,
            error = too_late(bounds) => return Err(error),
            () = progress.hurried() => return Err(BodyError::Slow),
            () = lifecycle.reached(Phase::LastCall) => return Err(BodyError::Draining),
        }
        progress.review();
        Ok(())
    }

    async fn fill<B>(&mut self, mut body: Pin<&mut B>, bounds: &Bounds<'a>) -> Result<(), BodyError>
    where
        B: Body<Data = Bytes>,
    {
        let longest = bounds.limits.body_bytes;
        // A chunked body does not say how long it will be.
        let announced = body.size_hint().exact();
        let announced = announced.map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        if announced.is_some_and(|length| length > longest) {
            return self.pass_over(body, None, bounds).await;
        }
        let Some(first) = next(body.as_mut()).await? else {
            return Ok(());
        };
        if body.is_end_stream() && first.len() <= longest {
            self.pieces.take(first);
            return Ok(());
        }
        let room = announced.unwrap_or(longest);
        let mut piece = Some(first);
        while let Some(data) = piece {
            if self.pieces.len() + data.len() > longest {
                return self.pass_over(body, Some(data), bounds).await;
            }
            self.add(&data, room, bounds).await;
            // hyper reads into the same room again, if nothing of it is held.
            drop(data);
            piece = next(body.as_mut()).await?;
        }
        Ok(())
    }

    /// Takes in one more piece of a body that takes up to `room` bytes.
    async fn add(&mut self, data: &[u8], room: usize, bounds: &Bounds<'a>) {
        let length = self.pieces.len() + data.len();
        if length > CHUNK {
            let claim = self
                .claim
                .get_or_insert_with(|| Claim::new(bounds.memory, bounds.peer));
            claim.grow(length - CHUNK, room.saturating_sub(CHUNK)).await;
        }
        self.pieces.add(data, room);
        self.keep_pace(data.len(), bounds);
    }

    fn keep_pace(&mut self, bytes: usize, bounds: &Bounds<'_>) {
        self.step += bytes;
        if self.step >= Limits::STEP {
            self.step = 0;
            bounds.peer.progress.enter(Stage::Body);
        }
    }

    /// Passes over a body that is too large, so that its client takes in the answer, which needs its beginning alone. One
    /// that nothing can be answered to is not worth it.
    async fn pass_over<B>(
        &mut self,
        mut body: Pin<&mut B>,
        mut piece: Option<Bytes>,
        bounds: &Bounds<'a>,
    ) -> Result<(), BodyError>
    where
        B: Body<Data = Bytes>,
    {
        self.pieces.cut();
        self.claim = None;
        let mut passed = 0;
        let mut answerable = false;
        loop {
            let data = match piece.take() {
                Some(data) => data,
                None => next(body.as_mut()).await?.ok_or(BodyError::TooLarge)?,
            };
            let missing = BEGINNING.saturating_sub(self.pieces.len());
            let needed = data.get(..missing).unwrap_or(&data);
            self.pieces.add(needed, BEGINNING);
            answerable = answerable || deny_unread(self.beginning(), Unjudged::TooLarge).is_some();
            passed += data.len();
            let hopeless = !answerable && self.pieces.len() >= BEGINNING;
            if hopeless || passed > bounds.limits.passed_bytes {
                return Err(BodyError::TooLarge);
            }
            self.keep_pace(data.len(), bounds);
        }
    }
}

/// The next piece of data; trailers are passed over.
async fn next<B>(mut body: Pin<&mut B>) -> Result<Option<Bytes>, BodyError>
where
    B: Body<Data = Bytes>,
{
    while let Some(frame) = body.as_mut().frame().await {
        if let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// Until a body is too late, or too slow. One that waits for memory is not slow.
async fn too_late(bounds: &Bounds<'_>) -> BodyError {
    let progress: &Progress = &bounds.peer.progress;
    loop {
        let now = Instant::now();
        let moment = progress.moment();
        let waits = moment.stage == Stage::Review;
        if bounds.deadline <= now {
            return if waits {
                BodyError::Busy
            } else {
                BodyError::Late
            };
        }
        let since = if waits { now } else { moment.since };
        let step = since + bounds.limits.step;
        if step <= now {
            return BodyError::Slow;
        }
        sleep_until(step.min(bounds.deadline)).await;
    }
}
