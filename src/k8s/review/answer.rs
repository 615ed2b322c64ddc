//! The answer, as the API server reads it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;

use super::message::{MAX_LINE, MAX_NOTE, MAX_WARNING, lines, one_line, origin, warnings};
use super::request::{Envelope, Object, Request};
use super::{Answer, Decision, Lookup, Malformed, Mode, Record};
use crate::policy::access::lookup_may_settle;
use crate::policy::{Action, Circumstances, Finding, Outcome, Subject, Verdict};

/// A version of `admission.k8s.io`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ApiVersion {
    V1,
    V1beta1,
}

/// What an answer says, before it is put into JSON.
pub(super) struct Reply {
    pub(super) decision: Decision,
    mode: Option<Mode>,
    response: Response,
    rules: Vec<&'static str>,
    /// Whether what refuses may have changed a moment ago.
    pub(super) may_be_settled: bool,
    pub(super) lookups: Vec<Lookup>,
    /// What was found and let pass, for the audit log.
    findings: Option<String>,
    excepted: Vec<(&'static str, String)>,
}

/// What is answered.
#[derive(Debug)]
enum Response {
    Allow,
    Warn(Vec<String>),
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

// === impl Reply ===

impl Reply {
    pub(super) fn unconcerned() -> Self {
        Self {
            decision: Decision::Unconcerned,
            mode: None,
            response: Response::Allow,
            rules: Vec::new(),
            may_be_settled: false,
            findings: None,
            excepted: Vec::new(),
            lookups: Vec::new(),
        }
    }

    pub(super) fn of_malformed(outcome: &Outcome, malformed: &Malformed) -> Self {
        let message = format!(
            "{malformed}; send it as the API of {} describes it",
            malformed.kind
        );
        let decision = outcome.decision;
        let passes = decision != Decision::Refused;
        Self {
            decision,
            mode: None,
            findings: passes.then(|| one_line(&message, MAX_NOTE)),
            response: match decision {
                Decision::Refused => Response::Refuse(message),
                Decision::Warned => {
                    let warning = format!("tiller-guard would refuse this: {message}");
                    Response::Warn(vec![one_line(&warning, MAX_WARNING)])
                }
                _ => Response::Allow,
            },
            rules: Vec::new(),
            may_be_settled: false,
            excepted: Vec::new(),
            lookups: Vec::new(),
        }
    }

    pub(super) fn of(
        subject: Option<&Subject<'_>>,
        circumstances: Circumstances,
        outcome: &Outcome,
        verdict: &Verdict<'_>,
    ) -> Self {
        let Outcome {
            decision,
            objection,
        } = outcome;
        let hardens = circumstances.can_harden();
        let refuses = |it: &&Finding| match it.action {
            Action::Refuse => true,
            Action::Harden => !hardens,
            Action::Report => false,
        };
        let refusing = objection.iter().chain(&verdict.findings);
        let refusing = refusing.filter(refuses).map(|finding| finding.rule.id);
        let may_be_settled = lookup_may_settle(refusing);
        let response = match (decision, objection) {
            (Decision::Refused, Some(objection)) => {
                Response::Refuse(one_line(&objection.to_string(), MAX_LINE))
            }
            (Decision::Refused, None) => {
                let told = |it: &&Finding| !hardens || it.action != Action::Harden;
                let findings = lines(verdict.findings.iter().filter(told), MAX_LINE);
                Response::Refuse(subject.map(origin).unwrap_or_default() + &findings)
            }
            (Decision::Hardened, _) => Response::harden(verdict),
            (Decision::Warned, _) => Response::Warn(warnings(verdict, |action| match action {
                Action::Harden => "would harden",
                Action::Refuse => "would refuse",
                Action::Report => "notes",
            })),
            (
                Decision::Unconcerned
                | Decision::Allowed
                | Decision::Audited
                | Decision::BreakGlass,
                _,
            ) => Response::Allow,
        };
        let passes = matches!(
            decision,
            Decision::Audited | Decision::Warned | Decision::BreakGlass
        );
        let found = || objection.iter().chain(&verdict.findings);
        let mut rules: Vec<_> = found().map(|finding| finding.rule.id).collect();
        rules.dedup();
        let excepted = verdict.excepted.iter();
        Self {
            decision: *decision,
            mode: None,
            response,
            rules,
            may_be_settled,
            findings: passes.then(|| lines(found(), MAX_NOTE)),
            excepted: excepted
                .map(|it| (it.rule.id, one_line(it.reason, MAX_NOTE)))
                .collect(),
            lookups: Vec::new(),
        }
    }

