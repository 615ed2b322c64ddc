//! Whether a review can concern a Tiller, by the words in its text.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memmem;

use crate::policy::{Knowledge, Settings};
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

/// Whether this review asks for a connection, a token or a token Secret: by the review without its objects, and for Secrets
/// by all of it. It covers what [`is_possible`] does not see.
pub(super) fn is_asked(envelope: &str, body: &str, settings: &Settings) -> bool {
    let holds = |text: &str, word: &str| memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    holds(envelope, "\"CONNECT\"")
        || holds(envelope, "\"TokenRequest\"")
        || holds(envelope, "\"Secret\"")
            && (holds(body, "service-account-token") || holds(body, &settings.certificate_secret))
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
        let asked = |envelope: &str, body: &str| is_asked(envelope, body, &settings);
        let secret = r#"{"kind":"Secret"}"#;
        assert!(asked(r#"{"kind":"TokenRequest"}"#, ""));
        assert!(asked(r#"{"operation":"CONNECT"}"#, ""));
        assert!(asked(secret, "kubernetes.io/service-account-token"));
        assert!(asked(secret, "helm-certs"));
        assert!(!asked(secret, "kubernetes.io/dockercfg"));
        assert!(!asked(
            "{}",
            "kubernetes.io/service-account-token helm-certs"
        ));
    }

    #[test]
    fn roles_and_bindings_are_always_looked_at() {
        assert!(possible(r#"{"group":"rbac.authorization.k8s.io"}"#));
        assert!(!possible(r#"{"group":"authorization.k8s.io"}"#));
    }
}
