//! `protected-namespace`

use crate::policy::case::{Case, Findings};
use crate::policy::pointer::Place;
use crate::policy::{Pointer, Rule, Severity};

/// # What it finds
/// A Tiller in a namespace in which none may run: `kube-system` and the other namespaces that every cluster has, and
/// those that the policy adds.
/// # Why it matters
/// A Tiller in `kube-system` sits beside the Secrets and service accounts of the control plane, and `helm init` goes
/// there by default.
/// # What hardening does
/// Nothing: a person must decide where a team's Tiller belongs.
pub(super) static RULE: Rule = Rule {
    id: "protected-namespace",
    severity: Severity::Critical,
    summary: "Tiller would run in a protected namespace such as `kube-system`.",
    answer: "Refused: create a namespace for each team's Tiller.",
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
                format!("Tiller may not run in the protected namespace {namespace}"),
                if case.is_helms() {
                    "create a namespace for the team and pass --tiller-namespace NAMESPACE to helm init"
                } else {
                    "run it in the team's own namespace"
                },
            );
        }
        Some(_) => {}
        None if case.workload.placeholder.is_some() => findings.refuse(
            &RULE,
            path(),
            format!(
                "{} is a placeholder, not a namespace; its value may be a protected namespace",
                case.workload.placeholder.as_deref().unwrap_or_default()
            ),
            "fill it in first, so that the final manifest is judged",
        ),
        None => findings.refuse(
            &RULE,
            path(),
            "the manifest names no namespace, so it may be applied to a protected one",
            "set metadata.namespace, or pass --namespace",
        ),
    }
}
