//! Why an object did not reach its desired state.

use kube::core::Status;

use super::{NoDryRun, ObjectReference};
use crate::cluster::told::{is_denial, without_preamble, words};

/// An object is not in its desired state.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The object does not say which it is: its makers have to mend it.
    #[error("an object without apiVersion, kind or name")]
    Nameless,
    /// The API server would not try it, but do it.
    #[error(transparent)]
    NoDryRun(#[from] NoDryRun),
    /// Another has made it.
    #[error(
        "{object} already exists and was not made by tiller-guard ({label}); pass --adopt to take it over"
    )]
    Foreign {
        /// Which.
        object: ObjectReference,
        /// The label that is missing or other.
        label: String,
    },
    /// The object to delete was not made by tiller-guard.
    #[error("{object} was not made by tiller-guard ({label})")]
    NotOurs {
        /// Which.
        object: ObjectReference,
        /// The label that is missing or other.
        label: String,
    },
    /// It differs in what Kubernetes lets nobody change.
    #[error(
        "{object}: {field} differs and cannot be changed: delete the object, then run this again"
    )]
    Fixed {
        /// Which.
        object: ObjectReference,
        /// The field: `roleRef`.
        field: &'static str,
    },
    /// Whoever asks may not do this.
    #[error("no right to {verb} {object}: {message}")]
    Forbidden {
        /// What was tried.
        verb: &'static str,
        /// On what.
        object: ObjectReference,
        /// What the API server, or a webhook, said.
        message: String,
        /// The reasons that it gave for programs: of this guard, the rules that refuse.
        causes: Vec<String>,
    },
    /// The API server does not accept it.
    #[error("cannot {verb} {object}: {message}")]
    Rejected {
        /// What was tried.
        verb: &'static str,
        /// On what.
        object: ObjectReference,
        /// What the API server said.
        message: String,
    },
    /// The API server could not be asked, or failed, again and again.
    #[error("cannot {verb} {object}: no usable answer from the API server in {attempts} attempts")]
    Unanswered {
        /// What was tried.
        verb: &'static str,
        /// On what.
        object: ObjectReference,
        /// How often.
        attempts: u32,
        /// The last answer.
        source: Box<kube::Error>,
    },
}

// === impl ApplyError ===

impl ApplyError {
    /// Whether the API server could not ask a webhook of tiller-guard.
    pub fn is_silent_guard(&self) -> bool {
        let Self::Unanswered { source, .. } = self else {
            return false;
        };
        let kube::Error::Api(status) = &**source else {
            return false;
        };
        let said = &status.message;
        said.contains("failed calling") && said.contains(".tiller-guard.io\"")
    }
}

/// What a failed attempt means for the next.
pub(super) enum Setback {
    /// The object is another than it was when it was looked at, or is there already.
    Changed,
    /// The object's namespace, its kind, or the object itself is not there. What the API server said.
    Missing(String),
    /// Another attempt may do.
    Passing(Box<kube::Error>),
    /// No attempt will do.
    Final(ApplyError),
}

// === impl Setback ===

impl Setback {
    pub(super) fn of(error: kube::Error, verb: &'static str, object: &ObjectReference) -> Self {
        let kube::Error::Api(status) = &error else {
            return match error {
                kube::Error::Service(_)
                | kube::Error::HyperError(_)
                | kube::Error::ReadEvents(_)
                | kube::Error::SerdeError(_) => Self::Passing(Box::new(error)),
                other => Self::Final(ApplyError::Rejected {
                    verb,
                    object: object.clone(),
                    message: words(&other),
                }),
            };
        };
        let Status { code, message, .. } = &**status;
        let (object, causes) = (object.clone(), causes(status));
        if *code == 500 && is_denial(message) {
            let message = without_preamble(message).to_owned();
            return Self::Final(ApplyError::Forbidden {
                verb,
                object,
                message,
                causes: Vec::new(),
            });
        }
        let message = message.clone();
        match code {
            404 => Self::Missing(message),
            409 => Self::Changed,
            401 | 403 => Self::Final(ApplyError::Forbidden {
                verb,
                object,
                message,
                causes,
            }),
            429 | 500..=599 => Self::Passing(Box::new(error)),
            _ => Self::Final(ApplyError::Rejected {
                verb,
                object,
                message: words(&error),
            }),
        }
    }
}

/// Why an object cannot be created that the API server answers 404 for.
pub(super) fn nowhere(object: &ObjectReference, said: &str) -> ApplyError {
    let message = if lacks_namespace(said) {
        "its namespace does not exist; create it first".to_owned()
    } else {
        let ObjectReference {
            api_version, kind, ..
        } = object;
        format!(
            "the API server does not serve {kind} of {api_version} ({}); look for what serves it: kubectl api-resources",
            said.trim()
        )
    };
    ApplyError::Rejected {
        verb: "create",
        object: object.clone(),
        message,
    }
}

/// Whether an API server says that a namespace is not there: `namespaces "a" not found`.
pub(super) fn lacks_namespace(said: &str) -> bool {
    said.starts_with("namespaces ") && said.trim_end().ends_with("not found")
}

/// The reasons among a status' causes.
fn causes(status: &Status) -> Vec<String> {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes.map(|cause| cause.reason.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setback(code: u16, message: &str) -> Setback {
        let object = ObjectReference {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: Some("a".to_owned()),
            name: "b".to_owned(),
        };
        let status = Status::failure(message, "").with_code(code);
        Setback::of(kube::Error::Api(status.boxed()), "create", &object)
    }

    /// Said by Kubernetes 1.10.
    #[test]
    fn a_refusal_that_comes_as_an_internal_error_is_one() {
        let words =
            "admission webhook \"mutate.tiller-guard.io\" denied the request: host-access: no";
        let told = format!("Internal error occurred: {words}");
        let Setback::Final(ApplyError::Forbidden { message, .. }) = setback(500, &told) else {
            panic!("not final");
        };
        assert_eq!(message, words);
    }

    #[test]
    fn a_guard_that_does_not_answer_is_known() {
        let is_silent = |message: &str| {
            let message = format!("Internal error occurred: failed calling {message}: EOF");
            let Setback::Passing(source) = setback(500, &message) else {
                panic!("final");
            };
            let error = ApplyError::Unanswered {
                verb: "update",
                object: ObjectReference {
                    api_version: "v1".to_owned(),
                    kind: "Secret".to_owned(),
                    namespace: None,
                    name: "b".to_owned(),
                },
                attempts: 6,
                source,
            };
            error.is_silent_guard()
        };
        assert!(is_silent("webhook \"mutate.tiller-guard.io\""));
        assert!(is_silent("admission webhook \"validate.tiller-guard.io\""));
        assert!(!is_silent("webhook \"a.example.com\""));
    }

    #[test]
    fn a_patch_that_is_not_taken_is_said_with_its_status() {
        let Setback::Final(ApplyError::Rejected { message, .. }) = setback(415, "no such thing")
        else {
            panic!("not final");
        };
        let expected = "no such thing (HTTP 415); look at the proxy in front of the API server";
        assert!(message.starts_with(expected), "{message}");
    }

    #[test]
    fn a_webhook_that_does_not_answer_is_asked_again() {
        let words = "Internal error occurred: failed calling admission webhook \"a.b.c\": EOF";
        assert!(matches!(setback(500, words), Setback::Passing(_)));
        let other = "Internal error occurred: the log denied the request";
        assert!(matches!(setback(500, other), Setback::Passing(_)));
    }
}
