//! The answer, as the API server reads it.

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;

use super::request::{Envelope, Object, Request};
use super::{Answer, Decision, Outcome, Record};
use crate::policy::{Action, Finding, Kind, Verdict};

/// The most characters of a line of a refusal.
const MAX_LINE: usize = 2048;
/// Warnings beyond these are cut by the API server (`filters/warning.go`): each to 256 characters once all
/// together have more than 4096.
const MAX_WARNING: usize = 256;
const MAX_WARNINGS: usize = 16;

/// A version of `admission.k8s.io`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ApiVersion {
    V1,
    V1beta1,
}

/// What is answered.
#[derive(Debug)]
pub(super) enum Response {
    Allow,
    Harden {
        patch: Vec<u8>,
        warnings: Vec<String>,
    },
    Refuse(String),
}

// === impl ApiVersion ===

impl ApiVersion {
    pub(super) fn find(name: &str) -> Option<Self> {
        [Self::V1, Self::V1beta1]
            .into_iter()
            .find(|version| version.as_str() == name)
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "admission.k8s.io/v1",
            Self::V1beta1 => "admission.k8s.io/v1beta1",
        }
    }
}

// === impl Response ===

impl Response {
    pub(super) fn harden(verdict: &Verdict<'_>) -> Self {
        match serde_json::to_vec(&verdict.patch) {
            Ok(patch) => Self::Harden {
                patch,
                warnings: warnings(verdict),
            },
            // A patch of JSON values is JSON; were it not, nothing half-hardened may pass.
            Err(error) => Self::Refuse(format!("the patch cannot be written: {error}")),
        }
    }
}

/// One line a rule: its name, then for each finding path, what is there, and what to do.
pub(super) fn refusal(verdict: &Verdict<'_>, refusals_only: bool) -> String {
    let told: Vec<_> = verdict
        .findings
        .iter()
        .filter(|finding| !refusals_only || finding.action == Action::Refuse)
        .collect();
    let lines: Vec<_> = told
        .chunk_by(|one, next| one.rule == next.rule)
        .filter_map(|findings| {
            let (first, others) = findings.split_first()?;
            let mut text = first.to_string();
            for Finding {
                path,
                message,
                remedy,
                ..
            } in others
            {
                write!(text, " | {path}: {message}; {remedy}").ok()?;
            }
            Some(line(&text, MAX_LINE))
        })
        .collect();
    lines.join("\n")
}

/// One warning a rule.
fn warnings(verdict: &Verdict<'_>) -> Vec<String> {
    let rules = verdict.findings.chunk_by(|one, next| one.rule == next.rule);
    rules
        .filter_map(|findings| {
            let (first, others) = findings.split_first()?;
            let more = match others.len() {
                0 => String::new(),
                more => format!(" (and {more} more)"),
            };
            let Finding { rule, message, .. } = first;
            Some(line(
                &format!("tiller-guard hardened {}: {message}{more}", rule.id),
                MAX_WARNING,
            ))
        })
        .take(MAX_WARNINGS)
        .collect()
}

/// A text on one line of at most so many characters. What a manifest holds cannot forge another line.
fn line(text: &str, most: usize) -> String {
    let text = match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some(_) => Cow::Owned(
            text.chars()
                .take(most.saturating_sub(1))
                .chain(['…'])
                .collect(),
        ),
    };
    if text.contains(char::is_control) {
        text.replace(char::is_control, "\u{fffd}")
    } else {
        text.into_owned()
    }
}

// === impl Envelope ===

impl Envelope<'_> {
    pub(super) fn answer(&self, outcome: Outcome) -> Answer {
        let Outcome {
            decision,
            response,
            rules,
        } = outcome;
        let request = &self.request;
        let concerned = decision != Decision::Unconcerned;
        let encoded = match &response {
            Response::Harden { patch, .. } => Some(BASE64.encode(patch)),
            Response::Allow | Response::Refuse(_) => None,
        };
        let review = Review {
            api_version: self.version.as_str(),
            kind: "AdmissionReview",
            response: ReviewResponse {
                uid: &request.uid,
                allowed: !matches!(response, Response::Refuse(_)),
                status: match &response {
                    Response::Refuse(message) => Some(Status {
                        outcome: "Failure",
                        reason: "Forbidden",
                        message,
                        code: 403,
                    }),
                    Response::Allow | Response::Harden { .. } => None,
                },
                patch_type: encoded.as_ref().map(|_| "JSONPatch"),
                patch: encoded.as_deref(),
                audit_annotations: concerned.then(|| AuditAnnotations {
                    decision: decision.as_str(),
                    rules: rules.join(","),
                    version: env!("CARGO_PKG_VERSION"),
                }),
                warnings: match &response {
                    Response::Harden { warnings, .. } => warnings,
                    Response::Allow | Response::Refuse(_) => &[],
                },
            },
        };
        let mut body = Vec::with_capacity(512);
        // Writing strings and booleans to memory does not fail; an empty body would fail closed.
        if serde_json::to_writer(&mut body, &review).is_err() {
            body.clear();
        }
        Answer {
            body,
            decision,
            operation: request.operation.as_str(),
            kind: request.workload().map_or("other", Kind::as_str),
            rules,
            record: concerned.then(|| record(request)),
        }
    }
}

fn record(request: &Request<'_>) -> Record {
    let name = match &request.object {
        Object::Subject(subject) if request.name.is_empty() => &subject.name,
        _ => &request.name,
    };
    Record {
        uid: request.uid.to_string(),
        user: request.user.name.to_string(),
        namespace: request.namespace.to_string(),
        name: name.to_string(),
        dry_run: request.dry_run,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Review<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: ReviewResponse<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReviewResponse<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_annotations: Option<AuditAnnotations>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    warnings: &'a [String],
}

/// Without all four, kube-apiserver 1.10 shows a refusal as an internal error.
#[derive(Serialize)]
struct Status<'a> {
    #[serde(rename = "status")]
    outcome: &'static str,
    reason: &'static str,
    message: &'a str,
    code: u16,
}

#[derive(Serialize)]
struct AuditAnnotations {
    decision: &'static str,
    rules: String,
    version: &'static str,
}
