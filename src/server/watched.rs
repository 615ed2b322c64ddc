//! A stream that tells a connection's progress, and the watchdog that ends what stands still.
//!
//! hyper's own `header_read_timeout` also runs while a kept-alive connection is idle (hyper 1.x,
//! proto/h1/conn.rs), and so either lets slow heads live or kills idle connections under the API
//! server's hands. Here a head's time starts with its first byte.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::limits::Limits;
use super::progress::{Progress, Stage};

/// Bytes that are still taken from a client which was answered early and goes on sending.
const LINGERING_BYTES: usize = 8 * 1024 * 1024;

/// A stream whose reads and writes move a [`Progress`] on.
#[derive(Debug)]
pub(super) struct Watched<S> {
    stream: S,
    progress: Arc<Progress>,
    lingered: usize,
}

/// Ends with the stage that a connection stood in for too long.
#[derive(Debug)]
pub(super) struct Watchdog<'a> {
    progress: &'a Progress,
    limits: &'a Limits,
    sleep: Pin<Box<Sleep>>,
    armed: Option<Instant>,
}

// === impl Watched ===

impl<S> Watched<S> {
    pub(super) fn new(stream: S, progress: Arc<Progress>) -> Self {
        Self {
            stream,
            progress,
            lingered: 0,
        }
    }

    /// An answer's first byte is written before the handler said so where hyper itself answers, as it
    /// does to what is no HTTP.
    fn wrote(&self) {
        if matches!(self.progress.stage(), Stage::Idle | Stage::Head) {
            self.progress.enter(Stage::Answer);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before && self.progress.stage() == Stage::Idle {
            self.progress.enter(Stage::Head);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.wrote();
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.wrote();
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        if self.progress.stage() == Stage::Answer {
            self.progress.enter(Stage::Idle);
        }
        Poll::Ready(Ok(()))
    }

    /// Sends the end, then reads on until the client has noticed: a socket that is closed with bytes
    /// unread sends a reset, which takes the answer out of the client's hands (RFC 9112 §9.6).
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.progress.stage() != Stage::Linger {
            self.progress.enter(Stage::Linger);
        }
        ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
        if self.progress.is_turned_away() {
            return Poll::Ready(Ok(()));
        }
        let mut scratch = [0; 4096];
        while self.lingered < LINGERING_BYTES {
            let mut buffer = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => self.lingered += buffer.filled().len(),
                Ok(()) | Err(_) => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}

// === impl Watchdog ===

impl<'a> Watchdog<'a> {
    pub(super) fn new(progress: &'a Progress, limits: &'a Limits) -> Self {
        Self {
            progress,
            limits,
            sleep: Box::pin(sleep_until(Instant::now())),
            armed: None,
        }
    }
}

impl Future for Watchdog<'_> {
    type Output = Stage;

    /// The timer is set again only where a deadline came nearer: a request that comes and is answered
    /// at once never touches it.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Stage> {
        let this = self.get_mut();
        loop {
            let Some(deadline) = this.progress.deadline(this.limits) else {
                return Poll::Pending;
            };
            if this.armed.is_none_or(|armed| deadline < armed) {
                this.sleep.as_mut().reset(deadline);
                this.armed = Some(deadline);
            }
            ready!(this.sleep.as_mut().poll(context));
            this.armed = None;
            if deadline <= Instant::now() {
                return Poll::Ready(this.progress.stage());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::time::{Instant, advance};

    use super::{Watchdog, Watched};
    use crate::server::Limits;
    use crate::server::progress::{Progress, Stage};

    #[tokio::test]
    async fn bytes_move_a_connection_on() {
        let progress = Arc::new(Progress::new());
        let (mut client, server) = duplex(64);
        let mut watched = Watched::new(server, Arc::clone(&progress));
        progress.enter(Stage::Idle);

        client.write_all(b"P").await.unwrap();
        watched.read_u8().await.unwrap();
        assert_eq!(progress.stage(), Stage::Head);

        progress.enter(Stage::Review);
        client.write_all(b"body").await.unwrap();
        watched.read_u8().await.unwrap();
        assert_eq!(progress.stage(), Stage::Review);

        progress.enter(Stage::Answer);
        watched.write_all(b"answer").await.unwrap();
        assert_eq!(progress.stage(), Stage::Answer);
        watched.flush().await.unwrap();
        assert_eq!(progress.stage(), Stage::Idle);
    }

    #[tokio::test(start_paused = true)]
    async fn the_watchdog_counts_from_the_stage_it_finds() {
        let limits = Limits::default();
        let progress = Progress::new();
        progress.enter(Stage::Idle);
        let mut watchdog = Watchdog::new(&progress, &limits);
        let soon = Duration::from_millis(1);
        assert!(tokio::time::timeout(soon, &mut watchdog).await.is_err());

        let begin = Instant::now();
        progress.enter(Stage::Head);
        assert_eq!((&mut watchdog).await, Stage::Head);
        let waited = begin.elapsed();
        assert!(
            waited.abs_diff(limits.head) < Duration::from_millis(10),
            "{waited:?}"
        );

        progress.enter(Stage::Idle);
        assert!(tokio::time::timeout(soon, &mut watchdog).await.is_err());
        advance(limits.idle / 2).await;
        progress.enter(Stage::Answer);
        progress.enter(Stage::Idle);
        let begin = Instant::now();
        assert_eq!((&mut watchdog).await, Stage::Idle);
        assert!(begin.elapsed() + Duration::from_millis(10) > limits.idle);
    }
}
