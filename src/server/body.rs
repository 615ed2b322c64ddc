//! A request's body, read within bounds of size, memory and time.

use std::pin::{Pin, pin};

use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use super::lifecycle::{Lifecycle, Phase};
use super::limits::Limits;

/// What the larger bodies of a listener share: memory, counted in KiB.
#[derive(Debug)]
pub(super) struct Memory {
    kibibytes: Semaphore,
}

/// A body, and the memory it holds until it is judged.
#[derive(Debug)]
pub(super) struct Received<'a> {
    /// The bytes.
    pub(super) bytes: Bytes,
    _memory: Option<SemaphorePermit<'a>>,
}

/// A body that was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyError {
    /// More than a review can be.
    #[error("the body is larger than an AdmissionReview can be")]
    TooLarge,
    /// It did not come in time.
    #[error("the body did not arrive in time")]
    Late,
    /// Too many larger bodies came at once.
    #[error("too many large reviews at once")]
    Busy,
    /// The server goes, and cannot wait for it.
    #[error("the server is shutting down")]
    Draining,
    /// The client broke off, or broke the rules of HTTP.
    #[error("the body broke off")]
    Broken,
}

// === impl Memory ===

impl Memory {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            kibibytes: Semaphore::new(limits.large_bodies_bytes.div_ceil(1024)),
        }
    }

    /// Waits for the memory of a body of up to `bytes` to be free.
    async fn claim(&self, bytes: usize, until: Instant) -> Result<SemaphorePermit<'_>, BodyError> {
        let kibibytes = u32::try_from(bytes.div_ceil(1024)).map_err(|_| BodyError::TooLarge)?;
        match timeout_at(until, self.kibibytes.acquire_many(kibibytes)).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(BodyError::Busy),
        }
    }
}

/// Reads a body until `deadline`. One that came in one piece is handed on as it is.
pub(super) async fn receive<'a, B>(
    body: B,
    deadline: Instant,
    limits: &Limits,
    memory: &'a Memory,
    lifecycle: &Lifecycle,
) -> Result<Received<'a>, BodyError>
where
    B: Body<Data = Bytes>,
{
    let mut body = pin!(body);
    // A chunked body does not say how long it will be.
    let room = match body.size_hint().exact() {
        Some(length) => usize::try_from(length).map_err(|_| BodyError::TooLarge)?,
        None => limits.body_bytes,
    };
    if room > limits.body_bytes {
        return Err(BodyError::TooLarge);
    }
    let mut claimed = None;
    if room > limits.small_body_bytes {
        let turn = deadline.min(Instant::now() + limits.turn);
        claimed = Some(memory.claim(room, turn).await?);
    }
    let bytes = in_time(whole(body.as_mut(), room, limits), deadline, lifecycle).await?;
    Ok(Received {
        bytes,
        _memory: claimed,
    })
}

/// The whole of a body that is `room` bytes long, or at most.
async fn whole<B>(mut body: Pin<&mut B>, room: usize, limits: &Limits) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes>,
{
    let Some(first) = next(body.as_mut()).await? else {
        return Ok(Bytes::new());
    };
    if body.is_end_stream() && first.len() <= limits.body_bytes {
        return Ok(first);
    }
    let known = body.size_hint().exact().is_some();
    let mut bytes = Vec::with_capacity(if known { room } else { first.len() * 2 });
    let mut piece = Some(first);
    while let Some(data) = piece {
        if bytes.len() + data.len() > limits.body_bytes {
            return Err(BodyError::TooLarge);
        }
        bytes.extend_from_slice(&data);
        piece = next(body.as_mut()).await?;
    }
    Ok(bytes.into())
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

/// Reads until the deadline, or until the server's own.
async fn in_time(
    read: impl Future<Output = Result<Bytes, BodyError>>,
    deadline: Instant,
    lifecycle: &Lifecycle,
) -> Result<Bytes, BodyError> {
    tokio::select! {
        biased;
        bytes = read => bytes,
        () = tokio::time::sleep_until(deadline) => Err(BodyError::Late),
        () = lifecycle.reached(Phase::LastCall) => Err(BodyError::Draining),
    }
}
