//! The authority of the webhook's own certificates, and the bundle by which the API server knows it.
//!
//! The key of the authority is in one Secret of the guard's namespace; those of the certificates it issues never
//! leave the memory of the process that serves them.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use x509_parser::pem::Pem;

use super::self_signed::{BACKDATED, IssueError};
use super::serving::{PairError, ServingCertificate, Validity};

/// The subject of every authority. Several of one name are told apart by their key identifiers.
const SUBJECT: &str = "tiller-guard CA";
/// More than any bundle of ours; what is longer is not parsed.
const LARGEST_BUNDLE: usize = 256 * 1024;

/// An authority with its key.
#[derive(Debug)]
pub struct WebhookAuthority {
    certificate: CertificateDer<'static>,
    key: KeyPair,
    validity: Validity,
}

/// The authorities that the API server is to accept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bundle {
    authorities: BTreeSet<(i64, Vec<u8>)>,
}

// === impl WebhookAuthority ===

impl WebhookAuthority {
    /// Makes one: ECDSA P-256, for issuing leaves only, valid from an hour before `now` until `lifetime` after it.
    pub fn create(now: SystemTime, lifetime: Duration) -> Result<Self, IssueError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut parameters = parameters();
        parameters.not_before = (now - BACKDATED).into();
        parameters.not_after = (now + lifetime).into();
        let certificate = parameters.self_signed(&key)?.der().clone();
        let validity = Validity::of(&certificate)?;
        Ok(Self {
            certificate,
            key,
            validity,
        })
    }

    /// Reads one from PEM. It must be valid at `now`, and the key its own.
    pub fn from_pem(certificate: &str, key: &str, now: SystemTime) -> Result<Self, IssueError> {
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes())
            .map_err(PairError::CertificatePem)?;
        let validity = Validity::of(&certificate)?;
        validity.check(now)?;
        let key = KeyPair::from_pem(key)?;
        if !is_key_of(&key, &certificate) {
            return Err(PairError::Mismatched.into());
        }
        Ok(Self {
            certificate,
            key,
            validity,
        })
    }

    /// Makes a key and a certificate for these DNS names, for serving only, valid from an hour before `now` until
    /// `lifetime` after it, and no longer than the authority.
    pub fn issue(
        &self,
        names: &[String],
        now: SystemTime,
        lifetime: Duration,
    ) -> Result<ServingCertificate, IssueError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut leaf = CertificateParams::new(names)?;
        leaf.distinguished_name = DistinguishedName::new();
        leaf.distinguished_name
            .push(DnType::CommonName, "tiller-guard");
        leaf.is_ca = IsCa::ExplicitNoCa;
        leaf.use_authority_key_identifier_extension = true;
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.not_before = (now - BACKDATED).into();
        leaf.not_after = (now + lifetime).min(self.validity.end()).into();
        let issuer = parameters();
        let certificate = leaf.signed_by(&key, &Issuer::from_params(&issuer, &self.key))?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok(ServingCertificate::from_der(
            vec![certificate.der().clone()],
            key,
        )?)
    }

    /// When it is valid.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// The certificate as PEM.
    pub fn certificate_pem(&self) -> String {
        written(&self.certificate)
    }

    /// The private key as PEM: for the Secret, and for nothing else.
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }
}

// === impl Bundle ===

impl Bundle {
    /// The authorities of ours in a PEM text that are not over at `now`; anything else in it is left out.
    pub fn read(text: &str, now: SystemTime) -> Self {
        let mut bundle = Self::default();
        if text.len() > LARGEST_BUNDLE {
            return bundle;
        }
        for block in Pem::iter_from_buffer(text.as_bytes()).flatten() {
            let certificate = CertificateDer::from(block.contents);
            if let Some(end) = end_of_ours(&certificate, now) {
                bundle.authorities.insert((end, certificate.to_vec()));
            }
        }
        bundle
    }

    /// Takes in an authority.
    pub fn add(&mut self, authority: &WebhookAuthority) {
        self.authorities.insert(entry(authority));
    }

    /// Takes in those of another bundle.
    pub fn join(&mut self, other: Self) {
        self.authorities.extend(other.authorities);
    }

    /// Whether the API server accepts what this authority issues.
    pub fn holds(&self, authority: &WebhookAuthority) -> bool {
        self.authorities.contains(&entry(authority))
    }

    /// As PEM, in an order that all who write it have in common.
    pub fn to_pem(&self) -> String {
        let authorities = self.authorities.iter();
        authorities.map(|(_, der)| written(der)).collect()
    }
}

fn parameters() -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters
        .distinguished_name
        .push(DnType::CommonName, SUBJECT);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters
}

