//! What is answered, as JSON.

use super::message::{MAX_WARNING, write_warnings};
use super::unread::Unjudged;
use crate::json::{self, ArrayWriter, write_base64, write_text};
use crate::policy::{Action, Finding, Verdict};

/// The reason by which a refusal of what `doctor` tries names what is not watched.
pub const UNWATCHED: &str = "not-watched";

/// What is answered.
#[derive(Debug)]
pub(super) enum Response<'v> {
    Allow,
    /// Allowed as it is, with a warning of each rule.
    Warn(&'v Verdict<'v>),
    /// Allowed as it is, with this warning.
    WarnOf(String),
    Harden(&'v Verdict<'v>),
    /// The message to the caller, and the rules that refuse.
    Refuse(String, Vec<Cause>),
    /// There is no verdict.
    Fail(Unjudged),
}

/// A rule that refuses, for programs: the text is for people, and may change.
#[derive(Debug)]
pub(super) struct Cause {
    rule: &'static str,
    /// The JSON pointer of its first finding.
    field: String,
}

// === impl Cause ===

impl Cause {
    /// This is not watched.
    pub(super) fn unwatched(resource: &str) -> Self {
        Self {
            rule: UNWATCHED,
            field: resource.to_owned(),
        }
    }
}

// === impl Response ===

impl Response<'_> {
    /// How many bytes an answer takes, about.
    pub(super) fn room(&self) -> usize {
        const FRAME: usize = 640;
        const CAUSE: usize = 96;
        FRAME
            + match self {
                Self::Allow | Self::Fail(_) => 0,
                Self::Warn(verdict) => verdict.findings.len() * MAX_WARNING,
                Self::WarnOf(warning) => warning.len(),
                Self::Harden(verdict) => {
                    verdict.patch.room() * 4 / 3 + verdict.findings.len() * MAX_WARNING / 2
                }
                Self::Refuse(message, causes) => message.len() + causes.len() * CAUSE,
            }
    }

    pub(super) fn write(&self, response: &mut json::ObjectWriter<'_>) {
        response.boolean("allowed", !matches!(self, Self::Refuse(..) | Self::Fail(_)));
        match self {
            Self::Allow => {}
            Self::Warn(verdict) => {
                let mut warnings = ArrayWriter::begin(response.member("warnings"));
                write_warnings(&mut warnings, verdict, |action| match action {
                    Action::Harden => "would harden",
                    Action::Refuse => "would refuse",
                    Action::Report => "notes",
                });
                warnings.end();
            }
            Self::WarnOf(warning) => {
                let mut warnings = ArrayWriter::begin(response.member("warnings"));
                write_text(warnings.element(), warning);
                warnings.end();
            }
            Self::Harden(verdict) => {
                let mut warnings = ArrayWriter::begin(response.member("warnings"));
                write_warnings(&mut warnings, verdict, |action| match action {
                    Action::Harden | Action::Refuse => "hardened",
                    Action::Report => "notes",
                });
                warnings.end();
                response.text("patchType", "JSONPatch");
                write_base64(response.member("patch"), &verdict.patch.to_json());
            }
            Self::Refuse(message, causes) => {
                write_status(response, ("Forbidden", 403), message, causes);
            }
            Self::Fail(why) => write_status(response, why.status(), why.message(), &[]),
        }
    }
}

/// Each rule once, with its first finding's path.
pub(super) fn causes<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> Vec<Cause> {
    let mut causes: Vec<Cause> = Vec::new();
    for finding in findings {
        let rule = finding.rule.id;
        if causes.last().is_none_or(|last| last.rule != rule) {
            let mut field = String::with_capacity(64);
            finding.path.write(|piece| field.push_str(piece));
            causes.push(Cause { rule, field });
        }
    }
    causes
}

/// Without these four, kube-apiserver 1.10 shows a refusal as an internal error. `details` reaches the
/// user unchanged, except from a mutating webhook before 1.14.
fn write_status(
    response: &mut json::ObjectWriter<'_>,
    (reason, code): (&str, i64),
    message: &str,
    causes: &[Cause],
) {
    let mut status = json::ObjectWriter::begin(response.member("status"));
    status.text("status", "Failure");
    status.text("reason", reason);
    status.text("message", message);
    status.number("code", code);
    if !causes.is_empty() {
        let mut details = json::ObjectWriter::begin(status.member("details"));
        let mut written = ArrayWriter::begin(details.member("causes"));
        for Cause { rule, field } in causes {
            let mut cause = json::ObjectWriter::begin(written.element());
            cause.text("reason", rule);
            cause.text("field", field);
            cause.end();
        }
        written.end();
        details.end();
    }
    status.end();
}
