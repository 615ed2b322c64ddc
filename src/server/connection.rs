//! One connection after its handshake: HTTP/1.1 until the client leaves, a deadline passes or the server ends.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::BoxError;
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::lifecycle::{Lifecycle, Phase};
use super::limits::Limits;
use super::peer::Peer;
use super::progress::Stage;
use super::watched::{Watchdog, Watched};

/// The longest head, and the most that is read ahead: 15 times what the API server sends, and as much as a TLS record
/// holds.
const READ_AHEAD: usize = 16 * 1024;
/// How long a rejected client has to read the answer.
const LAST_WORDS: Duration = Duration::from_millis(250);

/// The routes of a port.
pub(super) trait Routes: Send + Sync + 'static {
    /// What an answer holds.
    type Body: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static;

    /// Answers a request of this peer.
    fn answer<B>(
        &self,
        request: Request<B>,
        peer: &Peer,
    ) -> impl Future<Output = Response<Self::Body>> + Send
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static;
}

/// Serves HTTP on a stream until the client leaves, a deadline passes or the server ends.
pub(super) async fn serve<S, R>(
    stream: S,
    routes: &R,
    limits: &Limits,
    lifecycle: &Lifecycle,
    peer: &Peer,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    R: Routes,
{
    let progress = &peer.progress;
    progress.enter(Stage::Idle);
    let service = service_fn(|request: Request<Incoming>| async {
        progress.enter(Stage::Body);
        let mut reply = routes.answer(request, peer).await;
        if reply.status().is_success() {
            progress.prove();
        }
        if lifecycle.phase() >= Phase::Parting {
            reply
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
        progress.enter(Stage::Answer);
        Ok::<_, Infallible>(reply)
    });
    // Without a timer, hyper applies no timeouts of its own.
    let connection = http1::Builder::new()
        .max_buf_size(READ_AHEAD)
        // A client that closes its sending side may still read. Detecting that during a review would need another buffer.
        .half_close(true)
        .serve_connection(
            TokioIo::new(Watched::new(stream, Arc::clone(progress))),
            service,
        );
    let mut connection = pin!(connection);
    let mut watchdog = Watchdog::new(progress, limits);
    let mut ending = false;
    loop {
        tokio::select! {
            biased;
            // The client caused this error: it disconnected, or did not speak HTTP and was told so.
            _ = connection.as_mut() => return,
            stage = &mut watchdog => match stage {
                Stage::Idle if !ending => {
                    ending = true;
                    connection.as_mut().graceful_shutdown();
                }
                _ => return,
            },
            () = progress.ended(), if !ending => {
                ending = true;
                if progress.is_turned_away() {
                    connection.as_mut().graceful_shutdown();
                    let _deaf = timeout(LAST_WORDS, connection.as_mut()).await;
                    return;
                }
                // To hyper, half a head is no request yet: it would be dropped. Its answer ends the
                // connection anyhow.
                if progress.stage() != Stage::Head {
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}
