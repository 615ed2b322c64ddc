//! What a Tiller really does.

use std::borrow::Cow;

use serde::Serialize;

use crate::policy::TillerContainer;
use crate::tiller::{self, ClientVerification, Setting, Start, Version};

/// A container that is a Tiller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tiller {
    /// The container's name.
    pub container: String,
    /// The container's JSON pointer in the object.
    pub path: String,
    /// The version, such as `2.17.0`.
    pub version: Maybe<String>,
    /// Whether it starts on its command line, and why not.
    #[serde(flatten)]
    pub starts: Starts,
    /// What it runs with.
    pub effective: Effective,
}

/// Whether a Tiller starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Starts {
    /// False where it exits on its command line.
    pub starts: Maybe<bool>,
    /// What it prints then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_reason: Option<String>,
    /// The exit code then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<u8>,
}

/// The configuration that a Tiller runs with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Effective {
    /// `configmap`, `secret`, `memory` or `sql`.
    pub storage: Maybe<&'static str>,
    /// The address of the gRPC server.
    pub listen: Maybe<String>,
    /// The address of the probe server.
    pub probe_listen: Maybe<String>,
    /// The namespace of the release records.
    pub namespace: Maybe<String>,
    /// How many revisions of a release are kept; zero and less is all.
    pub history_max: Maybe<i64>,
    /// Whether the debug server runs.
    pub trace: Maybe<bool>,
    /// Whether release actions go to a plaintext server.
    pub experimental_release: Maybe<bool>,
    /// Transport security.
    pub tls: Tls,
}

/// Transport security of the gRPC server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tls {
    /// Whether it speaks TLS.
    pub enabled: Maybe<bool>,
    /// Whether a client needs a certificate of the CA's.
    pub verify: Maybe<bool>,
    /// The private key's path.
    pub key: Maybe<String>,
    /// The certificate's path.
    pub cert: Maybe<String>,
    /// The CA certificates' path.
    pub ca: Maybe<String>,
}

/// A value, or why it cannot be known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Maybe<T> {
    /// The value.
    Known(T),
    /// `{"unknown": "reason"}`.
    Unknown {
        /// The reason.
        unknown: String,
    },
}

// === From ===

impl From<&TillerContainer<'_>> for Tiller {
    fn from(container: &TillerContainer<'_>) -> Self {
        let tiller = &container.tiller;
        Self {
            container: container.container.name.to_string(),
            path: container.path().to_string(),
            version: Maybe::of(&tiller.version, |version| {
                let Version {
                    major,
                    minor,
                    patch,
                } = version;
                format!("{major}.{minor}.{patch}")
            }),
            starts: Starts::from(&tiller.start),
            effective: Effective::from(&tiller.effective),
        }
    }
}

impl From<&Setting<Start>> for Starts {
    fn from(start: &Setting<Start>) -> Self {
        let (exit_reason, exit_code) = match start {
            Setting::Known(Start::Exits { code, reason }) => (Some(reason.clone()), Some(*code)),
            Setting::Known(Start::Serves) | Setting::Unknown(_) => (None, None),
        };
        let starts = Maybe::of(start, |start| *start == Start::Serves);
        Self {
            starts,
            exit_reason,
            exit_code,
        }
    }
}

impl From<&tiller::Effective<'_>> for Effective {
    fn from(effective: &tiller::Effective<'_>) -> Self {
        let tiller::Effective {
            storage,
            listen,
            probe_listen,
            namespace,
            history_max,
            trace,
            experimental_release,
            tls,
            other_flags: _,
        } = effective;
        Self {
            storage: Maybe::of(storage, |storage| storage.as_str()),
            listen: text(listen),
            probe_listen: text(probe_listen),
            namespace: text(namespace),
            history_max: Maybe::of(history_max, |count| *count),
            trace: Maybe::of(trace, |on| *on),
            experimental_release: Maybe::of(experimental_release, |on| *on),
            tls: Tls::from(tls),
        }
    }
}

impl From<&tiller::Tls<'_>> for Tls {
    fn from(tls: &tiller::Tls<'_>) -> Self {
        let tiller::Tls {
            enabled,
            verify,
            key,
            cert,
            ca,
        } = tls;
        Self {
            enabled: Maybe::of(enabled, |on| *on),
            verify: Maybe::of(verify, |verify| *verify == ClientVerification::Required),
            key: text(key),
            cert: text(cert),
            ca: text(ca),
        }
    }
}

impl<T> Maybe<T> {
    fn of<U>(setting: &Setting<U>, turn: impl FnOnce(&U) -> T) -> Self {
        match setting {
            Setting::Known(value) => Self::Known(turn(value)),
            Setting::Unknown(reason) => Self::Unknown {
                unknown: reason.to_string(),
            },
        }
    }
}

fn text(setting: &Setting<Cow<'_, str>>) -> Maybe<String> {
    Maybe::of(setting, |text| text.clone().into_owned())
}
