//! Where the certificate of `serve` comes from: files, or the guard's own CA.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::Args;

use super::duration::duration;
use crate::cluster::certificate::{CertificateMetrics, Keeper, Times};
use crate::cluster::{Reach, Registered};
use crate::installation::{CA_SECRET, SERVICE_PORT};
use crate::pki;
use crate::server::{CertificateFiles, CertificateSource, Clients};

/// Files that are read more often than this are only read in vain.
const SHORTEST_RELOAD: Duration = Duration::from_millis(100);
/// How long the certificate of `--standalone` is valid; it is made anew at each start.
const STANDALONE_LIFETIME: Duration = Duration::from_hours(365 * 24);

/// The options of the serving certificate.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Certificate")]
pub(super) struct CertificateArguments {
    /// Certificate chain in PEM, leaf first; read again when it changes. Without it, tiller-guard issues its own
    /// certificates from a CA in the Secret tiller-guard-ca, and writes that CA into its webhook configurations
    #[arg(long, value_name = "FILE", requires = "tls_key_file")]
    pub(super) tls_cert_file: Option<PathBuf>,

    /// Private key of the certificate in PEM; read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_cert_file")]
    pub(super) tls_key_file: Option<PathBuf>,

    /// Require a client certificate of a CA in this PEM file; read again when it changes. The API server shows one
    /// only if its admission configuration says so
    #[arg(long, value_name = "FILE", requires = "client_name")]
    client_ca_file: Option<PathBuf>,

    /// Common name or DNS name that a client certificate must have (repeatable)
    #[arg(long, value_name = "NAME", requires = "client_ca_file")]
    client_name: Vec<String>,

    /// Treat every caller as the API server, if the network lets nobody else reach the port: refusals become
    /// Events. Without it and --client-ca-file, reviews are judged as usual, but write no Events and are logged as
    /// caller="unproven"
    #[arg(long, conflicts_with = "client_ca_file")]
    pub(super) trust_network: bool,

    /// How often to check the certificate files for changes
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    tls_reload_interval: Duration,

    /// Service by which the API server reaches this webhook
    #[arg(long, value_name = "NAME", default_value = "tiller-guard")]
    service_name: String,

    /// Port of the Service, used to check the webhook configurations
    #[arg(long, value_name = "PORT", default_value_t = SERVICE_PORT, value_parser = clap::value_parser!(u16).range(1..))]
    service_port: u16,

    /// Write webhook configurations that somebody edited or deleted back as `install` writes them
    #[arg(long)]
    restore_webhooks: bool,

    /// Lifetime of tiller-guard's own certificates [default: 7d]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    certificate_lifetime: Option<Duration>,

    /// Lifetime of tiller-guard's own CA [default: 365d]
    #[arg(long = "authority-lifetime", value_name = "DURATION", value_parser = duration)]
    ca_lifetime: Option<Duration>,

    /// How often to check the CA's Secret and the webhook configurations [default: 10s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    certificate_interval: Option<Duration>,
}

impl CertificateArguments {
    /// Who may ask, where that is told by certificate.
    pub(super) fn clients(&self) -> Option<Clients> {
        let ca_file = self.client_ca_file.clone()?;
        Some(Clients {
            ca_file,
            names: self.client_name.clone(),
            every: self.tls_reload_interval.max(SHORTEST_RELOAD),
        })
    }

    /// How the webhook configurations are to lead here.
    pub(super) fn registered(&self) -> Registered {
        Registered {
            service: self.service_name.clone(),
            port: self.service_port,
            every: self.interval(),
            restores: self.restore_webhooks,
        }
    }

    fn interval(&self) -> Duration {
        let usual = Times::default().every;
        let interval = self.certificate_interval.unwrap_or(usual);
        interval.max(SHORTEST_RELOAD)
    }

    /// The files, if they are named, or what is issued by our own CA, kept in this namespace. Call it within a
    /// runtime: it starts a task, which tells how it fares.
    pub(super) fn source(
        self,
        reach: Reach,
        namespace: &str,
    ) -> (CertificateSource, Option<CertificateMetrics>) {
        let interval = self.interval();
        if let (Some(certificate), Some(key)) = (self.tls_cert_file, self.tls_key_file) {
            let every = self.tls_reload_interval.max(SHORTEST_RELOAD);
            let files = CertificateFiles { certificate, key };
            return (CertificateSource::Files(files, every), None);
        }
        let host = format!("{}.{namespace}.svc", self.service_name);
        let usual = Times::default();
        let metrics = CertificateMetrics::default();
        let keeper = Keeper {
            reach,
            namespace: namespace.to_owned(),
            secret: CA_SECRET.to_owned(),
            names: vec![format!("{host}.cluster.local"), host],
            times: Times {
                ca: self.ca_lifetime.unwrap_or(usual.ca),
                leaf: self.certificate_lifetime.unwrap_or(usual.leaf),
                every: interval,
            },
            clock: SystemTime::now,
            metrics: metrics.clone(),
        };
        (CertificateSource::Issued(keeper.start()), Some(metrics))
    }
}

/// A certificate that nobody else signed, for this address and the loopback ones.
pub(super) fn self_signed(address: IpAddr) -> anyhow::Result<CertificateSource> {
    let mut names = vec![
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "::1".to_owned(),
    ];
    let own = address.to_string();
    if !names.contains(&own) && !address.is_unspecified() {
        names.push(own);
    }
    let made = pki::self_signed(names, SystemTime::now(), STANDALONE_LIFETIME)?;
    Ok(CertificateSource::Fixed(made))
}
