//! The CA of the webhook's own certificates.
//!
//! The key of the CA is in one Secret of the guard's namespace; those of the certificates it issues never
//! leave the memory of the process that serves them.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};

use super::bundle::written;
use super::self_signed::{BACKDATED, IssueError};
use super::serving::{PairError, ServingCertificate, Validity};

/// The subject of every CA. Their key identifiers distinguish those of one name.
pub(super) const SUBJECT: &str = "tiller-guard CA";

/// A CA with its key.
#[derive(Debug)]
pub struct WebhookCa {
    certificate: CertificateDer<'static>,
    key: KeyPair,
    validity: Validity,
}

// === impl WebhookCa ===

impl WebhookCa {
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

    /// Reads one from PEM, also one that we did not make. It must be valid at `now`, and the key its own.
    pub fn from_pem(certificate: &str, key: &str, now: SystemTime) -> Result<Self, IssueError> {
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes())
            .map_err(PairError::CertificatePem)?;
        let validity = Validity::of(&certificate)?;
        validity.check(now)?;
        let key = KeyPair::from_pem(key)?;
        if !is_key_of(&key, &certificate) {
            return Err(PairError::Mismatched.into());
        }
        if !is_ca(&certificate) {
            return Err(IssueError::NoCa);
        }
        Ok(Self {
            certificate,
            key,
            validity,
        })
    }

    /// Makes a key and a certificate for these DNS names, for serving only, valid from an hour before `now` until
    /// `lifetime` after it, and no longer than the CA.
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
        let issuer = Issuer::from_ca_cert_der(&self.certificate, &self.key)?;
        let certificate = leaf.signed_by(&key, &issuer)?;
        self.vouches_for(certificate.der(), names, now)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok(ServingCertificate::from_der(
            vec![certificate.der().clone()],
            key,
        )?)
    }

    /// Whether a verifier that knows this CA only accepts a certificate: one that was made elsewhere may be restricted to
    /// other names.
    fn vouches_for(
        &self,
        leaf: &CertificateDer<'_>,
        names: &[String],
        now: SystemTime,
    ) -> Result<(), IssueError> {
        let mut roots = RootCertStore::empty();
        roots
            .add(self.certificate.clone())
            .map_err(IssueError::Refused)?;
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|error| IssueError::Refused(rustls::Error::General(error.to_string())))?;
        let since = now.duration_since(SystemTime::UNIX_EPOCH);
        let now = UnixTime::since_unix_epoch(since.unwrap_or_default());
        for name in names {
            let name = ServerName::try_from(name.as_str())
                .map_err(|error| IssueError::Refused(rustls::Error::General(error.to_string())))?;
            verifier
                .verify_server_cert(leaf, &[], &name, &[], now)
                .map_err(IssueError::Refused)?;
        }
        Ok(())
    }

    /// When it is valid.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Whether it is the same.
    pub fn is(&self, other: &Self) -> bool {
        self.certificate == other.certificate
    }

    /// The certificate, as a bundle holds it.
    pub(super) fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
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

