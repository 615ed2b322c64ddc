//! `launch-unreadable`

use crate::policy::case::{Case, Findings, TillerContainer};
use crate::policy::{Rule, Severity};
use crate::tiller::{Setting, Start, Unknown};

/// # What it finds
/// A launch that does not say what Tiller will do: a shell or another program in front of it, `$(VAR)` in its words,
/// or words on which Tiller exits.
/// # Why it matters
/// What cannot be read cannot be judged, and a shell line can do anything.
/// # What hardening does
/// Nothing: replacing a launch that was meant to do something else would hide that.
pub(super) static RULE: Rule = Rule {
    id: "launch-unreadable",
    severity: Severity::Critical,
    summary: "The command line of Tiller cannot be read: a wrapper, `$(VAR)`, or words on which it exits.",
    answer: "Refused: start `/tiller` itself with plain flags that it knows.",
    ..Rule::PLAIN
};

const REMEDY: &str =
    "start /tiller itself with literal flags, or remove command and args: hardening writes them";

pub(super) fn check(_: &Case<'_>, tiller: &TillerContainer<'_>, findings: &mut Findings<'_>) {
    match (&tiller.tiller.launch, &tiller.tiller.start) {
        // The version floor has said it already.
        (Setting::Unknown(Unknown::Entrypoint(_)), _) => {}
        (Setting::Unknown(reason), _) => {
            findings.refuse(&RULE, tiller.words(), reason.to_string(), REMEDY);
        }
        (Setting::Known(_), Setting::Known(Start::Exits { code, reason }))
            if !tiller.is_readable() =>
        {
            findings.refuse(
                &RULE,
                tiller.words(),
                format!("Tiller exits with code {code} on its command line: {reason}"),
                REMEDY,
            );
        }
        _ => {}
    }
}
