//! Errors of requests to the API server, in words: what was asked, what the answer says, and what to do next. The client's own
//! texts print its types.

use std::error::Error;

/// A request that failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {verb} {what}")]
pub struct RequestError {
    verb: &'static str,
    what: String,
    source: Box<kube::Error>,
}

// === impl RequestError ===

impl RequestError {
    /// Makes one of an error: what was tried, and on which kind or path.
    pub fn of(verb: &'static str, what: &str) -> impl FnOnce(kube::Error) -> Self {
        let what = what.to_owned();
        move |source| Self {
            verb,
            what,
            source: Box::new(source),
        }
    }
}

/// What the API server said, or why there is no answer, and what to do next.
pub fn words(error: &kube::Error) -> String {
    match next_step(error) {
        Some(step) => format!("{}; {step}", said(error)),
        None => said(error),
    }
}

/// What the API server said, or why there is no answer.
pub fn said(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => match (status.message.trim(), status.reason.as_str()) {
            ("", reason) => format!("the API server answered {} {reason}", status.code),
            (message, _) if is_denial(message) => without_preamble(message).to_owned(),
            (message, _) if next_step(error).is_none() => message.to_owned(),
            (message, _) => format!("{message} (HTTP {})", status.code),
        },
        kube::Error::SerdeError(error) => format!(
            "the answer is not what Kubernetes sends ({}); look at what answers at this address",
            without_values(&error.to_string())
        ),
        other => {
            let mut causes = Vec::new();
            let mut cause = other.source();
            while let Some(error) = cause {
                causes.push(error.to_string());
                cause = error.source();
            }
            // Most errors repeat the text of their cause.
            let texts = causes.iter().enumerate().filter(|(index, text)| {
                let mut after = causes.iter().skip(index + 1);
                !after.any(|it| text.contains(it.as_str()))
            });
            let texts: Vec<&str> = texts.map(|(_, text)| text.as_str()).collect();
            match texts.as_slice() {
                [] => other.to_string(),
                texts => texts.join(": "),
            }
        }
    }
}

/// What is wrong with JSON, without the texts that it quotes: they may be those of a Secret.
fn without_values(error: &str) -> String {
    const QUOTES: &str = "string \"";
    match (error.find(QUOTES), error.rfind("\", expected")) {
        (Some(from), Some(to)) if from < to => {
            let (before, after) = (error.get(..from), error.get(to + 1..));
            format!(
                "{}a string{}",
                before.unwrap_or_default(),
                after.unwrap_or_default()
            )
        }
        _ => error.to_owned(),
    }
}

/// What to do about an answer that a person can do something about. A refusal (403) names the right that is missing.
pub fn next_step(error: &kube::Error) -> Option<&'static str> {
    let kube::Error::Api(status) = error else {
        return None;
    };
    match status.code {
        _ if is_denial(&status.message) => None,
        401 => Some("log in again: the API server does not accept these credentials"),
        404 => Some("check that the API server serves this kind: kubectl api-resources"),
        405 | 406 => Some(
            "look at the proxy in front of the API server, which may keep this request from it",
        ),
        415 => Some(
            "look at the proxy in front of the API server: Kubernetes takes this content type (JSON, a merge patch)",
        ),
        429 => Some("the API server is overloaded: run this again in a minute"),
        500..=599 => Some("look at the log of the API server, and run this again"),
        _ => None,
    }
}

/// What to do about a request that failed. `right` is what an account must be allowed for it: `get Pod a/b`.
pub fn remedy(error: &kube::Error, right: &str) -> String {
    match (next_step(error), error) {
        (Some(step), _) => step.to_owned(),
        (None, kube::Error::Api(status)) if status.code == 403 => {
            format!("use an account that may {right}")
        }
        (None, kube::Error::Api(_) | kube::Error::SerdeError(_)) => {
            "look at the log of the API server, and at any proxy in front of it".to_owned()
        }
        (None, _) => "check the connection to the API server, and run this again".to_owned(),
    }
}

/// Whether these are the words of a webhook that refused. Before Kubernetes 1.14 a mutating webhook's refusal is an internal error.
///
/// Source: `mutating/dispatcher.go` of `k8s.io/apiserver`, 1.10 to 1.13.
pub(super) fn is_denial(message: &str) -> bool {
    let message = without_preamble(message);
    message.starts_with("admission webhook ") && message.contains("denied the request")
}

/// Whether these are the words of an authorizer: `pods is forbidden: User "a" cannot list resource "pods" …`.
///
/// Source: `forbiddenMessage` of `k8s.io/apiserver`, 1.10 to 1.36.
pub(super) fn lacks_right(message: &str) -> bool {
    message.contains("User \"") && message.contains("\" cannot ") && !is_denial(message)
}

