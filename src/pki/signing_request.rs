//! A request for a certificate that nobody wants.

use rcgen::{CertificateParams, DistinguishedName, DnType, Error, KeyPair, PKCS_ECDSA_P256_SHA256};

/// A signing request in PEM, for a key that is dropped: no certificate of it can be used.
pub fn unused_signing_request() -> Result<String, Error> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters
        .distinguished_name
        .push(DnType::CommonName, "tiller-guard");
    parameters.serialize_request(&key)?.pem()
}
