//! The accept loop: it only accepts. Handshakes, and all else that waits for a client, happen in the
//! connection's own task.

use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::yield_now;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tracing::{debug, warn};

use super::connection::{Routes, serve};
use super::connections::Connections;
use super::lifecycle::{Lifecycle, Phase};
use super::limits::Limits;
use super::metrics::Metrics;
use super::peer::Peer;
use super::tls::{self, Handshakes};

/// A port and all that its connections share.
pub(super) struct Port<R> {
    pub(super) routes: R,
    /// Without it the port speaks plain HTTP.
    pub(super) tls: Option<Handshakes>,
    pub(super) limits: Limits,
    pub(super) lifecycle: Arc<Lifecycle>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) connections: Arc<Connections>,
    /// Those of which one goes if there is no descriptor left.
    pub(super) others: Arc<Connections>,
}

/// How long a connection that is given up may take to go.
const GOES: Duration = Duration::from_millis(5);

impl<R: Routes> Port<R> {
    /// Accepts until the server is closed; what the kernel had accepted by then is served too.
    pub(super) async fn accept(self: Arc<Self>, listener: TcpListener) {
        loop {
            tokio::select! {
                biased;
                () = self.lifecycle.reached(Phase::Closed) => break,
                accepted = listener.accept() => self.accepted(accepted).await,
            }
        }
        for _ in 0..self.limits.connections {
            tokio::select! {
                biased;
                accepted = listener.accept() => self.accepted(accepted).await,
                () = ready(()) => return,
            }
        }
    }

    async fn accepted(self: &Arc<Self>, accepted: io::Result<(TcpStream, SocketAddr)>) {
        match accepted {
            Ok((stream, client)) => {
                self.admit(stream, client);
                // One that was given up closes its socket.
                yield_now().await;
            }
            Err(error) if is_the_clients(&error) => {}
            Err(error) => self.relieve(&error).await,
        }
    }

    /// Gives up a connection where there are no descriptors for another.
    async fn relieve(&self, error: &io::Error) {
        if self.others.is_news() {
            warn!(%error, "cannot accept connections; closing slow and idle ones");
        }
        let pause = if is_out_of_descriptors(error) && self.others.evict() {
            self.metrics.shed("descriptors");
            GOES
        } else {
            self.limits.accept_pause
        };
        tokio::time::sleep(pause).await;
    }

    fn admit(self: &Arc<Self>, stream: TcpStream, client: SocketAddr) {
        let port = Arc::clone(self);
        let admitted = self.connections.admit(client.ip(), |peer| async move {
            port.serve(stream, &peer).await;
        });
        if !admitted {
            self.metrics.shed("connections");
        }
    }

    async fn serve(&self, stream: TcpStream, peer: &Peer) {
        // A small answer must not wait for the acknowledgement of the one before it.
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let Self {
            routes,
            tls,
            limits,
            lifecycle,
            ..
        } = self;
        match tls {
            None => serve(stream, routes, limits, lifecycle, peer).await,
            Some(handshakes) => {
                let Some(stream) = self.handshake(handshakes, stream).await else {
                    return;
                };
                serve(stream, routes, limits, lifecycle, peer).await;
            }
        }
    }

    async fn handshake(
        &self,
        handshakes: &Handshakes,
        stream: TcpStream,
    ) -> Option<TlsStream<TcpStream>> {
        let reason = match timeout(self.limits.handshake, handshakes.shake(stream)).await {
            Ok(Ok(stream)) => return Some(stream),
            Ok(Err(error)) => {
                debug!(%error, "TLS handshake failed");
                tls::reason(&error)
            }
            Err(_) => "timeout",
        };
        self.metrics.handshake_failed(reason);
        None
    }
}

/// Whether an accept failed for one connection's sake, and the next may succeed at once: accept(2)
/// hands on errors of a connection that was reset before it was accepted.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

/// `EMFILE` and `ENFILE`, which have the same numbers on all Unix systems.
fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(24 | 23))
}
