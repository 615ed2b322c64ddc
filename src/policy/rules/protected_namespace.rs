//! `protected-namespace`

use crate::policy::case::{Case, Findings};
use crate::policy::pointer::Place;
use crate::policy::{Pointer, Rule, Severity};

/// # What it finds
/// A Tiller in a namespace where none may run, by default `kube-system` and the other namespaces that
/// every cluster has.
/// # Why it matters
/// Who reaches a Tiller in `kube-system` stands beside the control plane's own Secrets and accounts, and
/// `helm init` goes there unless it is told otherwise.
/// # What hardening does
/// Nothing: where a team's Tiller belongs is for a person to say.
pub(super) static RULE: Rule = Rule {
    id: "protected-namespace",
    severity: Severity::Critical,
    summary: "Tiller would run in a protected namespace such as `kube-system`.",
    answer: "Refused: give each team's Tiller a namespace of its own.",
    ..Rule::PLAIN
};

pub(super) fn check(case: &Case<'_>, findings: &mut Findings<'_>) {
    let path = || Pointer::new(Place::Object, "metadata/namespace");
    match &case.workload.namespace {
        Some(namespace)
            if case
                .settings
                .protected_namespaces
                .iter()
                .any(|it| namespace.as_str() == it) =>
        {
            findings.refuse(
                &RULE,
                path(),
                format!("no Tiller may run in the namespace {namespace}"),
                if case.is_helms() {
                    "make a namespace for the team and pass --tiller-namespace NAMESPACE to helm init"
                } else {
                    "run it in a namespace of the team's own"
                },
            );
        }
        Some(_) => {}
        None if case.workload.placeholder.is_some() => findings.refuse(
            &RULE,
            path(),
            format!(
                "{} is no namespace; what is filled in may be a protected one",
                case.workload.placeholder.as_deref().unwrap_or_default()
            ),
            "fill it in before, so that what is judged is what is applied",
        ),
        None => findings.refuse(
            &RULE,
            path(),
            "the manifest names no namespace, so it may land in a protected one",
            "write metadata.namespace, or say where it goes with --namespace",
        ),
    }
}
