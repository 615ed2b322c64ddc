//! Why a watch does not go on, and what that asks for.

use std::fmt;

use crate::cluster::told::words;

/// The reason of an answer that cannot be read.
const MALFORMED: &str = "malformed";
/// The reason of a watch's end that is no failure.
pub(super) const EXPIRED: &str = "expired";

/// Why a watch does not go on.
#[derive(Debug)]
pub(super) enum Stop {
    /// The API server failed, or refused.
    Failed(kube::Error),
    /// It tells of the failure within the watch.
    Told(Box<kube::core::Status>),
    /// It does not answer.
    Slow,
    /// A list without a version to watch from.
    NoVersion,
    /// Nobody listens.
    Over,
}

fn is_malformed(error: &kube::Error) -> bool {
    matches!(
        error,
        kube::Error::SerdeError(_)
            | kube::Error::FromUtf8(_)
            | kube::Error::LinesCodecMaxLineLengthExceeded
    )
}

// === impl Stop ===

impl Stop {
    /// The status by which the API server refused.
    fn code(&self) -> Option<u16> {
        match self {
            Self::Failed(kube::Error::Api(status)) | Self::Told(status) => Some(status.code),
            Self::Failed(_) | Self::Slow | Self::NoVersion | Self::Over => None,
        }
    }

    /// Whether the API server has no such collection any more, as after an upgrade.
    pub(super) fn is_absence(&self) -> bool {
        self.code() == Some(404)
    }

    /// Whether the API server answers and refuses, until somebody gives a right.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self.code(), Some(401 | 403))
    }

    /// Whether the changes since a version cannot be had any more, so that all has to be listed again. 410 is what a
    /// version is told that is too old; 400 and 422 one that the API server cannot read, after a restore of etcd. A
    /// change that cannot be read would come again and again.
    pub(super) fn ends_version(&self) -> bool {
        matches!(self.code(), Some(400 | 404 | 410 | 422))
            || matches!(self, Self::NoVersion)
            || matches!(self, Self::Failed(error) if is_malformed(error))
    }

    /// A word of a closed set, for metrics.
    pub(super) fn reason(&self) -> &'static str {
        match (self, self.code()) {
            (_, Some(401)) => "unauthorized",
            (_, Some(403)) => "forbidden",
            (_, Some(404)) => "absent",
            (_, Some(410)) => EXPIRED,
            (_, Some(429)) => "throttled",
            (_, Some(500..)) => "server",
            (_, Some(_)) => "refused",
            (Self::Slow, None) => "slow",
            (Self::NoVersion, None) => MALFORMED,
            (Self::Failed(error), None) if is_malformed(error) => MALFORMED,
            (_, None) => "unreachable",
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Told(status) if status.message.is_empty() => formatter
                .write_str("the API server ended the watch with an error that says nothing"),
            Self::Failed(kube::Error::Api(status)) | Self::Told(status) => {
                write!(formatter, "{} ({})", status.message, status.code)
            }
            Self::Failed(error) => formatter.write_str(&words(error)),
            Self::Slow => formatter.write_str("the API server does not answer in time"),
            Self::NoVersion => formatter.write_str("the answer has no resourceVersion"),
            Self::Over => formatter.write_str("nobody listens"),
        }
    }
}
