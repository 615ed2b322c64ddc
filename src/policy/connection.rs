//! Connections that the API server makes for somebody: into a pod's containers, or to its ports.
//!
//! [`decide_connection`] judges one by whose pod it leads to. Which container and port are meant is not read: a review
//! of an SPDY connection does not tell the port.
//!
//! Source: the API reference of `PodExecOptions` and the like v1, `SplitSchemeNamePort` of apimachinery, Kubernetes
//! 1.10 to 1.36.

use super::case::Findings;
use super::pointer::Place;
use super::rules::CONNECTION_CHECKS;
use super::team::Team;
use super::{Context, Finding, Knowledge, Pointer, Requester, Settings};
use crate::pod::Text;
use crate::tiller::is_tiller_name;

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

/// A connection, as a rule sees it.
#[derive(Debug)]
pub(super) struct ConnectionCase<'a> {
    pub(super) connection: &'a Connection<'a>,
    pub(super) requester: &'a Requester<'a>,
    pub(super) settings: &'a Settings,
    knowledge: &'a Knowledge,
}

/// Judges a connection that somebody asks for. None of the findings can be hardened away.
///
/// Total, pure and deterministic: it knows no clock and no I/O.
pub fn decide_connection(
    connection: &Connection<'_>,
    requester: &Requester<'_>,
    settings: &Settings,
    context: &Context<'_>,
) -> Vec<Finding> {
    let case = ConnectionCase {
        connection,
        requester,
        settings,
        knowledge: context.knowledge,
    };
    let mut findings = Findings::new(settings);
    if case.leads_to_tiller() {
        for (rule, check) in CONNECTION_CHECKS {
            check(&case, &mut findings);
            findings.end_rule(rule, None, Pointer::new(Place::Object, ""));
        }
    }
    let (findings, ..) = findings.into_parts();
    findings
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

    /// The resource, as a webhook's rules name it, in the core's group.
    pub fn resource(self) -> &'static str {
        match self {
            Self::Exec => "pods/exec",
            Self::Attach => "pods/attach",
            Self::PortForward => "pods/portforward",
            Self::PodProxy => "pods/proxy",
            Self::ServiceProxy => "services/proxy",
        }
    }

    /// The way of a group and a kind, if it is one of these.
    pub fn find(group: &str, name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| group.is_empty() && kind.as_str() == name)
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

// === impl ConnectionCase ===

impl ConnectionCase<'_> {
    /// Whether it leads to a Tiller that is known, or to what is named as `helm init` names it.
    fn leads_to_tiller(&self) -> bool {
        let Connection {
            kind, namespace, ..
        } = self.connection;
        let name = self.connection.name();
        let known = match kind {
            ConnectionKind::ServiceProxy => self.knowledge.is_tiller_service(namespace, name),
            ConnectionKind::Exec
            | ConnectionKind::Attach
            | ConnectionKind::PortForward
            | ConnectionKind::PodProxy => {
                self.knowledge.is_tiller_pod(namespace, name, self.settings)
            }
        };
        known || is_tiller_name(name)
    }

    /// The team whose Tiller it leads to.
    pub(super) fn team(&self) -> Option<&Team> {
        self.knowledge.team_in(&self.connection.namespace)
    }
}