    /// Says in which mode this was decided.
    pub(super) fn in_mode(self, mode: Mode) -> Self {
        let concerned = self.decision != Decision::Unconcerned;
        Self {
            mode: concerned.then_some(mode),
            ..self
        }
    }
}

// === impl Response ===

impl Response {
    fn harden(verdict: &Verdict<'_>) -> Self {
        match verdict.patch.to_json() {
            Ok(patch) => Self::Harden {
                patch,
                warnings: warnings(verdict, |_| "hardened"),
            },
            // A patch of JSON values is JSON; were it not, nothing half-hardened may pass.
            Err(error) => Self::Refuse(format!("the patch cannot be written: {error}")),
        }
    }
}

// === impl Envelope ===

impl Envelope<'_> {
    pub(super) fn answer(&self, reply: Reply) -> Answer {
        let Reply {
            decision,
            mode,
            response,
            rules,
            may_be_settled: _,
            findings,
            excepted,
            lookups,
        } = reply;
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
                    Response::Allow | Response::Warn(_) | Response::Harden { .. } => None,
                },
                audit_annotations: concerned.then(|| AuditAnnotations {
                    decision: decision.as_str(),
                    rules: rules.join(","),
                    version: env!("CARGO_PKG_VERSION"),
                    findings,
                    excepted: told(&excepted),
                }),
                warnings: match &response {
                    Response::Warn(warnings) | Response::Harden { warnings, .. } => warnings,
                    Response::Allow | Response::Refuse(_) => &[],
                },
            },
        };
        let patch = match &response {
            Response::Harden { patch, .. } => Some(patch.as_slice()),
            Response::Allow | Response::Warn(_) | Response::Refuse(_) => None,
        };
        let body = encode(&review, patch);
        let refusal = match response {
            Response::Refuse(message) => Some(message),
            Response::Allow | Response::Warn(_) | Response::Harden { .. } => None,
        };
        Answer {
            body,
            decision,
            mode,
            operation: request.operation.as_str(),
            kind: request.kind_name(),
            rules,
            refusal,
            excepted,
            lookups,
            record: concerned.then(|| record(request)),
        }
    }
}

impl Envelope<'_> {
    /// The answer where judging failed.
    pub(super) fn failure(&self) -> Vec<u8> {
        let status = Status {
            outcome: "Failure",
            reason: "InternalError",
            message: "tiller-guard failed to judge this object; its log says where",
            code: 500,
        };
        let review = Review {
            api_version: self.version.as_str(),
            kind: "AdmissionReview",
            response: ReviewResponse {
                uid: &self.request.uid,
                allowed: false,
                status: Some(status),
                audit_annotations: None,
                warnings: &[],
            },
        };
        encode(&review, None)
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

/// One line a rule that was let off.
fn told(excepted: &[(&'static str, String)]) -> Option<String> {
    let lines = excepted
        .iter()
        .map(|(rule, reason)| format!("{rule}: {reason}"));
    (!excepted.is_empty()).then(|| lines.collect::<Vec<_>>().join("\n"))
}

fn record(request: &Request<'_>) -> Record {
    let name = match &request.object {
        Object::Subject(subject) if request.name.is_empty() => &subject.name,
        Object::Access(object) if request.name.is_empty() => object.name(),
        Object::Exposure(object) if request.name.is_empty() => object.name(),
        Object::Custody(object) if request.name.is_empty() => object.name(),
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
    /// What was found and let pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    findings: Option<String>,
    /// What was let off by an exception, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    excepted: Option<String>,
}
