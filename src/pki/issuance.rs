//! Certificates that are made while the server runs.

use super::ServingCertificate;

/// The certificate to serve now.
#[derive(Debug, Clone)]
pub enum Issuance {
    /// Nothing yet: what is waited for.
    Awaited(String),
    /// This.
    Issued(ServingCertificate),
}
