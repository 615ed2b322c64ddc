//! The certificate that handshakes show: where it comes from, and how a new one takes its place.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::watch;
use tracing::{info, warn};

use super::metrics::Metrics;
use super::reload::{ReadError, on_change, read_file};
use crate::pki::{Issuance, PairError, ServingCertificate};

/// Where a certificate comes from.
#[derive(Debug, Clone)]
pub enum CertificateSource {
    /// Two PEM files, read again at this interval.
    Files(CertificateFiles, Duration),
    /// One for the life of the process.
    Fixed(ServingCertificate),
    /// Certificates issued while the process runs; no handshake succeeds before the first one.
    Issued(watch::Receiver<Issuance>),
}

/// The two files of a `kubernetes.io/tls` Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain, leaf first: `tls.crt`.
    pub certificate: PathBuf,
    /// The private key: `tls.key`.
    pub key: PathBuf,
}

/// No certificate could be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The files were read, but cannot be served.
    #[error("cannot serve {} with {}", files.certificate.display(), files.key.display())]
    Pair {
        /// Which.
        files: CertificateFiles,
        /// Why.
        source: PairError,
    },
}

/// The certificate served now.
#[derive(Debug)]
pub(super) struct Served {
    current: ArcSwap<Issuance>,
}

/// What the two files held when they were last read.
#[derive(Debug, PartialEq, Eq)]
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

// === impl CertificateSource ===

impl CertificateSource {
    /// Loads the certificate; it must be valid at `now`.
    pub(super) fn load(&self, now: SystemTime) -> Result<Issuance, LoadError> {
        match self {
            Self::Fixed(certificate) => Ok(Issuance::Issued(certificate.clone())),
            Self::Files(files, _) => Ok(Issuance::Issued(files.parse(&files.read()?, now)?)),
            Self::Issued(certificates) => Ok(certificates.borrow().clone()),
        }
    }
}

// === impl CertificateFiles ===

impl CertificateFiles {
    fn read(&self) -> Result<Contents, ReadError> {
        Ok(Contents {
            certificate: read_file(&self.certificate)?,
            key: read_file(&self.key)?,
        })
    }

    fn parse(&self, contents: &Contents, now: SystemTime) -> Result<ServingCertificate, LoadError> {
        ServingCertificate::from_pem(&contents.certificate, &contents.key, now).map_err(|source| {
            LoadError::Pair {
                files: self.clone(),
                source,
            }
        })
    }
}

// === impl LoadError ===

impl LoadError {
    /// A word for metrics, of a closed set.
    fn reason(&self) -> &'static str {
        match self {
            Self::Read(error) => error.reason(),
            Self::Pair { source, .. } => source.reason(),
        }
    }
}

// === impl Served ===

impl Served {
    pub(super) fn new(certificate: Issuance) -> Self {
        Self {
            current: ArcSwap::from_pointee(certificate),
        }
    }

    /// Whether the served certificate is valid, and why not.
    pub(super) fn check(&self, now: SystemTime) -> Result<(), String> {
        match &**self.current.load() {
            Issuance::Awaited(what) => Err(what.clone()),
            Issuance::Issued(certificate) => {
                let checked = certificate.validity().check(now);
                checked.map_err(|error| error.to_string())
            }
        }
    }

    /// When the served certificate expires, in seconds since 1970; 0 if there is none.
    pub(super) fn not_after(&self) -> i64 {
        match &**self.current.load() {
            Issuance::Awaited(_) => 0,
            Issuance::Issued(certificate) => certificate.validity().not_after,
        }
    }

    /// The certificate for handshakes.
    fn certified(&self) -> Option<Arc<CertifiedKey>> {
        match &**self.current.load() {
            Issuance::Awaited(_) => None,
            Issuance::Issued(certificate) => Some(Arc::clone(certificate.certified())),
        }
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.certified()
    }
}

/// Serves each newly issued certificate.
pub(super) async fn keep_issued(
    mut certificates: watch::Receiver<Issuance>,
    served: Arc<Served>,
    metrics: Arc<Metrics>,
) {
    // The issuer runs as long as the server.
    while certificates.changed().await.is_ok() {
        let current = certificates.borrow_and_update().clone();
        match current {
            Issuance::Awaited(_) => served.current.store(Arc::new(current)),
            Issuance::Issued(certificate) => replace(&served, certificate, false, &metrics),
        }
    }
}

/// Reads the files again at intervals. A new valid certificate is served from then on; an invalid one is logged
/// once and ignored.
pub(super) async fn keep_fresh(
    files: CertificateFiles,
    every: Duration,
    served: Arc<Served>,
    clock: fn() -> SystemTime,
    metrics: Arc<Metrics>,
) {
    let reader = files.clone();
    let mut first = true;
    on_change(
        every,
        None,
        move || reader.read(),
        |read| {
            match read {
                Ok(contents) => match files.parse(contents, clock()) {
                    Ok(certificate) => replace(&served, certificate, first, &metrics),
                    Err(error) => keep(&files, &error, error.reason(), &metrics),
                },
                Err(error) => keep(&files, error, error.reason(), &metrics),
            }
            first = false;
        },
    )
    .await;
}

fn replace(served: &Served, certificate: ServingCertificate, first: bool, metrics: &Metrics) {
    let same = served
        .certified()
        .is_some_and(|current| current.cert == certificate.certified().cert);
    // Compares with what was read at start, in case the files changed in between.
    if first && same {
        return;
    }
    let validity = certificate.validity();
    served
        .current
        .store(Arc::new(Issuance::Issued(certificate)));
    metrics.certificate_end.set(validity.not_after);
    metrics.reloaded("loaded");
    let not_after = validity.end_text();
    info!(not_after, "serving a new certificate");
}

fn keep(files: &CertificateFiles, error: &dyn Error, reason: &'static str, metrics: &Metrics) {
    metrics.reloaded(reason);
    let cause = error.source().map(ToString::to_string);
    warn!(
        error = %error,
        cause = cause.as_deref().unwrap_or_default(),
        certificate = %files.certificate.display(),
        key = %files.key.display(),
        "certificate not reloaded; keeping the last good one"
    );
}
