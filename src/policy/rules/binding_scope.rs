//! `binding-scope`

use crate::policy::case::Findings;
use crate::policy::pointer::Place;
use crate::policy::rbac::Holder;
use crate::policy::rights::{Excess, Gain, RbacCase};
use crate::policy::{Pointer, Rule, Severity};

/// # What it finds
/// A binding that gives Tiller's service account rights in the whole cluster, in a protected namespace, or in a
/// namespace that is not its team's. Every spelling of the service account counts: the ServiceAccount, the user
/// `system:serviceaccount:NAMESPACE:NAME`, and the groups that hold it. A role that is already bound to such groups
/// may not be changed to grant more than everybody has.
/// # Why it matters
/// Whoever may use a team's Tiller acts with these rights.
/// # What hardening does
/// Nothing: a person must decide which rights the team needs.
pub(super) static RULE: Rule = Rule {
    id: "binding-scope",
    severity: Severity::Critical,
    summary: "A binding gives Tiller's service account rights outside its team's namespaces.",
    answer: "Refused: bind the service account only in its Tiller namespace and its team's target namespaces.",
    ..Rule::PLAIN
};

pub(super) fn check(case: &RbacCase<'_>, findings: &mut Findings<'_>) {
    match case {
        RbacCase::Binding(gains) => {
            for (index, gain) in gains {
                let path = Pointer::new(Place::Object, format!("subjects/{index}"));
                tell(path, gain, findings);
            }
        }
        RbacCase::Role(case) => {
            if let Some(gain) = &case.own {
                tell(Pointer::new(Place::Object, "rules"), gain, findings);
            }
        }
    }
}

fn tell(path: Pointer, gain: &Gain<'_>, findings: &mut Findings<'_>) {
    let Gain {
        holder,
        account,
        bound,
        excess: Excess { scope, role: _ },
    } = gain;
    let Some(scope) = scope else {
        return;
    };
    let message = match holder {
        Holder::Account(_) => {
            format!("{bound} gives Tiller's service account {account} rights {scope}")
        }
        _ => format!(
            "{bound} gives {holder}, which Tiller's service account {account} belongs to, rights {scope}"
        ),
    };
    findings.refuse(
        &RULE,
        path,
        message,
        "bind the service account by a RoleBinding in its own namespace, or ask an administrator to add this namespace to its team's target namespaces",
    );
}
