//! Connections that the API server makes for somebody: into a pod's containers, or to its ports.
//!
//! One is judged by whose pod it leads to. Which container and port are meant is not read: a review
//! of an SPDY connection does not tell the port.
//!
//! Source: the API reference of `PodExecOptions` and the like v1, `SplitSchemeNamePort` of apimachinery, Kubernetes
//! 1.10 to 1.36.

use crate::pod::Text;

/// The ways to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConnectionKind {
    /// `pods/exec`: a command in a container.
    Exec,
    /// `pods/attach`: the terminal of a container.
    Attach,
    /// `pods/portforward`: ports of a pod.
    PortForward,
    /// `pods/proxy`: HTTP to a port of a pod.
    PodProxy,
    /// `services/proxy`: HTTP to a port of one of a Service's pods.
    ServiceProxy,
}

/// A connection to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection<'a> {
    /// The way.
    pub kind: ConnectionKind,
    /// The namespace of the pod or Service.
    pub namespace: Text<'a>,
    /// The pod or Service as the path names it: to proxies `SCHEME:NAME:PORT`, of which the name has to be there.
    pub target: Text<'a>,
}

// === impl ConnectionKind ===

impl ConnectionKind {
    /// Every way.
    pub const ALL: [Self; 5] = [
        Self::Exec,
        Self::Attach,
        Self::PortForward,
        Self::PodProxy,
        Self::ServiceProxy,
    ];

    /// The kind's name in the API, in the core's group.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exec => "PodExecOptions",
            Self::Attach => "PodAttachOptions",
            Self::PortForward => "PodPortForwardOptions",
            Self::PodProxy => "PodProxyOptions",
            Self::ServiceProxy => "ServiceProxyOptions",
        }
    }

    /// Whether commands are run by it, and not ports reached.
    pub(super) fn runs_commands(self) -> bool {
        matches!(self, Self::Exec | Self::Attach)
    }
}

// === impl Connection ===

impl Connection<'_> {
    /// The name of the pod or Service.
    pub fn name(&self) -> &str {
        let target = self.target.as_str();
        let mut parts = target.split(':');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(name), _, None) | (_, Some(name), Some(_)) => name,
            (..) => target,
        }
    }
}
