//! `tiller-guard serve`: the webhook.

use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use tokio::runtime::{self, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use super::certificate::{CertificateArguments, self_signed};
use super::duration::duration;
use super::live::{LiveArguments, LiveCluster, LiveGuard};
use super::logs::{self, LogFormat, LogLevel};
use super::policy_options::PolicyArguments;
use crate::cluster::Watches;
use crate::server::{BindError, Bound, Drain, Limits, OldestTls, Server};

/// The port of the review listener where none is given.
const REVIEW_PORT: u16 = 8443;
/// The port of the health listener where none is given.
const HEALTH_PORT: u16 = 8081;
/// Reviews take microseconds: more threads than this only cost memory.
const MOST_WORKERS: usize = 4;
/// Files that are read more often than this are only read in vain.
const SHORTEST_RELOAD: Duration = Duration::from_millis(100);
/// How long a pod that ends is still sent requests, with room to spare.
const DRAIN_DELAY: Duration = Duration::from_secs(10);

/// Serve the webhook to the API server
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Run without a cluster: self-signed certificate, default policy, loopback only
    #[arg(long, conflicts_with_all = ["tls_cert_file", "tls_key_file", "without_cluster", "kubeconfig", "context", "namespace", "audit_interval"])]
    standalone: bool,
    /// Address on which reviews are answered, as IP:PORT [default: `[::]:8443`; with --standalone 127.0.0.1:8443]
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    listen: Option<SocketAddr>,
    /// Address of /livez, /readyz and /metrics, as IP:PORT [default: `[::]:8081`; with --standalone 127.0.0.1:8081]
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    health_address: Option<SocketAddr>,
    /// Oldest TLS version to accept
    #[arg(long, value_name = "VERSION", default_value = "1.3")]
    tls_min_version: TlsVersion,
    /// How long to keep serving after SIGTERM, while the cluster removes this pod from the Service [default: 10s;
    /// with --standalone 0]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    drain_delay: Option<Duration>,
    /// How long the whole shutdown may take, including the delay
    #[arg(long, value_name = "DURATION", default_value = "25s", value_parser = duration)]
    drain_timeout: Duration,
    /// Threads that answer reviews [default: one per CPU, at most 4]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,
    /// How often to check the policy file for changes
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    policy_reload_interval: Duration,
    /// Format of log lines
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
    /// What to log
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: LogLevel,
    #[command(flatten)]
    certificate: CertificateArguments,
    #[command(flatten)]
    cluster: LiveArguments,
    #[command(flatten)]
    policy: PolicyArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum TlsVersion {
    #[value(name = "1.2")]
    Tls12,
    #[value(name = "1.3")]
    Tls13,
}

/// What the arguments mean.
struct Options {
    server: Server,
    guard: LiveGuard,
    watches: Option<Watches>,
    standalone: bool,
    /// Whether whoever asks is known to be the API server.
    proven: bool,
}

/// The signals that ask a process to go.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

/// Serves until a signal, then drains.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let _logs =
        logs::install(arguments.log_format, arguments.log_level).context("cannot start to log")?;
    let workers = arguments.workers.map_or_else(default_workers, usize::from);
    let runtime = threads(workers).context("cannot start threads")?;
    let code = runtime.block_on(async { serve(Options::resolve(arguments)?).await });
    runtime.shutdown_background();
    code
}

async fn serve(options: Options) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    let bound = options.server.bind().await.map_err(advise)?;
    announce(&bound, options.standalone)?;
    if !options.proven {
        info!("callers are not authenticated: no Events; see --client-ca-file");
    }
    let running = bound.spawn(Arc::new(options.guard));
    tokio::select! {
        _ = signals.next() => {}
        error = watch(options.watches) => return Err(error),
    }
    tokio::select! {
        () = running.drain() => Ok(ExitCode::SUCCESS),
        code = signals.next() => {
            warn!("second signal: exiting at once");
            Ok(ExitCode::from(code))
        }
    }
}

/// Watches the cluster, if there is one, for ever. Ends with why it cannot be watched.
async fn watch(watches: Option<Watches>) -> anyhow::Error {
    if let Some(watches) = watches
        && let Err(error) = watches.run().await
    {
        return anyhow::Error::new(error)
            .context("pass --without-cluster to run without a cluster");
    }
    std::future::pending().await
}

