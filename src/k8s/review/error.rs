//! Why there is no review to answer.

/// The body is no review that could be answered: HTTP 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadReview {
    /// Not UTF-8.
    #[error("the body is not UTF-8")]
    Encoding(#[source] std::str::Utf8Error),
    /// Arrays and objects are nested too deep.
    #[error("the body nests deeper than {} levels", crate::json::MAX_DEPTH)]
    Depth,
    /// Not JSON, or not an `AdmissionReview` with a request.
    #[error("the body is not an AdmissionReview: {0}")]
    Envelope(String),
    /// An `AdmissionReview` of a version that is not spoken here.
    #[error("the body is an AdmissionReview of \"{0}\", not of admission.k8s.io/v1 or v1beta1")]
    Version(String),
    /// Without a uid, answers cannot be matched to reviews.
    #[error("the request has no uid")]
    Uid,
}
