//! `account-rights`

use crate::policy::access::{Bound, Excess, Holder, RoleExcess, excess};
use crate::policy::case::{Case, Findings};
use crate::policy::rules::service_account;
use crate::policy::{Rule, Severity};

/// # What it finds
/// A Tiller whose account has rights already that its team does not allow, by a binding from before it was a
/// Tiller's account.
/// # Why it matters
/// Whoever may use the Tiller acts with these rights. Bindings and roles are judged as they come, but nobody
/// could know then who would run as the account.
/// # What hardening does
/// Nothing: whether the binding or the account is wrong is for a person to say.
pub(super) static RULE: Rule = Rule {
    id: "account-rights",
    severity: Severity::Critical,
    summary: "Tiller's account has rights that its team does not allow.",
    answer: "Refused: remove the binding that is named, or give Tiller another account.",
};

/// As many are told as there is room for; that there are more is told by another try.
const TOLD: usize = 16;

pub(super) fn check(case: &Case<'_>, findings: &mut Findings<'_>) {
    let Some(account) = service_account::account_of(case) else {
        return;
    };
    let Case {
        settings,
        knowledge,
        ..
    } = case;
    let excesses = knowledge
        .bindings_of(account)
        .filter_map(|(holder, binding)| {
            let bound = Bound::known(binding);
            let role = bound.role(knowledge);
            let found = excess(account, holder, bound, role, settings, knowledge);
            message(holder, bound, found)
        });
    for message in excesses.take(TOLD) {
        findings.refuse(
            &RULE,
            case.pod("serviceAccountName"),
            format!("the account {account} of this Tiller has too many rights: {message}"),
            "remove the binding, or give Tiller an account of its own",
        );
    }
}

/// A binding to a role that is not there gives nothing; the role is judged when it comes.
fn message(holder: Holder<'_>, bound: Bound<'_>, found: Excess<'_>) -> Option<String> {
    let Bound {
        role_kind,
        role_name,
        ..
    } = bound;
    let role = role_kind.as_str();
    let by = match holder {
        Holder::Account(_) => String::new(),
        group => format!(" by way of {group}"),
    };
    match found {
        Excess {
            scope: Some(scope), ..
        } => Some(format!("{bound}{by} gives it {role} {role_name} {scope}")),
        Excess {
            role: Some(RoleExcess::Rights(rights)),
            ..
        } => Some(format!(
            "{bound}{by} gives it {role} {role_name} with {rights}"
        )),
        Excess {
            role: Some(RoleExcess::Aggregated),
            ..
        } => Some(format!(
            "{bound}{by} gives it {role} {role_name}, which takes in the rules of others"
        )),
        Excess {
            role: Some(RoleExcess::Unknown) | None,
            ..
        } => None,
    }
}
