//! Why an object did not become what it is to be.

use kube::core::Status;

use super::ObjectReference;

/// An object is not as it is to be.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The object does not say which it is: its makers have to mend it.
    #[error("an object without apiVersion, kind or name")]
    Nameless,
    /// Another has made it.
    #[error("{object} is there already and is not ours ({label}); --adopt takes it over")]
    Foreign {
        /// Which.
        object: ObjectReference,
        /// The label that is missing or other.
        label: String,
    },
    /// It differs in what Kubernetes lets nobody change.
    #[error(
        "{object} has another {field}, which cannot be changed: delete it, then run this again"
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
    #[error("cannot {verb} {object}: no good answer from the API server in {attempts} attempts")]
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

/// What a failed attempt means for the next.
pub(super) enum Setback {
    /// The object is another than it was when it was looked at, or is there already.
    Changed,
    /// The object's namespace, or the object itself, is not there.
    Missing,
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
                    message: other.to_string(),
                }),
            };
        };
        let Status { code, message, .. } = &**status;
        let (object, message) = (object.clone(), message.clone());
        match code {
            404 => Self::Missing,
            409 => Self::Changed,
            401 | 403 => Self::Final(ApplyError::Forbidden {
                verb,
                object,
                message,
            }),
            429 | 500..=599 => Self::Passing(Box::new(error)),
            _ => Self::Final(ApplyError::Rejected {
                verb,
                object,
                message,
            }),
        }
    }
}
