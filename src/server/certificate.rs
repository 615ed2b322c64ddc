//! The certificate that handshakes show: where it comes from, and how a new one takes its place.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tracing::{info, warn};

use super::metrics::Metrics;
use super::reload::{ReadError, on_change, read_file};
use crate::pki::{PairError, ServingCertificate};

/// Where a certificate comes from.
#[derive(Debug, Clone)]
pub enum CertificateSource {
    /// Two PEM files, read again at this interval.
    Files(CertificateFiles, Duration),
    /// One for the life of the process.
    Fixed(ServingCertificate),
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
    current: ArcSwap<ServingCertificate>,
}

/// What the two files held when they were last looked at.
#[derive(Debug, PartialEq, Eq)]
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

// === impl CertificateSource ===

impl CertificateSource {
    /// Loads the certificate; it must be valid at `now`.
    pub(super) fn load(&self, now: SystemTime) -> Result<ServingCertificate, LoadError> {
        match self {
            Self::Fixed(certificate) => Ok(certificate.clone()),
            Self::Files(files, _) => files.parse(&files.read()?, now),
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
    pub(super) fn new(certificate: ServingCertificate) -> Self {
        Self {
            current: ArcSwap::from_pointee(certificate),
        }
    }

    /// Whether the served certificate is valid, and why not.
    pub(super) fn check(&self, now: SystemTime) -> Result<(), PairError> {
        self.current.load().validity().check(now)
    }

    /// When the served certificate ends, in seconds since 1970.
    pub(super) fn not_after(&self) -> i64 {
        self.current.load().validity().not_after
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(self.current.load().certified()))
    }
}

/// Reads the files again and again; what is new and good is served from then on, what is bad is told
/// once and left.
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
    let same = served.current.load().certified().cert == certificate.certified().cert;
    // What was read at start is looked at once more here, in case it changed in between.
    if first && same {
        return;
    }
    let not_after = certificate.validity().not_after;
    served.current.store(Arc::new(certificate));
    metrics.certificate_end.set(not_after);
    metrics.reloaded("loaded");
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
