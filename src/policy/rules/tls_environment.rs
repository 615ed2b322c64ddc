//! `tls-environment`

use crate::policy::case::{Case, Findings, TillerContainer};
use crate::policy::harden::canonical::CERTIFICATE_DIRECTORY;
use crate::policy::harden::{Edit, Variable};
use crate::policy::{Rule, Severity};

/// # What it finds
/// `TILLER_TLS_ENABLE`, `TILLER_TLS_VERIFY` or `TILLER_TLS_CERTS` that is missing, set twice, or different from the
/// flags.
/// # Why it matters
/// The flags decide, but people and older tools read the variables. Both should say the same.
/// # What hardening does
/// Sets the three as `helm init --tiller-tls-verify` does.
pub(in crate::policy) static RULE: Rule = Rule {
    id: "tls-environment",
    severity: Severity::Low,
    summary: "The `TILLER_TLS_*` variables differ from the flags.",
    answer: "Hardened: `TILLER_TLS_ENABLE=1`, `TILLER_TLS_VERIFY=1`, `TILLER_TLS_CERTS=/etc/certs`.",
    ..Rule::PLAIN
};

/// A variable, what it has to be, and what to say where it is not.
struct Wanted {
    name: &'static str,
    value: &'static str,
    missing: &'static str,
    other: &'static str,
    remedy: &'static str,
}

const WANTED: [Wanted; 3] = [
    Wanted {
        name: "TILLER_TLS_VERIFY",
        value: "1",
        missing: "TILLER_TLS_VERIFY is not set",
        other: "TILLER_TLS_VERIFY differs from the flags",
        remedy: "set TILLER_TLS_VERIFY=1",
    },
    Wanted {
        name: "TILLER_TLS_ENABLE",
        value: "1",
        missing: "TILLER_TLS_ENABLE is not set",
        other: "TILLER_TLS_ENABLE differs from the flags",
        remedy: "set TILLER_TLS_ENABLE=1",
    },
    Wanted {
        name: "TILLER_TLS_CERTS",
        value: CERTIFICATE_DIRECTORY,
        missing: "TILLER_TLS_CERTS is not set",
        other: "TILLER_TLS_CERTS differs from the flags",
        remedy: "set TILLER_TLS_CERTS=/etc/certs",
    },
];

pub(super) fn check(_: &Case<'_>, tiller: &TillerContainer<'_>, findings: &mut Findings<'_>) {
    let environment = tiller.container.env.iter().enumerate();
    for Wanted {
        name,
        value,
        missing,
        other,
        remedy,
    } in WANTED
    {
        // Of several entries the last counts.
        let given = environment
            .clone()
            .rfind(|(_, variable)| variable.name == name);
        let (path, message) = match given {
            None => (tiller.at("env"), missing),
            Some((_, variable)) if variable.value_from.is_none() && variable.value == value => {
                continue;
            }
            Some((index, _)) => (tiller.at(format!("env/{index}")), other),
        };
        let value = Variable::Literal(value.into());
        let edit = Edit::Variable {
            tiller: tiller.place(),
            name,
            value,
        };
        findings.harden(&RULE, path, message, remedy, edit);
    }
}
