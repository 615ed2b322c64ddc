//! Whether a review can concern a Tiller, by the words in its text.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memmem;

use super::request::Request;
use crate::policy::custody::CustodyKind;
use crate::policy::{Knowledge, ObjectKind, Settings};
use crate::tiller::WORDS;

/// The group of roles and bindings, as far as no other begins like it.
const ACCESS: &str = "rbac.auth";
/// The end of `"serviceAccount`, by letters that are rarely neighbours: the search stops at each of their like.
const ACCOUNT: &str = "eAccount";
const BEFORE_ACCOUNT: &str = "\"servic";

/// A search for all words that matter, in one pass; `None` if it could not be built.
static SIGNS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        // Only leftmost matches are searched with vector instructions.
        .match_kind(MatchKind::LeftmostFirst)
        .build(WORDS.iter().chain(&[ACCESS, ACCOUNT]))
        .ok()
});

/// Whether the object of this review may carry a Tiller, open its port, give rights, or run as a Tiller's account:
/// without any of the words looked for it does none of these. Escapes may spell anything and count as a Tiller's word.
pub(super) fn is_possible(body: &str, settings: &Settings, knowledge: &Knowledge) -> bool {
    let Some(signs) = &*SIGNS else {
        return true;
    };
    let account = WORDS.len() + 1;
    signs.find_iter(body).any(|sign| {
        sign.pattern().as_usize() != account
            || names_account(body, sign.range(), settings, knowledge)
    })
}

/// Whether this request is for a connection, a token, or a Secret that may hold a token or a Tiller's certificates: for these
/// [`is_possible`] finds no word.
pub(super) fn is_asked(request: &Request<'_>, body: &str, settings: &Settings) -> bool {
    let holds = |word: &str| memmem::find(body.as_bytes(), word.as_bytes()).is_some();
    match request.object_kind() {
        Some(ObjectKind::Connection(_) | ObjectKind::Custody(CustodyKind::TokenRequest)) => true,
        Some(ObjectKind::Custody(CustodyKind::Secret)) => {
            holds("service-account-token") || holds(&settings.certificate_secret)
        }
        _ => false,
    }
}

/// Whether [`ACCOUNT`] is here the end of a pod's field that holds an account that is called like a Tiller's.
fn names_account(
    body: &str,
    found: Range<usize>,
    settings: &Settings,
    knowledge: &Knowledge,
) -> bool {
    let before = body.get(..found.start).unwrap_or_default();
    let name = || body.get(found.end..).and_then(value);
    before.ends_with(BEFORE_ACCOUNT)
        && name().is_some_and(|name| knowledge.names_account(name, settings))
}

/// The text that is the value of `serviceAccount` or `serviceAccountName`.
fn value(rest: &str) -> Option<&str> {
    let rest = rest
        .strip_prefix("Name")
        .unwrap_or(rest)
        .strip_prefix('"')?;
    let rest = rest.trim_ascii_start().strip_prefix(':')?;
    let rest = rest.trim_ascii_start().strip_prefix('"')?;
    rest.split_once('"').map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::k8s::review::request::Envelope;
    use crate::policy::TillerUse;
    use crate::policy::WorkloadKind;
    use crate::policy::rbac::Account;

    fn possible(body: &str) -> bool {
        let account = Account {
            namespace: "team",
            name: "deployer",
        };
        let tiller = TillerUse {
            account,
            kind: WorkloadKind::Deployment,
            workload: "releases",
        };
        let knowledge = Knowledge::default().with_tiller(tiller);
        let settings = Settings {
            account_patterns: vec!["helm-*".to_owned()],
            ..Settings::default()
        };
        is_possible(body, &settings, &knowledge)
    }

    #[test]
    fn an_account_is_found_by_its_name_alone() {
        for (body, expected) in [
            (r#"{"serviceAccountName":"deployer"}"#, true),
            (r#"{"serviceAccount" : "deployer"}"#, true),
            (
                r#"{"serviceAccountName":"web","serviceAccount":"deployer"}"#,
                true,
            ),
            (r#"{"serviceAccountName":"helm-a"}"#, true),
            (r#"{"serviceAccountName":"deployer-2"}"#, false),
            (r#"{"serviceAccountName":null,"name":"deployer"}"#, false),
            (r#"{"serviceAccountToken":{"path":"deployer"}}"#, false),
            (r#"{"serviceAccountName":"deployer"#, false),
            (r#"{"serviceAccountName"#, false),
            (r#"{"serviceAccountName":"\u0064eployer"}"#, true),
        ] {
            assert_eq!(possible(body), expected, "{body}");
        }
    }

    #[test]
    fn tokens_and_connections_are_looked_at_by_what_asks_for_them() {
        let settings = Settings {
            certificate_secret: "helm-certs".to_owned(),
            ..Settings::default()
        };
        let asked = |group: &str, kind: &str, text: &str| {
            let review = serde_json::json!({
                "apiVersion": "admission.k8s.io/v1",
                "kind": "AdmissionReview",
                "request": {
                    "uid": "1",
                    "kind": { "group": group, "version": "v1", "kind": kind },
                    "operation": "CREATE",
                    "object": { "text": text },
                },
            });
            let body = review.to_string();
            let envelope = Envelope::pass(&body).unwrap();
            is_asked(&envelope.request, &body, &settings)
        };
        assert!(asked("authentication.k8s.io", "TokenRequest", ""));
        assert!(asked("", "PodExecOptions", ""));
        assert!(asked("", "Secret", "kubernetes.io/service-account-token"));
        assert!(asked("", "Secret", "helm-certs"));
        assert!(!asked("", "Secret", "kubernetes.io/dockercfg"));
        assert!(!asked("", "Pod", "service-account-token helm-certs"));
        assert!(!asked("example.com", "Secret", "helm-certs"));
    }

    #[test]
    fn roles_and_bindings_are_always_looked_at() {
        assert!(possible(r#"{"group":"rbac.authorization.k8s.io"}"#));
        assert!(!possible(r#"{"group":"authorization.k8s.io"}"#));
    }
}
