//! `service-account`

use crate::policy::case::{Case, Findings};
use crate::policy::harden::Edit;
use crate::policy::rbac::Account;
use crate::policy::{Rule, Severity, WorkloadKind};

/// # What it finds
/// A Tiller without a service account of its own: none, `default`, or one that a running pod of somebody else has
/// too; and a Tiller with another service account than that of the team in whose Tiller namespace it runs.
/// # Why it matters
/// Tiller acts with its service account's rights for everyone who reaches it. Every pod of the namespace may run as
/// `default`, so rights given to that service account are given to all of them.
/// # What hardening does
/// In the namespace of a team's Tiller, a template without a service account gets the team's. Otherwise nothing: a
/// person must decide which service account is right. When a Pod is judged, the token of its service account is
/// already mounted.
pub(super) static RULE: Rule = Rule {
    id: "service-account",
    severity: Severity::Critical,
    summary: "Tiller has no service account of its own.",
    answer: "Hardened to the team's service account in the namespace of a team's Tiller; otherwise refused: create \
             a service account only for Tiller and name it.",
    ..Rule::PLAIN
};

pub(super) fn check<'a>(case: &Case<'a>, findings: &mut Findings<'a>) {
    let given = case.workload.pod.account();
    let path = || case.pod("serviceAccountName");
    if let Some(team_account) = given_by_team(case) {
        findings.harden(
            &RULE,
            path(),
            "Tiller would run as service account \"default\", not as its team's",
            format!("set it to \"{team_account}\""),
            Edit::Account(team_account),
        );
    } else if is_none(given) {
        findings.refuse(
            &RULE,
            path(),
            "Tiller would run as service account \"default\", which every pod in the namespace may use",
            if case.is_helms() {
                "create a service account only for Tiller and pass --service-account NAME to helm init"
            } else {
                "create a service account only for Tiller and set serviceAccountName"
            },
        );
    } else if let Some(namespace) = case.workload.namespace.as_deref()
        && let Some(team) = case.knowledge.team_in(namespace)
        && case
            .knowledge
            .team_of(Account {
                namespace,
                name: given,
            })
            .is_none()
    {
        let right = &team.service_account;
        findings.refuse(
            &RULE,
            path(),
            format!(
                "the Tiller of team {} must run as \"{right}\", not as \"{given}\"",
                team.name
            ),
            if case.is_helms() {
                format!("pass --service-account {right} to helm init")
            } else {
                format!("set serviceAccountName to {right}")
            },
        );
    } else if let Some(account) = account_of(case)
        && let Some(pod) = case.knowledge.account_user(account)
    {
        findings.refuse(
            &RULE,
            path(),
            format!("pod {pod}, which is not a Tiller, also runs as service account {account}"),
            "create a service account only for Tiller and pass --service-account NAME to helm init, or delete that pod",
        );
    }
}

/// The account that a Tiller without one gets from the team whose Tiller runs in its namespace.
pub(super) fn given_by_team<'a>(case: &Case<'a>) -> Option<&'a str> {
    if case.workload.kind == WorkloadKind::Pod || !is_none(case.workload.pod.account()) {
        return None;
    }
    let namespace = case.workload.namespace.as_deref()?;
    let team = case.knowledge.team_in(namespace)?;
    Some(&team.service_account)
}

/// The account that the Tiller runs as once it is hardened, if it is one of its own.
pub(super) fn account_of<'a>(case: &Case<'a>) -> Option<Account<'a>> {
    let namespace = case.workload.namespace.as_deref()?;
    let given: &'a str = case.workload.pod.account();
    let name = given_by_team(case).or_else(|| Some(given).filter(|name| !is_none(name)))?;
    Some(Account { namespace, name })
}

fn is_none(account: &str) -> bool {
    account.is_empty() || account == "default"
}
