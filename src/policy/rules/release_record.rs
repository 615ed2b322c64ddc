//! `release-record`

use crate::policy::case::{CustodyCase, Findings};
use crate::policy::custody::CustodyObject;
use crate::policy::pointer::Place;
use crate::policy::{Pointer, Rule, Severity};

/// # What it finds
/// A record of a release, labelled `OWNER=TILLER`, that is written as a ConfigMap, or as a Secret by somebody who is
/// not the service account of a Tiller in that namespace.
/// # Why it matters
/// A Tiller is running that nobody hardened: in a pod that was not recognised, or on somebody's machine. A record
/// holds the values of its release, passwords included, and many more roles may read ConfigMaps than Secrets.
/// # What hardening does
/// Nothing. It is reported, and refused only in mode `forbid`, because Tiller installs a chart even if it cannot
/// record it.
pub(super) static RULE: Rule = Rule {
    id: "release-record",
    severity: Severity::Low,
    summary: "A release is recorded in a ConfigMap, or in a Secret by somebody who is not a Tiller.",
    answer: "Reported, with who wrote it; refused if the policy's mode is `forbid`.",
    ..Rule::PLAIN
};

pub(super) fn check(case: &CustodyCase<'_>, findings: &mut Findings<'_>) {
    let requester = case.context.requester;
    let by = requester.map_or(String::new(), |it| format!(", by {}", it.name));
    let message = match case.object {
        CustodyObject::ConfigMap(map) if map.holds_release => {
            format!("a release is recorded in a ConfigMap{by}")
        }
        CustodyObject::Secret(secret) if secret.holds_release => {
            let namespace = secret.namespace.as_deref();
            let Some(requester) = requester else {
                return;
            };
            let tillers = requester.account().is_some_and(|account| {
                Some(account.namespace) == namespace
                    && case
                        .context
                        .knowledge
                        .is_tiller_account(account, case.settings)
            });
            if tillers {
                return;
            }
            format!(
                "a release is recorded{by}, which is not the service account of a Tiller in this namespace"
            )
        }
        CustodyObject::TokenRequest(_) | CustodyObject::Secret(_) | CustodyObject::ConfigMap(_) => {
            return;
        }
    };
    findings.report(
        &RULE,
        Pointer::new(Place::Object, "metadata/labels/OWNER"),
        message,
        "find the Tiller that wrote it, and harden it",
    );
}
