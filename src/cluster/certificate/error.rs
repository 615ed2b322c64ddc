//! Why there is no certificate, or no new one.

use crate::cluster::ConnectError;
use crate::cluster::told::chain;
use crate::pki::IssueError;

/// The certificate could not be looked after this time.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The cluster cannot be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The API server refused, or did not answer.
    #[error("cannot {verb} {object}")]
    Request {
        /// What was tried.
        verb: &'static str,
        /// On what.
        object: String,
        /// Why.
        source: Box<kube::Error>,
    },
    /// Somebody else was faster, again and again.
    #[error("gave up updating {0} after repeated write conflicts")]
    Contended(String),
    /// No certificate could be made.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// It took too long.
    #[error("the API server has not answered in time")]
    Slow,
}

// === impl CertificateError ===

impl CertificateError {
    pub(super) fn request(verb: &'static str, object: &str, source: kube::Error) -> Self {
        Self::Request {
            verb,
            object: object.to_owned(),
            source: Box::new(source),
        }
    }

    /// With all its causes, on one line.
    pub(super) fn whole(&self) -> String {
        chain(self)
    }
}
