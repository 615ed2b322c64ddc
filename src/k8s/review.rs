//! An `AdmissionReview` in, an `AdmissionReview` out.
//!
//! The request is read in one pass, the object as its kind. Where that fails the envelope is read once
//! more with the object as plain JSON, so that a malformed object is refused under its own uid.
//!
//! Source: `admission.k8s.io/v1` and `v1beta1`, Kubernetes 1.10 to 1.36.

mod answer;
mod concern;
mod depth;
mod reading;
mod request;

use std::sync::LazyLock;

use crate::policy::access::decide_access;
use crate::policy::{Finding, Knowledge, Settings, Verdict, decide_knowing};

use super::Malformed;
use answer::Response;
use request::{Envelope, Object, Request};

/// Which of the two webhooks is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Webhook {
    /// `mutate.tiller-guard.io`: hardens.
    Mutate,
    /// `validate.tiller-guard.io`: judges the final object.
    Validate,
}

/// The body is no review that could be answered: HTTP 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadReview {
    /// Not UTF-8.
    #[error("the body is not UTF-8")]
    Encoding(#[source] std::str::Utf8Error),
    /// Arrays and objects are nested too deep.
    #[error("the body nests deeper than {} levels", depth::MAX_DEPTH)]
    Depth,
    /// Not JSON, or not an `AdmissionReview` with a request.
    #[error("the body is no AdmissionReview: {0}")]
    Envelope(String),
    /// An `AdmissionReview` of a version that is not spoken here.
    #[error("the body is an AdmissionReview of \"{0}\", not of admission.k8s.io/v1 or v1beta1")]
    Version(String),
    /// Without a uid no answer can be told from another.
    #[error("the request has no uid")]
    Uid,
}

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

/// The API server itself: when it starts it brings Kubernetes' own roles and bindings up to date, and does not
/// become ready if it may not. Nobody else gets this name without the right to impersonate it.
const API_SERVER: &str = "system:apiserver";

/// Answers the review in a request's body where nothing is known of the cluster.
pub fn answer(webhook: Webhook, body: &[u8], settings: &Settings) -> Result<Answer, BadReview> {
    static NOTHING: LazyLock<Knowledge> = LazyLock::new(Knowledge::default);
    answer_knowing(webhook, body, settings, &NOTHING)
}

/// Answers the review in a request's body with what is known of the cluster.
pub fn answer_knowing(
    webhook: Webhook,
    body: &[u8],
    settings: &Settings,
    knowledge: &Knowledge,
) -> Result<Answer, BadReview> {
    let body = std::str::from_utf8(body).map_err(BadReview::Encoding)?;
    if depth::exceeds(body) {
        return Err(BadReview::Depth);
    }
    let envelope = Envelope::read(body, concern::is_possible(body, settings, knowledge))?;
    let Request { uid, object, .. } = &envelope.request;
    if uid.is_empty() {
        return Err(BadReview::Uid);
    }
    let outcome = match object {
        Object::Absent | Object::Other => Outcome::unconcerned(),
        Object::Malformed(malformed) => Outcome::malformed(malformed),
        Object::Subject(_) | Object::Access(_) if envelope.request.is_leaving() => {
            Outcome::unconcerned()
        }
        Object::Subject(subject) => {
            let verdict = decide_knowing(subject, settings, knowledge);
            Outcome::of(webhook, &envelope.request, &verdict)
        }
        Object::Access(_) if envelope.request.user.name == API_SERVER => Outcome::unconcerned(),
        Object::Access(object) => Outcome::of_access(&decide_access(object, settings, knowledge)),
    };
    Ok(envelope.answer(outcome))
}

/// What an answer says, before it is put into JSON.
struct Outcome {
    decision: Decision,
    response: Response,
    rules: Vec<&'static str>,
}

// === impl Outcome ===

impl Outcome {
    fn unconcerned() -> Self {
        Self {
            decision: Decision::Unconcerned,
            response: Response::Allow,
            rules: Vec::new(),
        }
    }

    fn malformed(malformed: &Malformed) -> Self {
        Self {
            decision: Decision::Refused,
            response: Response::Refuse(format!(
                "{malformed}; send it as the API of {} describes it",
                malformed.kind
            )),
            rules: Vec::new(),
        }
    }

    /// Roles and bindings cannot be hardened: both webhooks refuse alike.
    fn of_access(findings: &[Finding]) -> Self {
        if findings.is_empty() {
            return Self::unconcerned();
        }
        Self {
            decision: Decision::Refused,
            response: Response::Refuse(answer::refusal(findings, true)),
            rules: rules_of(findings),
        }
    }

    /// The mutating webhook hardens, and refuses at once what hardening cannot mend. The validating one
    /// refuses whatever is not hardened: by its turn the object is final.
    fn of(webhook: Webhook, request: &Request<'_>, verdict: &Verdict<'_>) -> Self {
        let rules = rules_of(&verdict.findings);
        let hardens = webhook == Webhook::Mutate && request.can_be_patched();
        let (decision, response) = if verdict.tillers.is_empty() && verdict.findings.is_empty() {
            (Decision::Unconcerned, Response::Allow)
        } else if verdict.findings.is_empty() {
            (Decision::Allowed, Response::Allow)
        } else if verdict.refuses() && webhook == Webhook::Mutate {
            (
                Decision::Refused,
                Response::Refuse(answer::refusal(&verdict.findings, true)),
            )
        } else if hardens {
            (Decision::Hardened, Response::harden(verdict))
        } else if webhook == Webhook::Validate {
            (
                Decision::Refused,
                Response::Refuse(answer::refusal(&verdict.findings, false)),
            )
        } else {
            (Decision::Allowed, Response::Allow)
        };
        Self {
            decision,
            response,
            rules,
        }
    }
}

fn rules_of(findings: &[Finding]) -> Vec<&'static str> {
    let mut rules: Vec<_> = findings.iter().map(|finding| finding.rule.id).collect();
    rules.dedup();
    rules
}
