//! The answer, as the API server reads it.

use std::fmt::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;

use super::request::{Envelope, Object, Request};
use super::{Answer, Decision, Outcome, Record};
use crate::policy::{Action, Finding, Verdict};

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
        match verdict.patch.to_json() {
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
pub(super) fn refusal(findings: &[Finding], refusals_only: bool) -> String {
    let told = |finding: &&Finding| !refusals_only || finding.action == Action::Refuse;
    let mut message = String::with_capacity(128 * findings.len());
    let mut rule = None;
    let mut line = Line::new(&mut message, MAX_LINE);
    for finding in findings.iter().filter(told) {
        let Finding {
            rule: of,
            path,
            message,
            remedy,
            action: _,
        } = finding;
        let begun = match rule.replace(of) {
            Some(before) if before == of => line.write_str(" | "),
            Some(_) => {
                line = line.next();
                write!(line, "{}: ", of.id)
            }
            None => write!(line, "{}: ", of.id),
        };
        // A line that is full takes no more.
        let _full = begun.and_then(|()| write!(line, "{path}: {message}; {remedy}"));
    }
    message
}

/// One warning a rule.
fn warnings(verdict: &Verdict<'_>) -> Vec<String> {
    let rules = verdict.findings.chunk_by(|one, next| one.rule == next.rule);
    rules
        .filter_map(|findings| {
            let (Finding { rule, message, .. }, others) = findings.split_first()?;
            let mut warning = String::with_capacity(MAX_WARNING);
            let mut line = Line::new(&mut warning, MAX_WARNING);
            let told = write!(line, "tiller-guard hardened {}: {message}", rule.id);
            if !others.is_empty() {
                let _full = told.and_then(|()| write!(line, " (and {} more)", others.len()));
            }
            Some(warning)
        })
        .take(MAX_WARNINGS)
        .collect()
}

/// Writes a text on one line of at most so many characters, the last of which is an ellipsis where it does
/// not fit. What a manifest holds cannot forge another line.
struct Line<'a> {
    text: &'a mut String,
    most: usize,
    left: usize,
}

impl<'a> Line<'a> {
    fn new(text: &'a mut String, most: usize) -> Self {
        Self {
            text,
            most,
            left: most,
        }
    }

    fn next(self) -> Self {
        self.text.push('\n');
        Self::new(self.text, self.most)
    }
}

impl fmt::Write for Line<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // Without a way out in the middle the compiler looks at many bytes at once.
        let plain = text
            .bytes()
            .fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~'));
        if plain && text.len() < self.left {
            self.left -= text.len();
            self.text.push_str(text);
            return Ok(());
        }
        for character in text.chars() {
            self.left = self.left.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(match character {
                _ if self.left == 0 => '…',
                control if control.is_control() => char::REPLACEMENT_CHARACTER,
                other => other,
            });
        }
        Ok(())
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
        let patch = match &response {
            Response::Harden { patch, .. } => Some(patch.as_slice()),
            Response::Allow | Response::Refuse(_) => None,
        };
        Answer {
            body: encode(&review, patch),
            decision,
            operation: request.operation.as_str(),
            kind: request.kind_name(),
            rules,
            record: concerned.then(|| record(request)),
        }
    }
}

/// The review as JSON. The patch goes in as its last field: base64 needs none of a JSON writer's escapes,
/// and a patch is most of an answer.
fn encode(review: &Review<'_>, patch: Option<&[u8]>) -> Vec<u8> {
    const END: &str = "}}";
    // Strings and booleans are JSON; were they not, an empty body would fail closed.
    let Ok(mut text) = serde_json::to_string(review) else {
        return Vec::new();
    };
    if let Some(patch) = patch {
        text.truncate(text.len() - END.len());
        text.reserve(64 + patch.len() * 4 / 3);
        text.push_str(r#","patchType":"JSONPatch","patch":""#);
        BASE64.encode_string(patch, &mut text);
        text.push('"');
        text.push_str(END);
    }
    text.into_bytes()
}

fn record(request: &Request<'_>) -> Record {
    let name = match &request.object {
        Object::Subject(subject) if request.name.is_empty() => &subject.name,
        Object::Access(object) if request.name.is_empty() => object.name(),
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
