//! What carries no pod, as its rules see it.

use crate::policy::connection::{Connection, ConnectionKind};
use crate::policy::context::Context;
use crate::policy::custody::{CustodyObject, Secret};
use crate::policy::knowledge::Knowledge;
use crate::policy::requester::Requester;
use crate::policy::settings::Settings;
use crate::policy::team::Team;
use crate::tiller::{is_tiller_name, signs};

/// An object that holds something of a Tiller's.
#[derive(Debug)]
pub(in crate::policy) struct CustodyCase<'a> {
    pub(in crate::policy) object: &'a CustodyObject<'a>,
    pub(in crate::policy) settings: &'a Settings,
    pub(in crate::policy) context: Context<'a>,
}

/// A connection that leads to a Tiller, and who asks for it.
#[derive(Debug)]
pub(in crate::policy) struct ConnectionCase<'a> {
    pub(in crate::policy) connection: &'a Connection<'a>,
    pub(in crate::policy) requester: &'a Requester<'a>,
    pub(in crate::policy) settings: &'a Settings,
    knowledge: &'a Knowledge,
}

// === impl CustodyCase ===

impl CustodyCase<'_> {
    /// The namespace of the Tiller, a team's or a known one, that has its key and certificates from this Secret.
    pub(in crate::policy) fn certificates_for<'s>(
        &self,
        secret: &'s Secret<'_>,
    ) -> Option<&'s str> {
        let Self {
            settings,
            context: Context { knowledge, .. },
            ..
        } = self;
        let name = secret.name.as_str();
        let namespace = secret.namespace.as_deref()?;
        let named = name == settings.certificate_secret || signs::SECRETS.contains(&name);
        let has_tiller = || {
            knowledge.team_in(namespace).is_some()
                || knowledge.tillers_in(namespace, settings).next().is_some()
                || knowledge
                    .tiller_pods_in(namespace, settings)
                    .next()
                    .is_some()
        };
        (named && has_tiller()).then_some(namespace)
    }
}

// === impl ConnectionCase ===

impl<'a> ConnectionCase<'a> {
    /// The connection, if it leads to a Tiller that is known, or to what is named as `helm init` names it. Nobody asks for
    /// none.
    pub(in crate::policy) fn new(
        connection: &'a Connection<'a>,
        settings: &'a Settings,
        context: &Context<'a>,
    ) -> Option<Self> {
        let case = Self {
            connection,
            requester: context.requester?,
            settings,
            knowledge: context.knowledge,
        };
        case.leads_to_tiller().then_some(case)
    }

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
    pub(in crate::policy) fn team(&self) -> Option<&Team> {
        self.knowledge.team_in(&self.connection.namespace)
    }
}
