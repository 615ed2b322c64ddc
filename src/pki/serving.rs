//! The certificate a server shows, with its private key: read from PEM, and trusted only once the two
//! are known to belong together.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use x509_parser::time::ASN1Time;

use super::self_signed::BACKDATED;

/// A certificate chain and the private key of its first certificate, checked against each other.
#[derive(Debug, Clone)]
pub struct ServingCertificate {
    certified: Arc<CertifiedKey>,
    validity: Validity,
}

/// From when until when a certificate is valid, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first valid second.
    pub not_before: i64,
    /// The last valid second.
    pub not_after: i64,
}

/// A certificate and a key that cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// The certificate's text is no PEM.
    #[error("the certificate is not valid PEM")]
    CertificatePem(#[source] pem::Error),
    /// There is no `CERTIFICATE` block.
    #[error("there is no CERTIFICATE block")]
    NoCertificate,
    /// The first certificate is no X.509.
    #[error("the first certificate is not valid X.509")]
    Certificate(#[source] x509_parser::error::X509Error),
    /// The key's text is no PEM, or holds no private key.
    #[error("there is no readable PRIVATE KEY block")]
    KeyPem(#[source] pem::Error),
    /// The key is of a kind or size that is not served.
    #[error(
        "the private key cannot be used; ECDSA P-256, P-384, Ed25519 and RSA of 2048 bits or more can"
    )]
    Key(#[source] rustls::Error),
    /// The key belongs to another certificate.
    #[error("the private key does not belong to the first certificate")]
    Mismatched,
    /// The certificate has expired.
    #[error("the certificate expired at {0}")]
    Expired(String),
    /// The certificate's time has not come.
    #[error("the certificate is not valid before {0}")]
    NotYetValid(String),
}

// === impl ServingCertificate ===

impl ServingCertificate {
    /// Reads a chain, leaf first, and its key from PEM. It must be valid at `now`.
    pub fn from_pem(chain: &[u8], key: &[u8], now: SystemTime) -> Result<Self, PairError> {
        let chain = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<Vec<_>, _>>()
            .map_err(PairError::CertificatePem)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(PairError::KeyPem)?;
        let serving = Self::from_der(chain, key)?;
        serving.validity.check(now)?;
        Ok(serving)
    }

    /// Joins a chain, leaf first, and its key. Their time is not looked at.
    pub fn from_der(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, PairError> {
        let validity = Validity::of(chain.first().ok_or(PairError::NoCertificate)?)?;
        let certified =
            CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| {
                match error {
                    rustls::Error::InconsistentKeys(_) => PairError::Mismatched,
                    other => PairError::Key(other),
                }
            })?;
        Ok(Self {
            certified: Arc::new(certified),
            validity,
        })
    }

    /// What rustls serves.
    pub fn certified(&self) -> &Arc<CertifiedKey> {
        &self.certified
    }

    /// When the first certificate is valid.
    pub fn validity(&self) -> Validity {
        self.validity
    }
}

// === impl Validity ===

impl Validity {
    /// Reads the time of a certificate.
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Result<Self, PairError> {
        let (_, certificate) = x509_parser::parse_x509_certificate(certificate)
            .map_err(|error| PairError::Certificate(error.into()))?;
        let validity = certificate.validity();
        Ok(Self {
            not_before: validity.not_before.timestamp(),
            not_after: validity.not_after.timestamp(),
        })
    }

    /// Whether it is time for the next one: two thirds of the life of a certificate of ours have passed at `now`, or it does not hold
    /// then, as where a clock ran ahead and was set back.
    pub fn is_due(self, now: SystemTime) -> bool {
        if self.check(now).is_err() {
            return true;
        }
        let backdated = BACKDATED.as_secs().cast_signed();
        let whole = self.not_after.saturating_sub(self.not_before);
        // One of ours lasts longer than it is backdated.
        let begin = if whole > backdated {
            self.not_before.saturating_add(backdated)
        } else {
            self.not_before
        };
        let life = self.not_after.saturating_sub(begin);
        seconds(now).saturating_sub(begin) >= life.saturating_mul(2) / 3
    }

    /// The last valid second as a time of day.
    pub(super) fn end(self) -> SystemTime {
        u64::try_from(self.not_after).map_or(UNIX_EPOCH, |seconds| {
            UNIX_EPOCH + Duration::from_secs(seconds)
        })
    }

    /// Whether a certificate of this time is valid at `now`, and why not.
    pub fn check(self, now: SystemTime) -> Result<(), PairError> {
        let now = seconds(now);
        if now < self.not_before {
            return Err(PairError::NotYetValid(written(self.not_before)));
        }
        if now > self.not_after {
            return Err(PairError::Expired(written(self.not_after)));
        }
        Ok(())
    }

    /// What ends at this time in RFC 3339, and has always been valid.
    pub fn until(text: &str) -> Option<Self> {
        let end = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        Some(Self {
            not_before: 0,
            not_after: end.unix_timestamp(),
        })
    }

    /// The last valid second, in RFC 3339.
    pub fn end_text(self) -> String {
        let end = OffsetDateTime::from_unix_timestamp(self.not_after);
        let text = end.ok().and_then(|end| end.format(&Rfc3339).ok());
        text.unwrap_or_else(|| written(self.not_after))
    }

    /// How long it is valid from `now` on; zero if it has expired.
    pub fn left(self, now: SystemTime) -> Duration {
        between(seconds(now), self.not_after)
    }

    /// How long it lasts in all.
    pub fn lifetime(self) -> Duration {
        between(self.not_before, self.not_after)
    }
}

fn between(from: i64, until: i64) -> Duration {
    Duration::from_secs(u64::try_from(until.saturating_sub(from)).unwrap_or(0))
}

// === impl PairError ===

impl PairError {
    /// A word for metrics, of a closed set.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::CertificatePem(_)
            | Self::NoCertificate
            | Self::Certificate(_)
            | Self::KeyPem(_)
            | Self::Key(_) => "malformed",
            Self::Mismatched => "mismatched",
            Self::Expired(_) => "expired",
            Self::NotYetValid(_) => "not_yet_valid",
        }
    }
}

