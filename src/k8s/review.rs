//! An `AdmissionReview` in, an `AdmissionReview` out.

use std::borrow::Cow;

use crate::policy::Settings;

/// Which of the two webhooks is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Webhook {
    /// `mutate.tiller-guard.io`: hardens.
    Mutate,
    /// `validate.tiller-guard.io`: judges the final object.
    Validate,
}

/// The body is no review that could be answered: HTTP 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadReview(pub String);

/// The answer to a review, with what logs and metrics tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The `AdmissionReview` to send, as JSON.
    pub body: Vec<u8>,
    /// What was decided.
    pub decision: Decision,
    /// `CREATE`, `UPDATE`, `DELETE`, `CONNECT` or `other`: a closed set, for metrics.
    pub operation: &'static str,
    /// The kind, or `other`: a closed set, for metrics.
    pub kind: &'static str,
    /// The rules that found something, each once.
    pub rules: Vec<&'static str>,
    /// For logs: present where the decision is not [`Decision::Unconcerned`].
    pub record: Option<Record>,
}

/// What was decided on a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// No Tiller: allowed.
    Unconcerned,
    /// A Tiller that is hardened already: allowed.
    Allowed,
    /// Allowed with a patch.
    Hardened,
    /// Refused, 403.
    Refused,
}

/// Who asked for what, for the log. Never the object's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The request's uid.
    pub uid: String,
    /// The user's name.
    pub user: String,
    /// The namespace.
    pub namespace: String,
    /// The object's name; empty where the API server makes one.
    pub name: String,
    /// Whether nothing will be stored.
    pub dry_run: bool,
}

// === impl Webhook ===

impl Webhook {
    /// The name in metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mutate => "mutate",
            Self::Validate => "validate",
        }
    }
}

// === impl Decision ===

impl Decision {
    /// The name in metrics, logs and audit annotations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unconcerned => "unconcerned",
            Self::Allowed => "allowed",
            Self::Hardened => "hardened",
            Self::Refused => "refused",
        }
    }
}

/// Answers the review in a request's body.
pub fn answer(webhook: Webhook, body: &[u8], settings: &Settings) -> Result<Answer, BadReview> {
    let _: Cow<'_, [u8]> = Cow::Borrowed(body);
    todo!("{webhook:?} {settings:?}")
}
