//! The bundle by which the API server knows the CAs of the webhook's certificates.

use std::collections::BTreeSet;
use std::time::SystemTime;

use rustls::pki_types::CertificateDer;
use x509_parser::pem::Pem;

use super::serving::{PairError, Validity};
use super::webhook_ca::{SUBJECT, WebhookCa, is_ca};

/// More than any bundle of ours; what is longer is not parsed.
const LARGEST_BUNDLE: usize = 256 * 1024;

/// The CAs that the API server accepts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bundle {
    /// When each ends, and its certificate.
    ca_certificates: BTreeSet<(i64, Vec<u8>)>,
}

// === impl Bundle ===

impl Bundle {
    /// The CAs of ours in a PEM text that have not expired at `now`; anything else in it is left out.
    pub fn read(text: &str, now: SystemTime) -> Self {
        Self::of(text, now, is_ours)
    }

    /// The CAs in a PEM text that have not expired at `now`, also those that we did not make.
    pub fn read_all(text: &str, now: SystemTime) -> Self {
        Self::of(text, now, is_ca)
    }

    fn of(text: &str, now: SystemTime, counts: impl Fn(&CertificateDer<'_>) -> bool) -> Self {
        let mut bundle = Self::default();
        if text.len() > LARGEST_BUNDLE {
            return bundle;
        }
        for block in Pem::iter_from_buffer(text.as_bytes()).flatten() {
            let certificate = CertificateDer::from(block.contents);
            let end = end(&certificate, now).filter(|_| counts(&certificate));
            if let Some(end) = end {
                bundle.ca_certificates.insert((end, certificate.to_vec()));
            }
        }
        bundle
    }

    /// Takes in a CA.
    pub fn add(&mut self, ca: &WebhookCa) {
        self.ca_certificates.insert(entry(ca));
    }

    /// Takes in those of another bundle.
    pub fn join(&mut self, other: Self) {
        self.ca_certificates.extend(other.ca_certificates);
    }

    /// Leaves out those that another bundle holds.
    pub fn remove(&mut self, other: &Self) {
        self.ca_certificates
            .retain(|ca| !other.ca_certificates.contains(ca));
    }

    /// Leaves those that end last, if there are more than so many.
    pub fn keep_last(&mut self, most: usize) {
        while self.ca_certificates.len() > most {
            self.ca_certificates.pop_first();
        }
    }

    /// Each by itself.
    pub fn parts(self) -> impl Iterator<Item = Self> {
        self.ca_certificates.into_iter().map(|ca| Self {
            ca_certificates: BTreeSet::from([ca]),
        })
    }

    /// Whether the API server accepts what this CA issues.
    pub fn holds(&self, ca: &WebhookCa) -> bool {
        self.ca_certificates.contains(&entry(ca))
    }

    /// As PEM, in an order that all who write it have in common.
    pub fn to_pem(&self) -> String {
        let ca_certificates = self.ca_certificates.iter();
        ca_certificates.map(|(_, der)| written(der)).collect()
    }
}

fn entry(ca: &WebhookCa) -> (i64, Vec<u8>) {
    let end = ca.validity().not_after;
    (end, ca.certificate().to_vec())
}

/// When a certificate ends, if it has not.
fn end(certificate: &CertificateDer<'_>, now: SystemTime) -> Option<i64> {
    let validity = Validity::of(certificate).ok()?;
    let over = matches!(validity.check(now), Err(PairError::Expired(_)));
    (!over).then_some(validity.not_after)
}

/// Whether a certificate is a CA that we made.
fn is_ours(certificate: &CertificateDer<'_>) -> bool {
    x509_parser::parse_x509_certificate(certificate).is_ok_and(|(_, it)| {
        let name = it.subject().iter_common_name().next();
        let ours = name.and_then(|name| name.as_str().ok()) == Some(SUBJECT);
        ours && it.is_ca()
    })
}

pub(super) fn written(der: &[u8]) -> String {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    let text = BASE64_STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    for (index, letter) in text.chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            pem.push('\n');
        }
        pem.push(letter);
    }
    pem.push_str("\n-----END CERTIFICATE-----\n");
    pem
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_hours(500_000)
    }

    #[test]
    fn a_bundle_is_written_the_same_by_all_and_loses_what_is_over() {
        let short = WebhookCa::create(now(), DAY).unwrap();
        let long = WebhookCa::create(now(), 2 * DAY).unwrap();
        let (mut one, mut other) = (Bundle::default(), Bundle::default());
        one.add(&short);
        one.add(&long);
        other.add(&long);
        other.add(&short);
        assert_eq!(one.to_pem(), other.to_pem());
        let text = format!("# {}\n{}", "a comment", one.to_pem());
        assert_eq!(Bundle::read(&text, now()), one);
        let later = Bundle::read(&text, now() + DAY + Duration::from_secs(1));
        assert!(later.holds(&long) && !later.holds(&short));
    }

    #[test]
    fn a_bundle_takes_in_no_strangers() {
        let key = KeyPair::generate().unwrap();
        let mut other = CertificateParams::default();
        other.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        other.not_after = (now() + DAY).into();
        let other = other.self_signed(&key).unwrap().pem();
        assert_eq!(Bundle::read(&other, now()), Bundle::default());
        assert_eq!(Bundle::read_all(&other, now()).to_pem(), other);
        assert_eq!(Bundle::read("no pem", now()), Bundle::default());
    }

    #[test]
    fn a_bundle_leaves_out_what_ends_first() {
        let days = [3, 1, 2].map(|days| WebhookCa::create(now(), days * DAY).unwrap());
        let mut bundle = Bundle::default();
        for ca in &days {
            bundle.add(ca);
        }
        bundle.keep_last(2);
        assert_eq!(days.map(|it| bundle.holds(&it)), [true, false, true]);
    }
}
