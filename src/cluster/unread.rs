//! Which errors are the cluster's, and not those of what is written to it.

use std::error::Error;

/// Whether an error says that something may not be read, or that the API server gives no usable answer.
pub fn is_unread(error: &(dyn Error + 'static)) -> bool {
    let boxed = error.downcast_ref::<Box<kube::Error>>();
    match error.downcast_ref().or_else(|| boxed.map(|it| &**it)) {
        // An authorizer's words from 1.10 on: User "ann" cannot get …
        Some(kube::Error::Api(status)) if status.code == 403 => {
            let reads = [" cannot get ", " cannot list "];
            reads.iter().any(|verb| status.message.contains(verb))
        }
        Some(kube::Error::Api(status)) => matches!(status.code, 401 | 429 | 500..),
        Some(kube::Error::Service(_) | kube::Error::HyperError(_)) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    #[test]
    fn what_may_not_be_read_and_who_does_not_answer_are_the_clusters() {
        for (message, code, unread) in [
            (
                r#"namespaces "a" is forbidden: User "ann" cannot get resource "namespaces""#,
                403,
                true,
            ),
            (
                r#"secrets is forbidden: User "ann" cannot list secrets in the namespace "a""#,
                403,
                true,
            ),
            (
                r#"namespaces "a" is forbidden: User "ann" cannot patch resource "namespaces""#,
                403,
                false,
            ),
            ("Unauthorized", 401, true),
            ("too many requests", 429, true),
            ("etcdserver: request timed out", 500, true),
            ("the object has been modified", 409, false),
        ] {
            let status = Status::failure(message, "Reason").with_code(code);
            let error = kube::Error::Api(status.boxed());
            assert_eq!(is_unread(&error), unread, "{message}");
            assert_eq!(is_unread(&Box::new(error)), unread, "{message}");
        }
        assert!(!is_unread(&std::io::Error::other("no policy file")));
    }
}
