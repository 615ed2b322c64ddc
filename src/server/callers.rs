//! Who may ask: the API server's own certificate, where it is asked for one.
//!
//! The chain alone proves little, since clusters sign many clients with one authority; so the name counts too.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

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
use crate::pki;

/// Who may ask, by certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clients {
    /// PEM of the authorities of their certificates.
    pub authorities: PathBuf,
    /// Their names: the common name, or a DNS name.
    pub names: Vec<String>,
    /// How often the file is looked at.
    pub every: Duration,
}

/// The authorities of clients cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClientsError {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It holds no certificate of an authority, or one that cannot be read.
    #[error("{} holds no readable CA certificates in PEM", path.display())]
    Content {
        /// Which.
        path: PathBuf,
    },
}

/// Asks clients for a certificate of an authority that can be replaced, and for a name.
#[derive(Debug)]
pub(super) struct Callers {
    chains: ArcSwap<Chains>,
    names: Vec<String>,
}

/// What examines chains.
#[derive(Debug)]
struct Chains(Arc<dyn ClientCertVerifier>);

// === impl Clients ===

impl Clients {
    /// What handshakes ask for from now on.
    pub(super) fn load(&self) -> Result<Callers, ClientsError> {
        let contents = read_file(&self.authorities)?;
        let chains = self.chains(&contents)?;
        Ok(Callers {
            chains: ArcSwap::from_pointee(chains),
            names: self.names.clone(),
        })
    }

    fn chains(&self, contents: &[u8]) -> Result<Chains, ClientsError> {
        let bad = || ClientsError::Content {
            path: self.authorities.clone(),
        };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(contents) {
            let certificate = certificate.map_err(|_| bad())?;
            roots.add(certificate).map_err(|_| bad())?;
        }
        let provider = Arc::new(ring::default_provider());
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map(Chains)
            .map_err(|_| bad())
    }
}

/// Reads the file again and again; what is new and good counts for every handshake from then on, what is bad is told
/// once and left.
pub(super) async fn keep_fresh(clients: Clients, callers: Arc<Callers>, metrics: Arc<Metrics>) {
    let path = clients.authorities.clone();
    let mut first = true;
    on_change(
        clients.every,
        None,
        move || read_file(&path),
        |read| {
            let chains = match read {
                Ok(contents) => clients.chains(contents).map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            match chains {
                Ok(_) if first => {}
                Ok(chains) => {
                    callers.chains.store(Arc::new(chains));
                    metrics.reloaded("clients");
                    info!(file = %clients.authorities.display(), "loaded the changed client CAs");
                }
                Err(error) => {
                    metrics.reloaded("malformed");
                    warn!(%error, "client CAs not reloaded; keeping the last good ones");
                }
            }
            first = false;
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
        let verified = chains
            .0
            .verify_client_cert(end_entity, intermediates, now)?;
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
