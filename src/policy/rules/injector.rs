//! `injector`

use crate::policy::case::{Case, Findings, TillerContainer};
use crate::policy::harden::Edit;
use crate::policy::rbac::Account;
use crate::policy::{Injector, Invitation, Rule, Severity};

/// # What it finds
/// A template that another webhook would add containers, variables or volumes to: one that asks for it by a label or an
/// annotation, or one that does not keep away a webhook which the policy lists.
/// # Why it matters
/// A pod with what is added is refused: its Deployment is clean, and its Tiller never comes up.
/// # What hardening does
/// Sets the label or annotation that keeps away a webhook which the policy lists under `injectors`. Whether another one
/// is in the cluster is not known: what asks for it is reported, in manifests by the Namespace and the service account too.
pub(super) static RULE: Rule = Rule {
    id: "injector",
    severity: Severity::Medium,
    summary: "Istio, Linkerd, Vault, Datadog or a webhook for AWS or Azure identities would change the pod, which is \
              refused then.",
    answer: "Hardened where the policy lists it under `injectors`: the label or annotation that keeps it away; \
             reported where the template asks for it.",
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
                    format!(
                        "{name} is not kept from adding to this pod, which would be refused then"
                    ),
                    format!("set the {list} {key}: \"{off}\""),
                    Edit::Switch(*switch, container),
                );
            } else if asks {
                findings.report(
                    &RULE,
                    case.template(switch.field.path),
                    format!("this asks {name} to add to the pod, which is refused then"),
                    format!(
                        "set the {list} {key}: \"{off}\", or list {id} under injectors of the policy, which does it"
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
                    "{} asks {name} to add to the pod, which is refused then",
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
