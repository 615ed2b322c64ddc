//! A review of which only the beginning came: it is denied under its own uid.

use super::answer::denial;
use super::version::ApiVersion;
use crate::json::{Read as _, Reader, Source as _};
use crate::pod::Text;

/// How much of a review's beginning is enough to answer it: the API server writes the uid within the first 200 bytes.
pub const BEGINNING: usize = 1024;

/// Why a review is denied without a look at its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unjudged {
    /// Judging it failed.
    Failed,
    /// It is larger than a review can be.
    TooLarge,
    /// It did not arrive in time.
    Late,
    /// There was no memory for it.
    Busy,
    /// The server shuts down.
    Draining,
}

impl Unjudged {
    /// The reason and the code of the `Status`.
    pub(super) fn status(self) -> (&'static str, i64) {
        match self {
            Self::Failed => ("InternalError", 500),
            Self::TooLarge => ("RequestEntityTooLarge", 413),
            Self::Late | Self::Busy | Self::Draining => ("ServiceUnavailable", 503),
        }
    }

    /// The message to the caller.
    pub(super) fn message(self) -> &'static str {
        match self {
            Self::Failed => "tiller-guard failed to judge this object; its log says where",
            Self::TooLarge => "this object is too large for tiller-guard to judge; make it smaller",
            Self::Late => "tiller-guard did not receive the whole object in time; try again",
            Self::Busy => "tiller-guard has no memory free for this object; try again",
            Self::Draining => "tiller-guard is shutting down; try again",
        }
    }
}

/// Denies a review of which only the beginning has arrived, under its own uid, so that a webhook with
/// `failurePolicy: Ignore` does not let it through unjudged. `None` if the beginning does not hold the uid.
pub fn deny_unread(beginning: &[u8], why: Unjudged) -> Option<Vec<u8>> {
    let text = match std::str::from_utf8(beginning) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(beginning.get(..error.valid_up_to())?).ok()?,
    };
    let (mut version, mut uid) = (Text::default(), Text::default());
    // It ends before its end, and so this fails; what it had read by then is good.
    let _broken = Reader::new(text).members(|name, value| match &**name {
        "apiVersion" => version.read(value),
        "request" => value.members(|name, value| match &**name {
            "uid" => uid.read(value),
            _ => value.skip(),
        }),
        _ => value.skip(),
    });
    let version = ApiVersion::find(&version)?;
    (!uid.is_empty()).then(|| denial(version, &uid, why))
}
