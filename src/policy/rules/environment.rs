//! `environment`

use crate::pod::EnvVar;
use crate::policy::case::{Case, Findings, TillerContainer};
use crate::policy::harden::Edit;
use crate::policy::{Injector, Rule, Severity};

/// The variables that Tiller itself reads and that another rule or the command line pins.
const TILLER_VARIABLES: [&str; 5] = [
    "TILLER_NAMESPACE",
    "TILLER_HISTORY_MAX",
    "TILLER_TLS_ENABLE",
    "TILLER_TLS_VERIFY",
    "TILLER_TLS_CERTS",
];

/// # What it finds
/// A variable that Tiller does not need, one that is set twice, one whose value is not in the manifest, and
/// `envFrom`.
/// # Why it matters
/// `KUBECONFIG` replaces Tiller's identity, `SSL_CERT_FILE` its trust, `HTTPS_PROXY` the API server it talks to.
/// `envFrom` may set any of them.
/// # What hardening does
/// Removes all but the last of a variable that is set twice; the last one counts. The rest is refused, because
/// somebody set it for a purpose.
pub(super) static RULE: Rule = Rule {
    id: "environment",
    severity: Severity::High,
    summary: "Tiller's environment has variables that it does not need, or whose value is unknown.",
    answer: "Refused: use only `TILLER_*` with literal values and `HOME=/tmp`. A variable that is set twice is \
             hardened to its last value.",
    ..Rule::PLAIN
};

pub(super) fn check(case: &Case<'_>, tiller: &TillerContainer<'_>, findings: &mut Findings<'_>) {
    if !tiller.container.env_from.is_empty() {
        findings.refuse(
            &RULE,
            tiller.at("envFrom"),
            "envFrom can set any variable, and its content is not in the manifest",
            "list the variables under env",
        );
    }
    let environment = &*tiller.container.env;
    for (index, variable) in environment.iter().enumerate() {
        let path = || tiller.at(format!("env/{index}"));
        if let Some(message) = objection(variable, &case.settings.allowed_environment) {
            match case.injected(|| Injector::of_variable(variable)) {
                Some(injector) => {
                    let message = format!("{message}; {} sets it in pods", injector.name());
                    let by = (injector, tiller.container.name.as_str());
                    findings.refuse_injected(&RULE, path(), message, by);
                }
                None => findings.refuse(
                    &RULE,
                    path(),
                    message,
                    "remove it, or ask an administrator to allow it",
                ),
            }
        } else if is_repeated(environment, index) {
            findings.harden(
                &RULE,
                path(),
                format!(
                    "{} is set again below; only the last value counts",
                    variable.name
                ),
                "remove this one",
                Edit::NoVariable {
                    tiller: tiller.place(),
                    index,
                },
            );
        }
    }
}

fn objection(variable: &EnvVar<'_>, allowed: &[String]) -> Option<String> {
    let EnvVar {
        name,
        value,
        value_from,
    } = variable;
    match name.as_str() {
        "TILLER_HISTORY_MAX" if value_from.is_some() => {
            Some(format!("the value of {name} is not in the manifest"))
        }
        "TILLER_HISTORY_MAX" if value.contains("$(") => Some(format!(
            "the value of {name} holds $(…), which the kubelet expands"
        )),
        // What images from 2.3.0 on set.
        "HOME" if value_from.is_none() && value == "/tmp" => None,
        known if TILLER_VARIABLES.contains(&known) => None,
        other if allowed.iter().any(|it| it == other) => None,
        "HOME" => Some("HOME must be /tmp, the only directory that Tiller may write".into()),
        other => Some(format!("Tiller does not need the variable {other}")),
    }
}

fn is_repeated(environment: &[EnvVar<'_>], index: usize) -> bool {
    let mut later = environment.iter().skip(index);
    later
        .next()
        .is_some_and(|variable| later.any(|other| other.name == variable.name))
}
