//! Who may send reviews: clients with the API server's certificate, if certificates are required.
//!
//! A valid chain proves little, because clusters sign many clients with one CA; so the name counts too. rustls reads only
//! the name and key of a CA certificate, so its key usage and validity are checked here.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};
use tracing::{info, warn};

use super::metrics::Metrics;
use super::reload::{ReadError, on_change, read_file};
use crate::pki::{self, ClientCa};

/// The clients that may send reviews, by certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clients {
    /// File with the CA certificates of these clients, as PEM.
    pub ca_file: PathBuf,
    /// Their names: the common name, or a DNS name.
    pub names: Vec<String>,
    /// How often the file is checked for changes.
    pub every: Duration,
}

/// The CA certificates of clients cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClientsError {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It holds no certificate, or one that cannot be read.
    #[error("{} holds no readable CA certificates in PEM", path.display())]
    Content {
        /// Which.
        path: PathBuf,
    },
    /// None of its certificates is a valid CA for clients now.
    #[error("{} holds no CA that is valid now: {why}", path.display())]
    Useless {
        /// Which.
        path: PathBuf,
        /// What is wrong with each.
        why: String,
    },
}

/// Requires a client certificate of a CA that can be replaced, and one of the names.
#[derive(Debug)]
pub(super) struct Callers {
    chains: ArcSwap<Chains>,
    names: Vec<String>,
    /// What the file held at start.
    first: Vec<u8>,
}

/// Verifies chains: tries each CA that is valid now.
#[derive(Debug)]
struct Chains(Vec<Chain>);

/// Verifies chains of one CA.
#[derive(Debug)]
struct Chain {
    ca: ClientCa,
    verifier: Arc<dyn ClientCertVerifier>,
}

// === impl Clients ===

impl Clients {
    /// The verifier of handshakes from now on. One of the CAs must be valid at `now`.
    pub(super) fn load(&self, now: SystemTime) -> Result<Callers, ClientsError> {
        let contents = read_file(&self.ca_file)?;
        let chains = self.chains(&contents, now)?;
        Ok(Callers {
            chains: ArcSwap::from_pointee(chains),
            names: self.names.clone(),
            first: contents,
        })
    }

    /// Leaves out certificates that can never sign for a client, and logs them.
    fn chains(&self, contents: &[u8], now: SystemTime) -> Result<Chains, ClientsError> {
        let path = &self.ca_file;
        let bad = || ClientsError::Content { path: path.clone() };
        let mut chains = Vec::new();
        let mut useless = Vec::new();
        let mut vouches = false;
        for certificate in CertificateDer::pem_slice_iter(contents) {
            let certificate = certificate.map_err(|_| bad())?;
            let ca = ClientCa::read(&certificate).map_err(|_| bad())?;
            let checked = ca.check(now);
            vouches |= checked.is_ok();
            if let Err(why) = checked {
                warn!(file = %path.display(), subject = ca.subject, %why, "a client CA vouches for nobody now");
                useless.push(format!("{}: {why}", ca.subject));
            }
            if ca.may_issue {
                chains.push(Chain::new(ca, certificate).ok_or_else(bad)?);
            }
        }
        match (vouches, useless.is_empty()) {
            (true, _) => Ok(Chains(chains)),
            (false, true) => Err(bad()),
            (false, false) => Err(ClientsError::Useless {
                path: path.clone(),
                why: useless.join("; "),
            }),
        }
    }
}

// === impl Chain ===

impl Chain {
    fn new(ca: ClientCa, certificate: CertificateDer<'static>) -> Option<Self> {
        let mut root = RootCertStore::empty();
        root.add(certificate).ok()?;
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(root), provider);
        Some(Self {
            ca,
            verifier: verifier.build().ok()?,
        })
    }
}

// === impl Chains ===

impl Chains {
    /// Whether one of the CAs signed the client's certificate; the last error if none did.
    fn verify(
        &self,
        client: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(now.as_secs());
        let mut refused = CertificateError::UnknownIssuer.into();
        for Chain { ca, verifier } in &self.0 {
            if ca.check(time).is_err() {
                continue;
            }
            match verifier.verify_client_cert(client, intermediates, now) {
                Ok(verified) => return Ok(verified),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }
}

/// Reads the file again at intervals. A new valid file counts for every handshake from then on; an invalid one is logged
/// once and ignored.
pub(super) async fn keep_fresh(
    clients: Clients,
    callers: Arc<Callers>,
    clock: fn() -> SystemTime,
    metrics: Arc<Metrics>,
) {
    let path = clients.ca_file.clone();
    on_change(
        clients.every,
        Some(callers.first.clone()),
        move || read_file(&path),
        |read| {
            let chains = match read {
                Ok(contents) => clients
                    .chains(contents, clock())
                    .map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            match chains {
                Ok(chains) => {
                    callers.chains.store(Arc::new(chains));
                    metrics.reloaded("clients");
                    info!(file = %clients.ca_file.display(), "loaded the changed client CAs");
                }
                Err(error) => {
                    metrics.reloaded("malformed");
                    warn!(%error, "client CAs not reloaded; keeping the last good ones");
                }
            }
        },
    )
    .await;
}

impl ClientCertVerifier for Callers {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let chains = self.chains.load();
        let verified = chains.verify(end_entity, intermediates, now)?;
        if pki::is_called(end_entity, &self.names) {
            Ok(verified)
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = ring::default_provider().signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = ring::default_provider().signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let provider = ring::default_provider();
        provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