/// What to do about a server that cannot start.
fn advise(error: BindError) -> anyhow::Error {
    let advice = match error {
        BindError::Certificate(_) => {
            "pass a valid certificate and its key to --tls-cert-file and --tls-key-file"
        }
        BindError::Clients(_) => "pass a PEM file of CA certificates to --client-ca-file",
        BindError::Listen { .. } => {
            "pass free addresses of this machine to --listen and --health-address"
        }
        BindError::Tls(_) => "this build cannot serve TLS",
    };
    anyhow::Error::new(error).context(advice)
}

/// Says where the server listens: to a person on stdout, and to the log otherwise.
fn announce(bound: &Bound, standalone: bool) -> anyhow::Result<()> {
    /// A Tiller in kube-system, which no policy allows.
    const REVIEW: &str = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","operation":"CREATE","namespace":"kube-system","kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},"object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"tiller"},"spec":{"containers":[{"name":"tiller","image":"ghcr.io/helm/tiller:v2.17.0"}]}}}}"#;

    let (address, health) = (bound.address(), bound.health_address());
    if standalone {
        writeln!(
            io::stdout(),
            "tiller-guard listens on https://{address} (health on http://{health}); try: \
             curl -k --tlsv1.3 -H 'Content-Type: application/json' --data '{REVIEW}' https://{address}/validate"
        )
        .context("cannot write to stdout")?;
    } else {
        info!(%address, %health, version = env!("CARGO_PKG_VERSION"), "listening");
    }
    Ok(())
}

/// One thread needs no scheduler that balances several.
fn threads(workers: usize) -> io::Result<Runtime> {
    match workers {
        1 => runtime::Builder::new_current_thread().enable_all().build(),
        _ => runtime::Builder::new_multi_thread()
            .worker_threads(workers)
            .enable_all()
            .build(),
    }
}

// === impl Options ===

impl Options {
    fn resolve(arguments: Arguments) -> anyhow::Result<Self> {
        let Arguments {
            standalone,
            listen,
            health_address,
            tls_min_version,
            drain_delay,
            drain_timeout,
            workers: _,
            policy_reload_interval,
            log_format: _,
            log_level: _,
            cluster,
            certificate,
            policy,
        } = arguments;
        let (host, delay) = if standalone {
            (IpAddr::V4(Ipv4Addr::LOCALHOST), Duration::ZERO)
        } else {
            (IpAddr::V6(Ipv6Addr::UNSPECIFIED), DRAIN_DELAY)
        };
        let listen = listen.unwrap_or_else(|| SocketAddr::new(host, REVIEW_PORT));
        let (clients, registered) = (certificate.clients(), certificate.registered());
        let trusts_network = certificate.trust_network;
        let proven = trusts_network || clients.is_some();
        let (certificate, metrics) = if standalone {
            (self_signed(listen.ip())?, None)
        } else {
            certificate.source(cluster.reach(), &cluster.namespace())
        };
        let policy = policy.follow(policy_reload_interval.max(SHORTEST_RELOAD))?;
        let watches = if standalone {
            None
        } else {
            cluster.watches(registered, &policy.current)
        };
        let live = watches.as_ref().map(|watches| LiveCluster {
            knowledge: watches.live(),
            recorder: cluster.recorder(),
            certificate: metrics,
        });
        Ok(Self {
            server: Server {
                listen,
                health: health_address.unwrap_or_else(|| SocketAddr::new(host, HEALTH_PORT)),
                oldest_tls: tls_min_version.into(),
                certificate,
                clients,
                trusts_network,
                policy: policy.file.clone(),
                limits: Limits::default(),
                drain: Drain {
                    delay: drain_delay.unwrap_or(delay),
                    timeout: drain_timeout,
                },
                clock: SystemTime::now,
            },
            guard: LiveGuard {
                policy,
                cluster: live,
            },
            watches,
            standalone,
            proven,
        })
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "expected IP:PORT, such as 127.0.0.1:8443 or [::]:8443".to_owned())
}

fn default_workers() -> usize {
    available_parallelism().map_or(1, |count| count.get().min(MOST_WORKERS))
}

impl From<TlsVersion> for OldestTls {
    fn from(version: TlsVersion) -> Self {
        match version {
            TlsVersion::Tls12 => Self::Tls12,
            TlsVersion::Tls13 => Self::Tls13,
        }
    }
}

// === impl Signals ===

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The exit code by which shells know a process that the next signal ended: 128 and its number.
    async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.terminate.recv() => 128 + 15,
            _ = self.interrupt.recv() => 128 + 2,
        }
    }
}
