//! The accept loop: it only accepts. Handshakes, and all else that waits for a client, happen in the
//! connection's own task.

use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

use super::connection::{Routes, serve};
use super::connections::Connections;
use super::lifecycle::{Lifecycle, Phase};
use super::limits::Limits;
use super::metrics::Metrics;
use super::progress::Progress;
use super::tls;

/// A port and all that its connections share.
pub(super) struct Port<R> {
    pub(super) routes: R,
    /// Without it the port speaks plain HTTP.
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) limits: Limits,
    pub(super) lifecycle: Arc<Lifecycle>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) connections: Arc<Connections>,
}

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
            Ok((stream, _)) => self.admit(stream),
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                warn!(%error, "cannot accept connections; trying again soon");
                tokio::time::sleep(self.limits.accept_pause).await;
            }
        }
    }

    fn admit(self: &Arc<Self>, stream: TcpStream) {
        let port = Arc::clone(self);
        let admitted = self.connections.admit(|progress| async move {
            port.serve(stream, &progress).await;
        });
        if !admitted {
            self.metrics.shed("connections");
        }
    }

    async fn serve(&self, stream: TcpStream, progress: &Arc<Progress>) {
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
            None => serve(stream, routes, limits, lifecycle, progress).await,
            Some(acceptor) => {
                let Some(stream) = self.handshake(acceptor, stream).await else {
                    return;
                };
                serve(stream, routes, limits, lifecycle, progress).await;
            }
        }
    }

    async fn handshake(
        &self,
        acceptor: &TlsAcceptor,
        stream: TcpStream,
    ) -> Option<tokio_rustls::server::TlsStream<TcpStream>> {
        let reason = match timeout(self.limits.handshake, acceptor.accept(stream)).await {
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
