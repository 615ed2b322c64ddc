//! The answer, as the API server reads it.

use super::message::{MAX_LINE, MAX_NOTE, MAX_WARNING, lines, one_line, origin};
use super::request::{Asked, Envelope, Request};
use super::response::{Cause, Response, causes};
use super::template::Template;
use super::unread::Unjudged;
use super::version::ApiVersion;
use crate::json;
use crate::k8s::read::Malformed;
use crate::policy::rights::Lookup;
use crate::policy::{Action, Circumstances, Decision, Finding, Mode, Outcome, Verdict, Workload};

/// The answer to a review, with what is logged and counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The `AdmissionReview` to send, as JSON.
    pub body: Vec<u8>,
    /// What was decided.
    pub decision: Decision,
    /// The mode of the namespace; `None` if the decision is [`Decision::Unconcerned`].
    pub mode: Option<Mode>,
    /// `CREATE`, `UPDATE`, `DELETE`, `CONNECT` or `other`: a closed set, for metrics.
    pub operation: &'static str,
    /// The kind, or `other`: a closed set, for metrics.
    pub kind: &'static str,
    /// The rules that found something, each once.
    pub rules: Vec<&'static str>,
    /// The message of a refusal: one line per rule.
    pub refusal: Option<String>,
    /// The rules with findings that an exception allows, with its reason.
    pub excepted: Vec<(&'static str, String)>,
    /// Why the policy says that it is not a Tiller, if it has the signs of one.
    pub not_tiller: Option<String>,
    /// What the decision depends on and may have changed a moment ago: to be read live, if there is a cluster, and
    /// judged again.
    pub lookups: Vec<Lookup>,
    /// For the log; present if there are findings or exceptions.
    pub record: Option<Record>,
}

/// The user and the object, for the log; never the object's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The request's uid.
    pub uid: String,
    /// The user's name.
    pub user: String,
    /// The namespace.
    pub namespace: String,
    /// The object's name; empty if the API server generates it.
    pub name: String,
    /// Whether nothing will be stored.
    pub dry_run: bool,
}

/// An answer before it is written as JSON.
pub(super) struct Reply<'v> {
    pub(super) decision: Decision,
    mode: Option<Mode>,
    response: Response<'v>,
    rules: Vec<&'static str>,
    /// Whether the reason of a refusal may have changed a moment ago.
    pub(super) may_be_settled: bool,
    pub(super) lookups: Vec<Lookup>,
    /// The findings that are allowed, for the audit log.
    findings: Option<String>,
    excepted: Vec<(&'static str, String)>,
    not_tiller: Option<String>,
}

/// The audit annotations.
#[derive(Debug)]
struct Audit<'r> {
    decision: Decision,
    rules: &'r [&'static str],
    /// What was found and let pass.
    findings: Option<String>,
    /// What was let off by an exception, and why.
    excepted: Option<String>,
    /// Why it is no Tiller.
    not_tiller: Option<&'r str>,
}

// === impl Reply ===

impl<'v> Reply<'v> {
    pub(super) fn unconcerned() -> Self {
        Self {
            decision: Decision::Unconcerned,
            mode: None,
            response: Response::Allow,
            rules: Vec::new(),
            may_be_settled: false,
            findings: None,
            excepted: Vec::new(),
            not_tiller: None,
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
            findings: passes.then(|| one_line(&message, MAX_NOTE)),
            response: match decision {
                Decision::Refused => Response::Refuse(message, Vec::new()),
                Decision::Warned => {
                    let warning = format!("tiller-guard would refuse this: {message}");
                    Response::WarnOf(one_line(&warning, MAX_WARNING))
                }
                _ => Response::Allow,
            },
            ..Self::unconcerned()
        }
    }

