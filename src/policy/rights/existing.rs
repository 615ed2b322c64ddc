//! What accounts of Tillers have beyond what their teams allow, by all bindings that are known.

use std::collections::BTreeSet;

use super::excess::is_everybodys;
use super::{Bound, Excess, RoleExcess, excess, platform};
use crate::gather::Gather as _;
use crate::policy::rbac::{Account, Holder};
use crate::policy::{Knowledge, Settings};

/// A binding that gives a Tiller's account more than its team allows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExistingExcess {
    /// The account, as `NAMESPACE/NAME`.
    pub account: String,
    /// The binding, by which spelling of the account, and what it gives.
    pub message: String,
}

/// Every binding that gives a known Tiller's account more than its team allows. Reviews keep them out one by one; two
/// that are judged at the same time may each know nothing of the other.
pub fn existing_excesses(settings: &Settings, knowledge: &Knowledge) -> Vec<ExistingExcess> {
    let accounts = knowledge.tiller_accounts(Holder::ServiceAccounts, settings);
    let accounts: BTreeSet<Account<'_>> = accounts.gather();
    let of_account = |account: Account<'_>| {
        let account_name = account.to_string();
        let messages: Vec<String> = excesses_of(account, settings, knowledge).collect();
        messages.into_iter().map(move |message| ExistingExcess {
            account: account_name.clone(),
            message,
        })
    };
    accounts.into_iter().flat_map(of_account).collect()
}

/// Each binding that gives an account more than its team allows, and what; and the first that cannot be read.
pub(in crate::policy) fn excesses_of<'a>(
    account: Account<'a>,
    settings: &'a Settings,
    knowledge: &'a Knowledge,
) -> impl Iterator<Item = String> + 'a {
    knowledge
        .bindings_of(account)
        .filter_map(move |(holder, binding)| {
            let bound = Bound::known(binding);
            let role = bound.role(knowledge);
            let found = excess(account, holder, bound, role, settings, knowledge);
            message(holder, bound, found)
        })
        .chain(
            knowledge
                .unreadable_binding()
                .map(|binding| format!("{binding} cannot be read, so it may give it any right")),
        )
}

/// Each binding by which OpenShift gives every account, and so this one, more than the policy says that all have.
pub(in crate::policy) fn shared_with_all<'a>(
    account: Account<'a>,
    settings: &'a Settings,
    knowledge: &'a Knowledge,
) -> impl Iterator<Item = Bound<'a>> {
    knowledge
        .bindings_of(account)
        .filter_map(move |(holder, binding)| {
            let bound = Bound::known(binding);
            // A role that is not there gives nothing.
            let role = Some(bound.role(knowledge)?);
            let shared =
                platform::is_its_own(holder, bound, role) && !is_everybodys(bound, role, settings);
            shared.then_some(bound)
        })
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
            "{bound}{by} gives it {role} {role_name}, which aggregates the rules of other ClusterRoles"
        )),
        Excess {
            role: Some(RoleExcess::Unreadable),
            ..
        } => Some(format!(
            "{bound}{by} gives it {role} {role_name}, which cannot be read"
        )),
        Excess {
            role: Some(RoleExcess::Unknown) | None,
            ..
        } => None,
    }
}
