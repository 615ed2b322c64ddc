//! TLS as the review port speaks it.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use rustls::crypto::ring;
use rustls::server::{NoServerSessionStorage, ResolvesServerCert};
use rustls::version::{TLS12, TLS13};
use rustls::{AlertDescription, ServerConfig};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::callers::Callers;

/// The oldest TLS version to accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OldestTls {
    /// TLS 1.2, with the AEAD and ECDHE suites that are all rustls has.
    Tls12,
    /// TLS 1.3.
    #[default]
    Tls13,
}

/// Does the handshakes of new connections. Their key exchange and signature are computed one at a time, and other tasks run
/// in between: many new connections do not delay the existing ones.
pub(super) struct Handshakes {
    acceptor: TlsAcceptor,
    turn: Semaphore,
}

/// What each handshake is made with.
pub(super) fn config(
    oldest: OldestTls,
    certificate: Arc<dyn ResolvesServerCert>,
    callers: Option<Arc<Callers>>,
) -> Result<ServerConfig, rustls::Error> {
    let versions: &[_] = match oldest {
        OldestTls::Tls12 => &[&TLS13, &TLS12],
        OldestTls::Tls13 => &[&TLS13],
    };
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)?;
    let mut config = match callers {
        None => builder.with_no_client_auth(),
        Some(callers) => builder.with_client_cert_verifier(callers),
    }
    .with_cert_resolver(certificate);
    // The API server offers only http/1.1 to a webhook (apiserver pkg/util/webhook/client.go).
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Go resumes no session without a ClientSessionCache, and client-go sets none.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

// === impl Handshakes ===

impl Handshakes {
    pub(super) fn new(config: Arc<ServerConfig>) -> Self {
        Self {
            acceptor: TlsAcceptor::from(config),
            turn: Semaphore::new(1),
        }
    }

    pub(super) async fn shake(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        // No buffer is allocated for a client that sends nothing.
        stream.readable().await?;
        let turn = self.turn.acquire().await;
        let mut accept = pin!(self.acceptor.accept(stream));
        let answered = poll_fn(|context| Poll::Ready(accept.as_mut().poll(context))).await;
        yield_now().await;
        drop(turn);
        match answered {
            Poll::Ready(shaken) => shaken,
            Poll::Pending => accept.await,
        }
    }
}

/// Why a handshake failed: a word for metrics, of a closed set.
pub(super) fn reason(error: &io::Error) -> &'static str {
    let tls = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::AlertReceived(AlertDescription::UnknownCA)) => "unknown_ca",
        Some(rustls::Error::AlertReceived(
            AlertDescription::BadCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown,
        )) => "certificate_refused",
        Some(rustls::Error::AlertReceived(_)) => "alert",
        Some(rustls::Error::NoCertificatesPresented) => "no_client_certificate",
        Some(rustls::Error::InvalidCertificate(_)) => "client_refused",
        Some(rustls::Error::PeerIncompatible(_)) => "incompatible",
        Some(rustls::Error::NoApplicationProtocol) => "no_http1",
        Some(_) => "not_tls",
        None => "closed",
    }
}
