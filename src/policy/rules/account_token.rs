//! `account-token`

use crate::policy::case::{CustodyCase, Findings};
use crate::policy::custody::CustodyObject;
use crate::policy::pointer::Place;
use crate::policy::rbac::Account;
use crate::policy::{Pointer, Requester, Rule, Severity, is_controller};

/// # What it finds
/// A request for a token of Tiller's service account by anybody except the kubelet of its pod, and a Secret that
/// Kubernetes would fill with such a token, unless its controller makes it.
/// # Why it matters
/// Whoever has the token has Tiller's rights, without a certificate and without Tiller. A token in a Secret never
/// expires.
/// # What hardening does
/// Nothing: Tiller's pod gets its tokens by itself.
pub(super) static RULE: Rule = Rule {
    id: "account-token",
    severity: Severity::Critical,
    summary: "Somebody other than the kubelet asks for a token of Tiller's service account.",
    answer: "Refused, except for the kubelet of Tiller's pod: use Helm, or another service account.",
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
            format!("a token of Tiller's service account {account} would be handed out"),
            "use Helm with one of the team's certificates, or a service account that is not Tiller's",
        );
    }
}
