//! Whether a review can concern a Tiller at all, told from its text.

use memchr::memmem;

use crate::policy::access::AccessKind;
use crate::policy::{Knowledge, Settings};
use crate::tiller::may_hold_tiller;

/// Whether the object of this review may carry a Tiller, open its port, give rights, or run as a Tiller's account:
/// without any of the words looked for it does none of these. Escapes may spell anything and count as a Tiller's word.
pub(super) fn is_possible(body: &str, settings: &Settings, knowledge: &Knowledge) -> bool {
    may_hold_tiller(body)
        || memmem::find(body.as_bytes(), AccessKind::GROUP.as_bytes()).is_some()
        || names_account(body, settings, knowledge)
}

/// Whether this review asks for a connection, a token or a Secret for one, told from the review without its objects, and
/// for Secrets from all of it. It is for what [`is_possible`] does not see.
pub(super) fn is_asked(envelope: &str, body: &str, settings: &Settings) -> bool {
    let holds = |text: &str, word: &str| memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    holds(envelope, "\"CONNECT\"")
        || holds(envelope, "\"TokenRequest\"")
        || holds(envelope, "\"Secret\"")
            && (holds(body, "service-account-token") || holds(body, &settings.certificate_secret))
}

/// Whether a pod in it runs as an account that is called like a Tiller's.
fn names_account(body: &str, settings: &Settings, knowledge: &Knowledge) -> bool {
    const FIELD: &str = "\"serviceAccount";
    memmem::find_iter(body.as_bytes(), FIELD).any(|start| {
        body.get(start + FIELD.len()..)
            .and_then(value)
            .is_some_and(|name| knowledge.names_account(name, settings))
    })
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
    use crate::policy::Kind;
    use crate::policy::TillerUse;
    use crate::policy::access::Account;

    fn possible(body: &str) -> bool {
        let account = Account {
            namespace: "team",
            name: "deployer",
        };
        let tiller = TillerUse {
            account,
            kind: Kind::Deployment,
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
