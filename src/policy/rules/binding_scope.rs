//! `binding-scope`

use crate::policy::case::Findings;
use crate::policy::pointer::Place;
use crate::policy::rbac::Holder;
use crate::policy::rights::{Excess, Gain, RbacCase};
use crate::policy::{Pointer, Rule, Severity};

/// # What it finds
/// A binding that gives a Tiller's account rights in the whole cluster, in a protected namespace, or in one that is
/// none of its team's. Every spelling of the account counts: the ServiceAccount, the user
/// `system:serviceaccount:NAMESPACE:NAME`, and the groups that hold it. A role that such groups are bound to
/// already may not come to grant more than everybody has.
/// # Why it matters
/// Whoever may use a team's Tiller acts with these rights.
/// # What hardening does
/// Nothing: which rights the team needs is for a person to say.
pub(super) static RULE: Rule = Rule {
    id: "binding-scope",
    severity: Severity::Critical,
    summary: "A Tiller's account gets rights outside its team's namespaces.",
    answer: "Refused: bind the account in its Tiller namespace and its team's target namespaces only.",
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
            format!("{bound} gives the account {account} of a Tiller rights {scope}")
        }
        _ => format!(
            "{bound} gives {holder}, which the account {account} of a Tiller belongs to, rights {scope}"
        ),
    };
    findings.refuse(
        &RULE,
        path,
        message,
        "bind the account by a RoleBinding in its own namespace, or have an administrator make this one of its \
         team's target namespaces",
    );
}
