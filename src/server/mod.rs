//! The webhook's listener: TLS, two routes, a health port, and a drain that loses no request.
//!
//! ```text
//! Server::bind ── Bound::spawn ── Running::drain
//!      │               │
//!      │               ├─ review port ── listener ── tls ── connection ── reviews ── Guard
//!      │               ├─ health port ── listener ───────── connection ── health
//!      │               └─ certificate and policy_file: files, read again and again
//!      └─ a certificate that cannot be served fails here, before a port is open
//! ```
//!
//! What a client can make us wait for is limited in [`Limits`]; where a connection stands is known from
//! its `progress` alone.

mod body;
mod callers;
mod certificate;
mod connection;
mod connections;
mod consult;
mod descriptors;
mod guard;
mod health;
mod lifecycle;
mod limits;
mod listener;
mod memory;
mod metrics;
mod peer;
mod pieces;
mod policy_file;
mod progress;
mod reload;
mod reviews;
mod timeout;
mod tls;
mod watched;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use prometheus_client::metrics::gauge::Gauge;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tracing::{info, warn};

pub use callers::{Clients, ClientsError};
pub use certificate::{CertificateFiles, CertificateSource, LoadError};
pub use guard::{Guard, Judged, LookedUp, LookingUp, Taken};
pub use lifecycle::Drain;
pub use limits::Limits;
pub use policy_file::PolicyFile;
pub use reload::{ReadError, read_file};
pub use tls::OldestTls;

use callers::Callers;
use certificate::Served;
use connections::Connections;
use consult::Consulting;
use health::Health;
use lifecycle::{Lifecycle, Phase};
use listener::Port;
use memory::Memory;
use metrics::Metrics;
use reviews::Reviews;
use tls::Handshakes;

/// What a server needs to start.
#[derive(Debug, Clone)]
pub struct Server {
    /// Where reviews are answered. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where health and metrics are served.
    pub health: SocketAddr,
    /// The oldest TLS version to accept.
    pub oldest_tls: OldestTls,
    /// The certificate for the API server.
    pub certificate: CertificateSource,
    /// The clients that may send reviews, if certificates are required.
    pub clients: Option<Clients>,
    /// Whether the network lets only the API server in, so that callers need no certificate.
    pub trusts_network: bool,
    /// The policy file, if there is one.
    pub policy: Option<PolicyFile>,
    /// The limits of clients.
    pub limits: Limits,
    /// How to shut down.
    pub drain: Drain,
    /// The time of day, for certificates.
    pub clock: fn() -> SystemTime,
}

