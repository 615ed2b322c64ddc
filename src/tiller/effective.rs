//! The configuration that a Tiller runs with.

use std::borrow::Cow;

use super::{Flag, Launch, Setting, Version};
use crate::pod::Container;

/// A Tiller container, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tiller<'a> {
    /// The version, from the image's tag.
    pub version: Setting<Version>,
    /// The words that start the process, or why they are not known.
    pub launch: Setting<Launch<'a>>,
    /// Whether Tiller starts on that command line.
    pub start: Setting<Start>,
    /// What it then runs with.
    pub effective: Effective<'a>,
}

/// What a Tiller container is read with beside itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Surroundings<'a> {
    /// The pod's namespace, where the manifest tells it.
    pub namespace: Option<&'a str>,
}

/// Whether a Tiller starts on its command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// It serves.
    Serves,
    /// It exits at once.
    Exits {
        /// The process' exit code.
        code: u8,
        /// What Tiller prints.
        reason: String,
    },
}

/// The configuration that a Tiller runs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective<'a> {
    /// Where releases are recorded.
    pub storage: Setting<Storage>,
    /// The address of the gRPC server, as given to Go's `net.Listen`.
    pub listen: Setting<Cow<'a, str>>,
    /// The address of the probe server, as given; fixed before 2.14.0.
    pub probe_listen: Setting<Cow<'a, str>>,
    /// The namespace of the release records.
    pub namespace: Setting<Cow<'a, str>>,
    /// How many revisions of a release are kept; zero and less is all.
    pub history_max: Setting<i64>,
    /// Whether the unauthenticated debug server on port 44136 runs.
    pub trace: Setting<bool>,
    /// Whether release actions go to a plaintext server on port 10001.
    pub experimental_release: Setting<bool>,
    /// Transport security of the gRPC server.
    pub tls: Tls<'a>,
    /// The flags given that are none of the guarded ones (see [`Flag::is_guarded`]), in order, the last
    /// of each name only.
    pub other_flags: Vec<Flag<'a>>,
}

/// Transport security of Tiller's gRPC server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls<'a> {
    /// Whether it speaks TLS: `--tls` or `--tls-verify`.
    pub enabled: Setting<bool>,
    /// Whether clients must prove who they are.
    pub verify: Setting<ClientVerification>,
    /// The private key's path.
    pub key: Setting<Cow<'a, str>>,
    /// The certificate's path.
    pub cert: Setting<Cow<'a, str>>,
    /// The path of the CA certificates that client certificates are verified with.
    pub ca: Setting<Cow<'a, str>>,
}

/// What Tiller asks of a client's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientVerification {
    /// Nothing.
    Off,
    /// A certificate is verified if the client sends one, and none is needed: 2.4.0 to 2.7.1.
    IfGiven,
    /// A certificate of the CA's is required.
    Required,
}

/// Where Tiller records releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// `ConfigMap`s in Tiller's namespace.
    ConfigMap,
    /// Secrets in Tiller's namespace (2.7.0 and later).
    Secret,
    /// The process' memory: also what every unknown value means.
    Memory,
    /// A PostgreSQL database (2.14.0 and later).
    Sql,
}

// === impl Tiller ===

impl<'a> Tiller<'a> {
    /// Reads a container as Kubernetes, the image and Tiller would.
    pub fn read(container: &'a Container<'a>, surroundings: Surroundings<'a>) -> Self {
        todo!("{container:?} {surroundings:?}")
    }
}