    pub(super) fn of(
        (workload, template): (Option<&Workload<'_>>, &Template),
        circumstances: Circumstances,
        outcome: &Outcome,
        verdict: &'v Verdict<'_>,
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
        let refusing = refusing.filter(refuses).map(|finding| finding.rule);
        let mut refusing = refusing.peekable();
        let may_be_settled = *decision == Decision::Refused
            && refusing.peek().is_some()
            && refusing.all(|rule| rule.live.is_some());
        let response = match (decision, objection) {
            (Decision::Refused | Decision::Trial, Some(objection)) => {
                let message = one_line(&objection.to_string(), MAX_LINE);
                Response::Refuse(message, causes([objection]))
            }
            (Decision::Refused | Decision::Trial, None) => {
                // A finding that is only reported is no reason, unless the mode makes it one.
                let has_reasons = verdict.findings.iter().any(|it| refuses(&it));
                let told = |it: &&Finding| match it.action {
                    Action::Refuse => true,
                    Action::Harden => !hardens,
                    Action::Report => !has_reasons,
                };
                let findings = verdict.findings.iter().filter(told);
                let origin = workload.map(|workload| origin(workload, template, findings.clone()));
                let origin = origin.unwrap_or_default();
                let causes = causes(findings.clone());
                Response::Refuse(lines(origin, findings, MAX_LINE), causes)
            }
            (Decision::Hardened, _) => Response::Harden(verdict),
            (Decision::Warned, _) => Response::Warn(verdict),
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
            response,
            rules,
            may_be_settled,
            findings: passes.then(|| lines(String::new(), found(), MAX_NOTE)),
            excepted: excepted
                .map(|it| (it.rule.id, one_line(it.reason, MAX_NOTE)))
                .collect(),
            ..Self::unconcerned()
        }
    }

    /// Says why what looks like a Tiller is none, if the policy does.
    pub(super) fn sparing(self, reason: Option<&str>) -> Self {
        Self {
            not_tiller: reason.map(|reason| one_line(reason, MAX_NOTE)),
            ..self
        }
    }

    /// Says what is not watched, if `doctor` asks.
    pub(super) fn telling_unwatched(mut self, resources: &[&'static str]) -> Self {
        if let (Decision::Trial, Response::Refuse(_, causes)) = (self.decision, &mut self.response)
        {
            causes.extend(resources.iter().map(|resource| Cause::unwatched(resource)));
        }
        self
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

// === impl Audit ===

impl Audit<'_> {
    fn write(&self, mut annotations: json::ObjectWriter<'_>) {
        let Self {
            decision,
            rules,
            findings,
            excepted,
            not_tiller,
        } = self;
        annotations.text("decision", decision.as_str());
        let written = annotations.member("rules");
        written.push(b'"');
        for (index, rule) in rules.iter().enumerate() {
            if index > 0 {
                written.push(b',');
            }
            // Names of rules need no escape.
            written.extend_from_slice(rule.as_bytes());
        }
        written.push(b'"');
        annotations.text("version", env!("CARGO_PKG_VERSION"));
        if let Some(findings) = findings {
            annotations.text("findings", findings);
        }
        if let Some(excepted) = excepted {
            annotations.text("excepted", excepted);
        }
        if let Some(reason) = not_tiller {
            annotations.text("not-tiller", reason);
        }
        annotations.end();
    }
}

// === impl Envelope ===

impl Envelope<'_> {
    pub(super) fn answer(&self, reply: Reply<'_>) -> Answer {
        let Reply {
            decision,
            mode,
            response,
            rules,
            may_be_settled: _,
            findings,
            excepted,
            not_tiller,
            lookups,
        } = reply;
        let request = &self.request;
        let concerned = decision != Decision::Unconcerned;
        let is_news = concerned && (decision != Decision::Allowed || !excepted.is_empty())
            || not_tiller.is_some();
        let audit = (concerned || is_news).then(|| Audit {
            decision,
            rules: &rules,
            findings,
            excepted: told(&excepted),
            not_tiller: not_tiller.as_deref(),
        });
        let body = write(self.version, &request.uid, &response, audit.as_ref());
        let refusal = match response {
            Response::Refuse(message, _) => Some(message),
            _ => None,
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
            not_tiller,
            lookups,
            record: is_news.then(|| record(request)),
        }
    }
}

/// The answer in place of a verdict.
pub(super) fn denial(version: ApiVersion, uid: &str, why: Unjudged) -> Vec<u8> {
    write(version, uid, &Response::Fail(why), None)
}

fn write(
    version: ApiVersion,
    uid: &str,
    response: &Response<'_>,
    audit: Option<&Audit<'_>>,
) -> Vec<u8> {
    let mut json = Vec::with_capacity(response.room());
    let mut review = json::ObjectWriter::begin(&mut json);
    review.text("apiVersion", version.as_str());
    review.text("kind", "AdmissionReview");
    let mut members = json::ObjectWriter::begin(review.member("response"));
    members.text("uid", uid);
    response.write(&mut members);
    if let Some(audit) = audit {
        audit.write(json::ObjectWriter::begin(
            members.member("auditAnnotations"),
        ));
    }
    members.end();
    review.end();
    json
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
        Asked::Of(object) if request.name.is_empty() => object.name(),
        _ => &request.name,
    };
    Record {
        uid: request.uid.as_str().to_owned(),
        user: request.user.name.as_str().to_owned(),
        namespace: request.namespace.as_str().to_owned(),
        name: name.to_owned(),
        dry_run: request.dry_run,
    }
}
