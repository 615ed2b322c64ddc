//! `account-token`

use crate::policy::case::{CustodyCase, Findings};
use crate::policy::custody::CustodyObject;
use crate::policy::pointer::Place;
use crate::policy::rbac::Account;
use crate::policy::{Pointer, Requester, Rule, Severity, is_controller};

/// # What it finds
/// A token of a Tiller's account that somebody else than its pod's kubelet asks for, and a Secret that Kubernetes fills
/// with such a token, unless its controller makes it.
/// # Why it matters
/// Whoever has the token has Tiller's rights, without a certificate, and without Tiller: for good where it is in a Secret.
/// # What hardening does
/// Nothing: Tiller's pod gets its tokens by itself.
pub(super) static RULE: Rule = Rule {
    id: "account-token",
    severity: Severity::Critical,
    summary: "A token of a Tiller's account is handed out.",
    answer: "Refused, but to the kubelet for a Pod: use Helm, or give what needs rights an account of its own.",
    ..Rule::PLAIN
};

pub(super) fn check(case: &CustodyCase<'_>, findings: &mut Findings<'_>) {
    let requester = case.context.requester;
    let (account, path) = match case.object {
        CustodyObject::TokenRequest(request) => {
            let kubelet = request.for_pod && requester.is_some_and(Requester::is_kubelet);
            (request.account().filter(|_| !kubelet), "spec")
        }
        CustodyObject::Secret(secret) => {
            let controller = requester.is_some_and(|it| is_controller(&it.name));
            let path = "metadata/annotations/kubernetes.io~1service-account.name";
            (secret.token_of().filter(|_| !controller), path)
        }
        CustodyObject::ConfigMap(_) => return,
    };
    let tillers = |account: &Account<'_>| {
        case.context
            .knowledge
            .is_tiller_account(*account, case.settings)
    };
    if let Some(account) = account.filter(tillers) {
        findings.refuse(
            &RULE,
            Pointer::new(Place::Object, path),
            format!("a token of the account {account} of a Tiller would be handed out"),
            "use Helm with a certificate of the team's, or an account that is no Tiller's",
        );
    }
}