/// The same in the words of this program: `you, a, may not list pods in the namespace b`. None of another message.
pub(super) fn missing_right(message: &str) -> Option<String> {
    let (_, said) = message
        .split_once("User \"")
        .filter(|_| lacks_right(message))?;
    let (user, said) = said.split_once("\" cannot ")?;
    let (verb, said) = said.split_once(' ')?;
    let quoted = |text: &str, before: &str| {
        let (_, after) = text.split_once(before)?;
        Some(after.split_once('"')?.0.to_owned())
    };
    // Before Kubernetes 1.12 the resource is said with its group, and without quotes.
    let resource = match quoted(said, "resource \"") {
        Some(resource) => match quoted(said, "in API group \"").unwrap_or_default().as_str() {
            "" => resource,
            group => format!("{resource}.{group}"),
        },
        None => said.split(' ').next()?.to_owned(),
    };
    let (resource, place) = match quoted(said, "in the namespace \"") {
        // Namespaces are said to be in themselves.
        Some(namespace) if resource == "namespaces" => ("the namespace".to_owned(), namespace),
        Some(namespace) => (resource, format!("in the namespace {namespace}")),
        None => (resource, "in the whole cluster".to_owned()),
    };
    Some(format!(
        "you, {user}, may not {verb} {resource} {place}: ask an administrator to do it, or to give you that right"
    ))
}

/// What is said behind the name that the API server gives to errors of its own.
pub(super) fn without_preamble(message: &str) -> &str {
    message
        .strip_prefix("Internal error occurred: ")
        .unwrap_or(message)
}

/// An error with its causes on one line, each said once; errors of requests in [`words`].
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let request = error
            .downcast_ref::<kube::Error>()
            .or_else(|| error.downcast_ref::<Box<kube::Error>>().map(|it| &**it));
        let said = request.map_or_else(|| error.to_string(), words);
        // Some errors repeat the text of their cause.
        if !text.ends_with(&said) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&said);
        }
        next = error.source().filter(|_| request.is_none());
    }
    text
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    fn api(code: u16, message: &str) -> kube::Error {
        let status = Status::failure(message, "Reason").with_code(code);
        kube::Error::Api(status.boxed())
    }

    #[test]
    fn each_answer_is_said_with_the_next_step_and_without_types() {
        for (code, message, expected) in [
            (
                401,
                "Unauthorized",
                "Unauthorized (HTTP 401); log in again: the API server does not accept these credentials",
            ),
            (403, "pods is forbidden: no", "pods is forbidden: no"),
            (
                404,
                "404 page not found\n",
                "404 page not found (HTTP 404); check that the API server serves this kind: kubectl api-resources",
            ),
            (
                429,
                "",
                "the API server answered 429 Reason; the API server is overloaded: run this again in a minute",
            ),
            (
                500,
                "etcd is gone",
                "etcd is gone (HTTP 500); look at the log of the API server, and run this again",
            ),
            (
                500,
                "Internal error occurred: admission webhook \"a.b.c\" denied the request: no",
                "admission webhook \"a.b.c\" denied the request: no",
            ),
        ] {
            assert_eq!(words(&api(code, message)), expected);
        }
    }

    #[test]
    fn an_authorizer_is_told_from_a_quota() {
        for (message, expected) in [
            (
                r#"pods is forbidden: User "a" cannot list pods in the namespace "b""#,
                true,
            ),
            (
                r#"pods is forbidden: User "a" cannot list resource "pods" in API group "" in the namespace "b""#,
                true,
            ),
            (
                r#"secrets "a.v1" is forbidden: exceeded quota: q, requested: secrets=1, used: secrets=2, limited: secrets=2"#,
                false,
            ),
            (
                r#"secrets "a.v1" is forbidden: unable to create new content in namespace b because it is being terminated"#,
                false,
            ),
        ] {
            assert_eq!(lacks_right(message), expected, "{message}");
        }
    }

    #[test]
    fn a_missing_right_is_named() {
        for (message, expected) in [
            (
                r#"pods is forbidden: User "a" cannot list pods in the namespace "b""#,
                "you, a, may not list pods in the namespace b: ",
            ),
            (
                r#"namespaces "b" is forbidden: User "a" cannot get resource "namespaces" in API group "" in the namespace "b""#,
                "you, a, may not get the namespace b: ",
            ),
            (
                r#"pods is forbidden: User "a" cannot list resource "pods" in API group "" in the namespace "b": no"#,
                "you, a, may not list pods in the namespace b: ",
            ),
            (
                r#"roles.rbac.authorization.k8s.io is forbidden: User "a" cannot list resource "roles" in API group "rbac.authorization.k8s.io" at the cluster scope"#,
                "you, a, may not list roles.rbac.authorization.k8s.io in the whole cluster: ",
            ),
            (
                r#"roles.rbac.authorization.k8s.io is forbidden: User "a" cannot list roles.rbac.authorization.k8s.io at the cluster scope"#,
                "you, a, may not list roles.rbac.authorization.k8s.io in the whole cluster: ",
            ),
        ] {
            let told = missing_right(message).unwrap();
            assert!(told.starts_with(expected), "{told}");
        }
        assert_eq!(missing_right("pods is forbidden: no"), None);
    }

    #[test]
    fn a_chain_says_an_answer_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot list pods")]
        struct Outer {
            source: Box<kube::Error>,
        }
        let source = Box::new(api(403, "no"));
        let error = anyhow::Error::new(Outer { source }).context("cannot audit");
        assert_eq!(chain(error.as_ref()), "cannot audit: cannot list pods: no");
        let plain = anyhow::Error::new(api(403, "no"));
        assert_eq!(chain(plain.as_ref()), "no");
    }
}