/// Whether a certificate may sign others: rustls trusts every certificate that it is given as a CA.
pub(super) fn is_ca(certificate: &CertificateDer<'_>) -> bool {
    x509_parser::parse_x509_certificate(certificate).is_ok_and(|(_, it)| {
        let usage = it.key_usage().ok().flatten();
        it.is_ca() && usage.is_none_or(|usage| usage.value.key_cert_sign())
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{GeneralSubtree, NameConstraints};

    use super::*;
    use crate::pki::Bundle;

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
        let provider = Arc::new(ring::default_provider());
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
    fn a_bundle_of_two_cas_accepts_what_either_issues() {
        let old = WebhookCa::create(now() - 200 * DAY, 365 * DAY).unwrap();
        let new = WebhookCa::create(now(), 365 * DAY).unwrap();
        let mut bundle = Bundle::default();
        bundle.add(&old);
        bundle.add(&new);
        for ca in [&old, &new] {
            let leaf = ca.issue(&names(), now(), 7 * DAY).unwrap();
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
        let stranger = WebhookCa::create(now(), DAY).unwrap();
        let leaf = stranger.issue(&names(), now(), DAY).unwrap();
        assert!(!accepts(&bundle, &leaf, &names()[0], now()));
    }

    #[test]
    fn a_ca_comes_back_from_its_pem() {
        let made = WebhookCa::create(now(), 365 * DAY).unwrap();
        let (certificate, key) = (made.certificate_pem(), made.key_pem());
        let read = WebhookCa::from_pem(&certificate, &key, now()).unwrap();
        let mut bundle = Bundle::default();
        bundle.add(&made);
        assert!(bundle.holds(&read));
        let leaf = read.issue(&names(), now(), DAY).unwrap();
        assert!(accepts(&bundle, &leaf, &names()[0], now()));

        let other = WebhookCa::create(now(), 365 * DAY).unwrap();
        let mixed = WebhookCa::from_pem(&certificate, &other.key_pem(), now());
        assert!(matches!(
            mixed,
            Err(IssueError::Serve(PairError::Mismatched))
        ));
        let late = WebhookCa::from_pem(&certificate, &key, now() + 366 * DAY);
        assert!(matches!(
            late,
            Err(IssueError::Serve(PairError::Expired(_)))
        ));
    }

    #[test]
    fn a_leaf_ends_with_its_ca() {
        let ca = WebhookCa::create(now(), 2 * DAY).unwrap();
        let leaf = ca.issue(&names(), now(), 7 * DAY).unwrap();
        assert_eq!(leaf.validity().not_after, ca.validity().not_after);
    }

    #[test]
    fn a_ca_that_was_made_elsewhere_issues_what_its_bundle_accepts() {
        let key = KeyPair::generate().unwrap();
        let mut elsewhere = CertificateParams::default();
        elsewhere
            .distinguished_name
            .push(DnType::CommonName, "somebody else's CA");
        elsewhere.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        elsewhere.not_before = (now() - DAY).into();
        elsewhere.not_after = (now() + DAY).into();
        let read = |parameters: &CertificateParams| {
            let certificate = parameters.self_signed(&key).unwrap().pem();
            WebhookCa::from_pem(&certificate, &key.serialize_pem(), now())
        };
        let ca = read(&elsewhere).unwrap();
        let leaf = ca.issue(&names(), now(), 7 * DAY).unwrap();
        let mut bundle = Bundle::default();
        bundle.add(&ca);
        assert!(accepts(&bundle, &leaf, &names()[0], now()));

        let mut restricted = elsewhere.clone();
        restricted.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("example.com".to_owned())],
            excluded_subtrees: Vec::new(),
        });
        let refused = read(&restricted).unwrap().issue(&names(), now(), DAY);
        assert!(matches!(refused, Err(IssueError::Refused(_))));
        elsewhere.is_ca = IsCa::NoCa;
        assert!(matches!(read(&elsewhere), Err(IssueError::NoCa)));
    }

    #[test]
    fn renewal_is_due_after_two_thirds_of_the_life() {
        let ca = WebhookCa::create(now(), 3 * DAY).unwrap();
        assert!(
            !ca.validity()
                .is_due(now() + 2 * DAY - Duration::from_secs(1))
        );
        assert!(ca.validity().is_due(now() + 2 * DAY));
    }

    /// As after a clock that ran ahead is set back.
    #[test]
    fn renewal_is_due_where_the_time_has_not_come() {
        let ahead = WebhookCa::create(now() + 300 * DAY, 365 * DAY).unwrap();
        let leaf = ahead.issue(&names(), now() + 300 * DAY, 7 * DAY).unwrap();
        for validity in [ahead.validity(), leaf.validity()] {
            assert!(validity.is_due(now()));
            assert!(!validity.is_due(now() + 300 * DAY));
        }
    }
}