fn is_key_of(key: &KeyPair, certificate: &CertificateDer<'_>) -> bool {
    use rcgen::PublicKeyData as _;
    x509_parser::parse_x509_certificate(certificate)
        .is_ok_and(|(_, it)| it.public_key().raw == key.subject_public_key_info())
}

fn entry(authority: &WebhookAuthority) -> (i64, Vec<u8>) {
    (authority.validity.not_after, authority.certificate.to_vec())
}

/// When a certificate ends, if it is an authority of ours that has not ended.
fn end_of_ours(certificate: &CertificateDer<'_>, now: SystemTime) -> Option<i64> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let mut names = parsed.subject().iter_common_name();
    let ours = names.next()?.as_str().ok()? == SUBJECT && parsed.is_ca();
    let validity = Validity::of(certificate).ok()?;
    let over = matches!(validity.check(now), Err(PairError::Expired(_)));
    (ours && !over).then_some(validity.not_after)
}

fn written(der: &[u8]) -> String {
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
    use std::sync::Arc;

    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier as _;
    use rustls::pki_types::{ServerName, UnixTime};

    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_hours(500_000)
    }

    fn names() -> Vec<String> {
        vec!["tiller-guard.tiller-guard.svc".to_owned()]
    }

    fn accepts(bundle: &Bundle, leaf: &ServingCertificate, name: &str, now: SystemTime) -> bool {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(bundle.to_pem().as_bytes()) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .unwrap();
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let (leaf, name) = (
            leaf.certified().cert[0].clone(),
            ServerName::try_from(name).unwrap(),
        );
        verifier
            .verify_server_cert(&leaf, &[], &name, &[], UnixTime::since_unix_epoch(since))
            .is_ok()
    }

    #[test]
    fn a_bundle_of_two_authorities_accepts_what_either_issues() {
        let old = WebhookAuthority::create(now() - 200 * DAY, 365 * DAY).unwrap();
        let new = WebhookAuthority::create(now(), 365 * DAY).unwrap();
        let mut bundle = Bundle::default();
        bundle.add(&old);
        bundle.add(&new);
        for authority in [&old, &new] {
            let leaf = authority.issue(&names(), now(), 7 * DAY).unwrap();
            assert!(accepts(&bundle, &leaf, &names()[0], now()));
            assert!(accepts(
                &bundle,
                &leaf,
                &names()[0],
                now() - DAY / 24 + Duration::from_secs(1)
            ));
            assert!(!accepts(&bundle, &leaf, "tiller-guard.other.svc", now()));
            assert!(!accepts(&bundle, &leaf, &names()[0], now() + 8 * DAY));
        }
        let stranger = WebhookAuthority::create(now(), DAY).unwrap();
        let leaf = stranger.issue(&names(), now(), DAY).unwrap();
        assert!(!accepts(&bundle, &leaf, &names()[0], now()));
    }

    #[test]
    fn an_authority_comes_back_from_its_pem() {
        let made = WebhookAuthority::create(now(), 365 * DAY).unwrap();
        let (certificate, key) = (made.certificate_pem(), made.key_pem());
        let read = WebhookAuthority::from_pem(&certificate, &key, now()).unwrap();
        let mut bundle = Bundle::default();
        bundle.add(&made);
        assert!(bundle.holds(&read));
        let leaf = read.issue(&names(), now(), DAY).unwrap();
        assert!(accepts(&bundle, &leaf, &names()[0], now()));

        let other = WebhookAuthority::create(now(), 365 * DAY).unwrap();
        let mixed = WebhookAuthority::from_pem(&certificate, &other.key_pem(), now());
        assert!(matches!(
            mixed,
            Err(IssueError::Serve(PairError::Mismatched))
        ));
        let late = WebhookAuthority::from_pem(&certificate, &key, now() + 366 * DAY);
        assert!(matches!(
            late,
            Err(IssueError::Serve(PairError::Expired(_)))
        ));
    }

    #[test]
    fn a_leaf_ends_with_its_authority() {
        let authority = WebhookAuthority::create(now(), 2 * DAY).unwrap();
        let leaf = authority.issue(&names(), now(), 7 * DAY).unwrap();
        assert_eq!(leaf.validity().not_after, authority.validity().not_after);
    }

    #[test]
    fn a_bundle_is_written_the_same_by_all_and_loses_what_is_over() {
        let short = WebhookAuthority::create(now(), DAY).unwrap();
        let long = WebhookAuthority::create(now(), 2 * DAY).unwrap();
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
        assert_eq!(Bundle::read("no pem", now()), Bundle::default());
    }

    #[test]
    fn renewal_is_due_after_two_thirds_of_the_life() {
        let authority = WebhookAuthority::create(now(), 3 * DAY).unwrap();
        assert!(
            !authority
                .validity()
                .is_due(now() + 2 * DAY - Duration::from_secs(1))
        );
        assert!(authority.validity().is_due(now() + 2 * DAY));
    }
}
