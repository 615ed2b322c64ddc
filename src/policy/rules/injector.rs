//! `injector`

use crate::policy::case::{Case, Findings, TillerContainer};
use crate::policy::harden::Edit;
use crate::policy::rbac::Account;
use crate::policy::{Injector, Invitation, Rule, Severity};

/// # What it finds
/// A template that another webhook would add containers, variables or volumes to: because it asks for that by a label
/// or an annotation, or because it does not keep away a webhook that the policy lists.
/// # Why it matters
/// The changed pod is refused: the Deployment is clean, but its Tiller never starts.
/// # What hardening does
/// Sets the label or annotation that keeps away a webhook that the policy lists under `injectors`. tiller-guard does
/// not know which other webhooks the cluster has; a template that asks for one is reported, and in manifests also a
/// Namespace or service account that asks for one.
pub(super) static RULE: Rule = Rule {
    id: "injector",
    severity: Severity::Medium,
    summary: "Istio, Linkerd, Vault, Datadog or a webhook for AWS or Azure identities would change the pod, which \
              would then be refused.",
    answer: "Hardened if the policy lists it under `injectors`: with the label or annotation that keeps it away. \
             Reported if the template asks for it.",
    ..Rule::PLAIN
};

pub(super) fn check<'a>(
    case: &Case<'a>,
    tiller: &TillerContainer<'a>,
    findings: &mut Findings<'a>,
) {
    // What was added to a copy is found there.
    if case.workload.is_copy() {
        return;
    }
    let container = tiller.container.name.as_str();
    for injector in Injector::ALL {
        let listed = case.settings.injectors.contains(&injector);
        let (id, name) = (injector.as_str(), injector.name());
        let mut told = false;
        for switch in injector.switches() {
            let given = switch.given(case.workload.metadata.as_ref());
            let asks = given.is_some_and(|value| switch.asks(value));
            let off = switch.off.value(container);
            let (list, key) = (switch.list.singular(), switch.key);
            if listed && (asks || switch.comes_unasked && given != Some(&*off)) {
                findings.harden(
                    &RULE,
                    case.template(switch.field.path),
                    format!("{name} may add to this pod, which would then be refused"),
                    format!("set the {list} {key}: \"{off}\""),
                    Edit::Switch(*switch, container),
                );
            } else if asks {
                findings.report(
                    &RULE,
                    case.template(switch.field.path),
                    format!("this asks {name} to add to the pod, which would then be refused"),
                    format!(
                        "set the {list} {key}: \"{off}\", or list {id} under injectors in the policy"
                    ),
                );
            }
            told |= listed || asks || given == Some(&*off);
        }
        if let (false, Some(invitation)) = (told, invitation(case, injector)) {
            findings.report(
                &RULE,
                case.template("metadata"),
                format!(
                    "{} asks {name} to add to the pod, which would then be refused",
                    invitation.place()
                ),
                injector.kept_away_from(container),
            );
        }
    }
}

/// What asks an injector to come beside the template.
fn invitation(case: &Case<'_>, injector: Injector) -> Option<Invitation> {
    let namespace = case.workload.namespace.as_deref()?;
    let name = match case.workload.pod.account().as_str() {
        "" => "default",
        name => name,
    };
    case.knowledge
        .invites(injector, Account { namespace, name })
}