/// A server could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// There is no certificate to serve.
    #[error("cannot load the serving certificate")]
    Certificate(#[from] LoadError),
    /// The CA certificates of clients cannot be used.
    #[error("cannot set up client authentication")]
    Clients(#[from] ClientsError),
    /// TLS could not be set up.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// A server whose certificate is loaded and whose ports are open, but which accepts nothing yet.
#[derive(Debug)]
#[must_use]
pub struct Bound {
    server: Server,
    reviews: TcpListener,
    health: TcpListener,
    address: SocketAddr,
    health_address: SocketAddr,
    tls: Arc<ServerConfig>,
    served: Arc<Served>,
    callers: Option<Arc<Callers>>,
}

/// A running server.
#[derive(Debug)]
#[must_use]
pub struct Running {
    drain: Drain,
    lifecycle: Arc<Lifecycle>,
    connections: Arc<Connections>,
    accepting: JoinHandle<()>,
    others: Vec<JoinHandle<()>>,
}

// === impl Server ===

impl Server {
    /// Loads the certificate, then opens both ports.
    pub async fn bind(mut self) -> Result<Bound, BindError> {
        self.limits = descriptors::fit(self.limits);
        let now = (self.clock)();
        let served = Arc::new(Served::new(self.certificate.load(now)?));
        let callers = self.clients.as_ref().map(|it| it.load(now));
        let callers = callers.transpose()?.map(Arc::new);
        let resolver = Arc::<Served>::clone(&served);
        let config = tls::config(self.oldest_tls, resolver, callers.clone())?;
        let (reviews, address) = listen(self.listen).await?;
        let (health, health_address) = listen(self.health).await?;
        Ok(Bound {
            server: self,
            reviews,
            health,
            address,
            health_address,
            tls: Arc::new(config),
            served,
            callers,
        })
    }
}

// === impl Bound ===

impl Bound {
    /// Where reviews are answered, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where health and metrics are served, with the real port.
    pub fn health_address(&self) -> SocketAddr {
        self.health_address
    }

    /// Starts to answer, by the decisions of this guard.
    pub fn spawn(self, guard: Arc<dyn Guard>) -> Running {
        let Self {
            server,
            reviews,
            health,
            address: _,
            health_address: _,
            tls,
            served,
            callers,
        } = self;
        let Server {
            listen: _,
            health: _,
            oldest_tls: _,
            certificate,
            clients,
            trusts_network,
            policy,
            limits,
            drain,
            clock,
        } = server;
        let lifecycle = Arc::new(Lifecycle::new());
        let metrics = Arc::new(Metrics::with(&*guard));
        metrics.certificate_end.set(served.not_after());
        let connections = Connections::new(limits, metrics.connections.clone());
        let connections = Arc::new(connections);
        let memory = Memory::new(&limits, Arc::clone(&connections));
        let memory = Arc::new(memory);
        let review_port = Arc::new(Port {
            routes: Reviews {
                guard: Arc::clone(&guard),
                consulting: Consulting::new(),
                proven: trusts_network || clients.is_some(),
                limits,
                memory: Arc::clone(&memory),
                lifecycle: Arc::clone(&lifecycle),
                metrics: Arc::clone(&metrics),
            },
            tls: Some(Handshakes::new(tls)),
            limits,
            lifecycle: Arc::clone(&lifecycle),
            metrics: Arc::clone(&metrics),
            connections: Arc::clone(&connections),
            others: Arc::clone(&connections),
        });
        let health_port = Arc::new(Port {
            routes: health::routes(Arc::new(Health {
                served: Arc::clone(&served),
                lifecycle: Arc::clone(&lifecycle),
                metrics: Arc::clone(&metrics),
                guard: Arc::clone(&guard),
                clock,
            })),
            tls: None,
            limits,
            // The health port closes last, because it says that the server is shutting down.
            lifecycle: Arc::new(Lifecycle::new()),
            metrics: Arc::clone(&metrics),
            connections: Arc::new(Connections::new(limits.of_health(), Gauge::default())),
            others: Arc::clone(&connections),
        });
        let mut others = vec![
            tokio::spawn(health_port.accept(health)),
            tokio::spawn(memory.keep_some_free()),
        ];
        if let (Some(clients), Some(callers)) = (clients, callers) {
            let fresh = callers::keep_fresh(clients, callers, clock, Arc::clone(&metrics));
            others.push(tokio::spawn(fresh));
        }
        let for_certificate = Arc::clone(&metrics);
        match certificate {
            CertificateSource::Fixed(_) => {}
            CertificateSource::Files(files, every) => {
                let fresh = certificate::keep_fresh(files, every, served, clock, for_certificate);
                others.push(tokio::spawn(fresh));
            }
            CertificateSource::Issued(certificates) => {
                let issued = certificate::keep_issued(certificates, served, for_certificate);
                others.push(tokio::spawn(issued));
            }
        }
        if let Some(file) = policy {
            others.push(tokio::spawn(policy_file::keep_fresh(file, guard, metrics)));
        }
        Running {
            drain,
            lifecycle,
            connections,
            accepting: tokio::spawn(review_port.accept(reviews)),
            others,
        }
    }
}

// === impl Running ===

impl Running {
    /// Stops being ready, keeps serving while that spreads, then closes and lets requests in flight
    /// finish. Takes no longer than the drain's timeout.
    pub async fn drain(self) {
        /// For those who are turned away in the end to hear of it.
        const LAST_WORDS: Duration = Duration::from_millis(500);
        /// For a request that was on its way when its fresh connection was to end.
        const FRESH: Duration = Duration::from_secs(1);

        let Self {
            drain,
            lifecycle,
            connections,
            accepting,
            others,
        } = self;
        let end = Instant::now() + drain.timeout;
        let delay = drain.delay.min(drain.timeout);
        info!(delay = ?delay, timeout = ?drain.timeout, "draining: no longer ready");
        lifecycle.enter(Phase::Leaving);
        sleep(delay / 2).await;
        lifecycle.enter(Phase::Parting);
        sleep(delay / 2).await;

        lifecycle.enter(Phase::Closed);
        let _stopped = accepting.await;
        connections.end(|moment| moment.proven);
        if timeout_at(end.min(Instant::now() + FRESH), connections.empty())
            .await
            .is_err()
        {
            connections.end(|_| true);
        }
        let last_call = end
            .checked_sub(LAST_WORDS.min(drain.timeout / 2))
            .unwrap_or(end);
        if timeout_at(last_call, connections.empty()).await.is_err() {
            lifecycle.enter(Phase::LastCall);
            tokio::select! {
                () = connections.empty() => {}
                () = sleep_until(end) => {
                    let cut = connections.cut();
                    warn!(connections = cut, "drain timed out; cut what was left");
                }
            }
        }
        others.iter().for_each(JoinHandle::abort);
        info!("drained");
    }
}

/// Opens a port. Where `[::]` is asked for and the machine has no IPv6, all of IPv4 is meant.
async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), BindError> {
    let failed = |source| BindError::Listen { address, source };
    let listener = match TcpListener::bind(address).await {
        Err(error) if address.ip() == std::net::Ipv6Addr::UNSPECIFIED && is_no_ipv6(&error) => {
            TcpListener::bind((std::net::Ipv4Addr::UNSPECIFIED, address.port())).await
        }
        other => other,
    }
    .map_err(failed)?;
    let real = listener.local_addr().map_err(failed)?;
    Ok((listener, real))
}

/// A kernel without IPv6 knows no such family (`EAFNOSUPPORT`, 97 on Linux); one where it is switched
/// off has no such address.
fn is_no_ipv6(error: &io::Error) -> bool {
    error.raw_os_error() == Some(97) || error.kind() == io::ErrorKind::AddrNotAvailable
}
