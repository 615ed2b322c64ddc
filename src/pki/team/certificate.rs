//! What is known of a certificate.

use std::fmt;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{Digest, SHA256, digest};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::extensions::GeneralName;

use super::{Holder, MAX_PEM, Usage};
use crate::pki::Validity;

/// A certificate, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    der: CertificateDer<'static>,
    holder: Holder,
    usage: Usage,
    names: Vec<String>,
    validity: Validity,
}

/// A SHA-256, of a certificate for the most part.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 32]);

/// A certificate cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The text is too large.
    #[error("the certificate's text is larger than {} KiB", MAX_PEM >> 10)]
    TooLarge,
    /// The text is no PEM.
    #[error("the certificate is not valid PEM")]
    Pem(#[source] pem::Error),
    /// There is no `CERTIFICATE` block.
    #[error("there is no CERTIFICATE block")]
    None,
    /// A block is no X.509.
    #[error("the certificate is not valid X.509")]
    X509(#[source] X509Error),
}

// === impl Certificate ===

impl Certificate {
    /// Reads the first certificate of a PEM text.
    pub fn read(pem: &[u8]) -> Result<Self, CertificateError> {
        let mut all = Self::read_all(pem)?.into_iter();
        all.next().ok_or(CertificateError::None)
    }

    /// Reads every certificate of a PEM text, of which there is at least one.
    pub fn read_all(pem: &[u8]) -> Result<Vec<Self>, CertificateError> {
        if pem.len() > MAX_PEM {
            return Err(CertificateError::TooLarge);
        }
        let all = CertificateDer::pem_slice_iter(pem)
            .map(|der| Self::of(der.map_err(CertificateError::Pem)?))
            .collect::<Result<Vec<_>, _>>()?;
        if all.is_empty() {
            return Err(CertificateError::None);
        }
        Ok(all)
    }

    pub(super) fn of(der: CertificateDer<'static>) -> Result<Self, CertificateError> {
        let x509 = parse(&der).map_err(CertificateError::X509)?;
        let validity = Validity {
            not_before: x509.validity().not_before.timestamp(),
            not_after: x509.validity().not_after.timestamp(),
        };
        let (holder, usage, names) = (Holder::of(&x509), Usage::of(&x509), names(&x509));
        Ok(Self {
            der,
            holder,
            usage,
            names,
            validity,
        })
    }

    /// The certificate as PEM.
    pub fn pem(&self) -> String {
        let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
        let text = STANDARD.encode(&self.der);
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (line, next) = rest.split_at_checked(64).unwrap_or((rest, ""));
            pem.push_str(line);
            pem.push('\n');
            rest = next;
        }
        pem.push_str("-----END CERTIFICATE-----\n");
        pem
    }

    /// The certificate as DER.
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// Whose it is.
    pub fn holder(&self) -> &Holder {
        &self.holder
    }

    /// What it is for.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// The names and addresses of a server, sorted.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// From when until when it is valid.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Its SHA-256.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.der)
    }

    /// Whether the key of this certificate has signed the other one.
    pub fn has_issued(&self, other: &Self) -> bool {
        let (own, other) = (parse(&self.der), parse(&other.der));
        let (Ok(own), Ok(other)) = (own, other) else {
            return false;
        };
        own.subject().as_raw() == other.issuer().as_raw()
            && other.verify_signature(Some(own.public_key())).is_ok()
    }

    /// How long it is still valid; nothing where it has expired.
    pub fn left(&self, now: SystemTime) -> Duration {
        self.validity.left(now)
    }

    /// Whether it is time for a new one: less than a third of its lifetime is left, or it is not valid yet, as
    /// after a clock was wrong.
    pub fn is_due(&self, now: SystemTime) -> bool {
        self.validity.check(now).is_err() || self.left(now) < self.validity.lifetime() / 3
    }
}

/// The parsed form, without anything behind it.
pub(super) fn parse<'d>(der: &'d CertificateDer<'_>) -> Result<X509Certificate<'d>, X509Error> {
    match x509_parser::parse_x509_certificate(der) {
        Ok(([], certificate)) => Ok(certificate),
        Ok(_) => Err(X509Error::InvalidCertificate),
        Err(error) => Err(error.into()),
    }
}

/// The subject alternative names that a server is found by.
fn names(x509: &X509Certificate<'_>) -> Vec<String> {
    let names = x509.subject_alternative_name().ok().flatten();
    let names = names.into_iter().flat_map(|it| &it.value.general_names);
    let mut names: Vec<_> = names
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(octets) => address(octets),
            _ => None,
        })
        .collect();
    names.sort_unstable();
    names
}

fn address(octets: &[u8]) -> Option<String> {
    let short = <[u8; 4]>::try_from(octets).map(std::net::IpAddr::from);
    let long = <[u8; 16]>::try_from(octets).map(std::net::IpAddr::from);
    Some(short.or(long).ok()?.to_string())
}

// === impl Fingerprint ===

impl Fingerprint {
    /// The SHA-256 of anything.
    pub fn of(content: &[u8]) -> Self {
        Self::of_digest(&digest(&SHA256, content))
    }

    pub(super) fn of_digest(digest: &Digest) -> Self {
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest.as_ref());
        Self(fingerprint)
    }
}

/// In hex, without colons.
impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|octet| write!(formatter, "{octet:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