/// Seconds since 1970; the end of time where that does not fit.
fn seconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(before) => {
            i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |seconds| -seconds)
        }
    }
}

/// A time for people.
fn written(timestamp: i64) -> String {
    ASN1Time::from_timestamp(timestamp)
        .map_or_else(|_| format!("second {timestamp}"), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{PairError, ServingCertificate};
    use rcgen::{CertificateParams, KeyPair, PKCS_ED25519};

    const NOW: Duration = Duration::from_hours(500_000);

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + NOW
    }

    fn pem(from: SystemTime, until: SystemTime) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(vec!["tiller-guard".to_owned()]).unwrap();
        parameters.not_before = from.into();
        parameters.not_after = until.into();
        let certificate = parameters.self_signed(&key).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    fn hours(count: u64) -> Duration {
        Duration::from_secs(3600 * count)
    }

    fn read(chain: &str, key: &str) -> Result<ServingCertificate, PairError> {
        ServingCertificate::from_pem(chain.as_bytes(), key.as_bytes(), now())
    }

    #[test]
    fn a_pair_is_read_with_its_time() {
        let (chain, key) = pem(now() - hours(1), now() + hours(1));
        let validity = read(&chain, &key).unwrap().validity();
        assert_eq!(validity.not_after - validity.not_before, 7200);
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let (chain, _) = pem(now() - hours(1), now() + hours(1));
        let (_, key) = pem(now() - hours(1), now() + hours(1));
        assert!(matches!(read(&chain, &key), Err(PairError::Mismatched)));
        let other_kind = KeyPair::generate_for(&PKCS_ED25519)
            .unwrap()
            .serialize_pem();
        assert!(matches!(
            read(&chain, &other_kind),
            Err(PairError::Mismatched)
        ));
    }

    #[test]
    fn a_pair_out_of_its_time_is_refused() {
        let (chain, key) = pem(now() - hours(2), now() - hours(1));
        assert_eq!(
            read(&chain, &key).unwrap_err().to_string(),
            "the certificate expired at Jan 15 07:00:00 2027 +00:00"
        );
        let (chain, key) = pem(now() + hours(1), now() + hours(2));
        assert!(matches!(read(&chain, &key), Err(PairError::NotYetValid(_))));
    }

    #[test]
    fn what_is_no_pem_is_refused() {
        let (chain, key) = pem(now() - hours(1), now() + hours(1));
        let (half, _) = chain.split_at(chain.len() / 2);
        assert!(matches!(read("", &key), Err(PairError::NoCertificate)));
        assert!(matches!(
            read(half, &key),
            Err(PairError::CertificatePem(_))
        ));
        assert!(matches!(read(&chain, ""), Err(PairError::KeyPem(_))));
        assert!(matches!(read(&chain, &chain), Err(PairError::KeyPem(_))));
        let no_x509 = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(
            read(no_x509, &key),
            Err(PairError::Certificate(_))
        ));
    }
}
