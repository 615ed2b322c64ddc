//! `tiller-namespace`

use crate::policy::case::{Case, Findings, TillerContainer};
use crate::policy::harden::{Edit, Variable};
use crate::policy::{Rule, Severity};
use crate::tiller::Setting;

const NAME: &str = "TILLER_NAMESPACE";

/// # What it finds
/// A Tiller whose `TILLER_NAMESPACE` is not its pod's namespace, or is not set.
/// # Why it matters
/// Tiller keeps its releases in that namespace, wherever it runs: one team's Tiller can be made to read and write
/// another team's releases.
/// # What hardening does
/// Sets the variable if it is missing. Another namespace is refused: a person must decide to move a Tiller away from
/// its releases.
pub(super) static RULE: Rule = Rule {
    id: "tiller-namespace",
    severity: Severity::High,
    summary: "`TILLER_NAMESPACE` is not the pod's namespace.",
    answer: "Hardened if it is not set; refused if it names another namespace.",
    ..Rule::PLAIN
};

pub(super) fn check<'a>(
    case: &Case<'a>,
    tiller: &TillerContainer<'a>,
    findings: &mut Findings<'a>,
) {
    let environment = &tiller.container.env;
    let Some(index) = environment
        .iter()
        .rposition(|variable| variable.name == NAME)
    else {
        findings.harden(
            &RULE,
            tiller.at("env"),
            "TILLER_NAMESPACE is not set",
            "set it to the pod's namespace",
            Edit::Variable {
                tiller: tiller.place(),
                name: NAME,
                value: match &case.workload.namespace {
                    Some(namespace) => Variable::Literal(namespace.as_str().into()),
                    None => Variable::PodNamespace,
                },
            },
        );
        return;
    };
    let message = match (&tiller.tiller.effective.namespace, &case.workload.namespace) {
        (Setting::Known(records), Some(pod)) if records.as_ref() != pod.as_str() => {
            format!("Tiller would keep releases in namespace {records}, but the pod runs in {pod}")
        }
        // That the manifest names no namespace is told by protected-namespace.
        (Setting::Known(_), _) | (Setting::Unknown(_), None) => return,
        (Setting::Unknown(reason), Some(_)) => {
            format!("the namespace of the releases is unknown: {reason}")
        }
    };
    findings.refuse(
        &RULE,
        tiller.at(format!("env/{index}")),
        message,
        "set TILLER_NAMESPACE to the pod's namespace, or remove it",
    );
}
