//! `tls-environment`

use crate::policy::canonical::CERTIFICATE_DIRECTORY;
use crate::policy::case::{Case, Findings, TillerContainer};
use crate::policy::harden::{Edit, Variable};
use crate::policy::{Rule, Severity};

/// # What it finds
/// `TILLER_TLS_ENABLE`, `TILLER_TLS_VERIFY` or `TILLER_TLS_CERTS` missing, given twice, or saying something
/// else than the flags.
/// # Why it matters
/// The flags decide. But people and older tools read the variables, and these should not tell another story.
/// # What hardening does
/// Sets the three as `helm init --tiller-tls-verify` does.
pub(super) static RULE: Rule = Rule {
    id: "tls-environment",
    severity: Severity::Low,
    summary: "The `TILLER_TLS_*` variables do not say what the flags say.",
    answer: "Hardened: `TILLER_TLS_ENABLE=1`, `TILLER_TLS_VERIFY=1`, `TILLER_TLS_CERTS=/etc/certs`.",
};

pub(super) fn check(_: &Case<'_>, tiller: &TillerContainer<'_>, findings: &mut Findings) {
    for (name, right) in [
        ("TILLER_TLS_VERIFY", "1"),
        ("TILLER_TLS_ENABLE", "1"),
        ("TILLER_TLS_CERTS", CERTIFICATE_DIRECTORY),
    ] {
        let environment = &tiller.container.env;
        let last = environment
            .iter()
            .rposition(|variable| variable.name == name);
        let (path, message) = match last.and_then(|index| Some((index, environment.get(index)?))) {
            Some((_, variable)) if variable.value_from.is_none() && variable.value == right => {
                continue;
            }
            Some((index, _)) => (
                tiller.at(&format!("env/{index}")),
                format!("{name} says otherwise than the flags"),
            ),
            None => (tiller.at("env"), format!("{name} is not set")),
        };
        findings.harden(
            &RULE,
            path,
            message,
            format!("set {name}={right}"),
            Edit::Variable {
                tiller: tiller.path.clone(),
                name,
                value: Variable::Literal(right.to_owned()),
            },
        );
    }
}
