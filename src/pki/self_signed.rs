//! A serving certificate that nobody else signed, for trying things out.

use std::time::{Duration, SystemTime};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::serving::{PairError, ServingCertificate};

/// How far in the past a certificate begins: clocks of a cluster differ.
pub(super) const BACKDATED: Duration = Duration::from_hours(1);

/// No certificate could be made.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// A name is neither a DNS name nor an address, or the key could not be made.
    #[error("cannot make a certificate")]
    Make(#[from] rcgen::Error),
    /// What was made cannot be served.
    #[error("the certificate cannot be served")]
    Serve(#[from] PairError),
    /// A certificate that may sign no others.
    #[error("the certificate is not a CA's")]
    NoCa,
    /// The CA may not issue for these names.
    #[error("a certificate of this CA is not accepted")]
    Refused(#[source] rustls::Error),
}

/// Makes a key (ECDSA P-256) and a certificate for `names` (DNS names and IP addresses), for serving
/// only, valid from an hour before `now` until `lifetime` after it. The key stays in memory.
pub fn self_signed(
    names: Vec<String>,
    now: SystemTime,
    lifetime: Duration,
) -> Result<ServingCertificate, IssueError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut parameters = CertificateParams::new(names)?;
    parameters.distinguished_name = DistinguishedName::new();
    parameters
        .distinguished_name
        .push(DnType::CommonName, "tiller-guard");
    parameters.is_ca = IsCa::ExplicitNoCa;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters.not_before = (now - BACKDATED).into();
    parameters.not_after = (now + lifetime).into();
    let certificate = parameters.self_signed(&key)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Ok(ServingCertificate::from_der(
        vec![certificate.der().clone()],
        key,
    )?)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::self_signed;

    #[test]
    fn it_serves_the_names_and_nothing_else() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(500_000);
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = self_signed(names, now, Duration::from_hours(24)).unwrap();
        let validity = made.validity();
        assert_eq!(validity.not_before, 1_800_000_000 - 3600);
        assert_eq!(validity.not_after, 1_800_000_000 + 86_400);

        let der = made.certified().cert.first().unwrap();
        let (_, certificate) = x509_parser::parse_x509_certificate(der).unwrap();
        let usage = certificate.extended_key_usage().unwrap().unwrap().value;
        assert!(usage.server_auth && !usage.client_auth && !usage.any);
        assert!(!certificate.is_ca());
        let subject_names = certificate.subject_alternative_name().unwrap().unwrap();
        assert_eq!(subject_names.value.general_names.len(), 2);
    }

    #[test]
    fn a_name_that_is_none_is_refused() {
        assert!(self_signed(vec!["ü".to_owned()], SystemTime::UNIX_EPOCH, Duration::ZERO).is_err());
    }
}
