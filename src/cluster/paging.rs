//! From page to page of a list.

use serde::de::Error as _;

/// The tokens by which a list continues. An API server that gives one twice would be asked without end.
///
/// One token is held, and the next to hold is taken after twice as many pages: a circle of any length is found (Brent, 1980).
#[derive(Debug, Default)]
pub(super) struct Paging {
    held: String,
    pages: u64,
    hold_at: u64,
}

// === impl Paging ===

impl Paging {
    /// Takes the token that a page of the list at `path` gives for the next page. Fails if a page before gave it too.
    pub(super) fn take(&mut self, path: &str, token: &str) -> kube::Result<()> {
        if token.is_empty() {
            return Ok(());
        }
        if token == self.held {
            let repeated =
                format!("GET {path} gives a continue token again, so this list has no end");
            return Err(kube::Error::SerdeError(serde_json::Error::custom(repeated)));
        }
        if self.pages >= self.hold_at {
            token.clone_into(&mut self.held);
            self.hold_at = self.pages * 2 + 1;
        }
        self.pages += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::told::words;

    fn taken(tokens: impl Iterator<Item = u64>) -> Result<usize, kube::Error> {
        let mut paging = Paging::default();
        let mut taken = 0;
        for token in tokens {
            paging.take("/api/v1/pods", &token.to_string())?;
            taken += 1;
        }
        paging.take("/api/v1/pods", "")?;
        Ok(taken)
    }

    #[test]
    fn a_list_with_an_end_is_read_whole() {
        assert_eq!(taken(0..10_000).unwrap(), 10_000);
    }

    #[test]
    fn a_token_that_comes_again_is_an_error_that_names_the_request() {
        let error = taken([7, 7].into_iter()).unwrap_err();
        assert_eq!(
            words(&error),
            "the answer is not what Kubernetes sends (GET /api/v1/pods gives a continue token again, so this list has no end); \
             look at what answers at this address"
        );
    }

    #[test]
    fn a_circle_of_any_length_is_found_soon() {
        for before in 0..40 {
            for length in 1..40 {
                let tokens = (0..before).chain((before..before + length).cycle());
                let most = usize::try_from(3 * (before + length)).unwrap();
                assert!(taken(tokens.take(most)).is_err(), "{before}, {length}");
            }
        }
    }
}
