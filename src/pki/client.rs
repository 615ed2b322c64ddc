//! Whose certificate a client shows.

use rustls::pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;

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
