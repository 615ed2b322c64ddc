//! Whose certificate a client shows, and who vouches for it.

use std::time::SystemTime;

use rustls::pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;

use super::serving::{PairError, Validity};
use super::webhook_ca::is_ca;

/// A CA that vouches for clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCa {
    /// Its subject, for people.
    pub subject: String,
    /// Whether it may sign certificates.
    pub may_issue: bool,
    /// When it is valid.
    pub validity: Validity,
}

/// Why a CA vouches for nobody.
#[derive(Debug, thiserror::Error)]
pub enum Useless {
    /// It may not sign certificates.
    #[error("the certificate is not a CA's")]
    NoCa,
    /// It has expired, or is not valid yet.
    #[error(transparent)]
    Time(PairError),
}

// === impl ClientCa ===

impl ClientCa {
    /// Reads a certificate.
    pub fn read(certificate: &CertificateDer<'_>) -> Result<Self, PairError> {
        let validity = Validity::of(certificate)?;
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate)
            .map_err(|error| PairError::Certificate(error.into()))?;
        Ok(Self {
            subject: parsed.subject().to_string(),
            may_issue: is_ca(certificate),
            validity,
        })
    }

    /// Whether it vouches for anybody at `now`, and why not.
    pub fn check(&self, now: SystemTime) -> Result<(), Useless> {
        if !self.may_issue {
            return Err(Useless::NoCa);
        }
        self.validity.check(now).map_err(Useless::Time)
    }
}

/// Whether a certificate's common name, or one of its DNS names, is one of these.
pub fn is_called(certificate: &CertificateDer<'_>, names: &[String]) -> bool {
    let Ok((_, certificate)) = x509_parser::parse_x509_certificate(certificate) else {
        return false;
    };
    let wanted = |name: &str| names.iter().any(|it| it == name);
    let common = certificate
        .subject()
        .iter_common_name()
        .any(|name| name.as_str().is_ok_and(wanted));
    let alternative = certificate.subject_alternative_name().ok().flatten();
    common
        || alternative.is_some_and(|names| {
            let names = names.value.general_names.iter();
            names
                .filter_map(|name| match name {
                    GeneralName::DNSName(name) => Some(*name),
                    _ => None,
                })
                .any(wanted)
        })
}
