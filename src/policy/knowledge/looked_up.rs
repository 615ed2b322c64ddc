//! What no watch tells: what is asked for where a decision hangs on it, and what cannot be read.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::role::role_key;
use super::{Knowledge, KnownRole, binding};
use crate::policy::rbac::{Account, RoleKind};
use crate::policy::{Injector, Invitation, WorkloadKind};

/// What is known of the Secrets of a namespace that hold a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretRecords {
    /// Nobody has asked yet.
    Unasked,
    /// The API server does not say.
    Unreadable,
    /// There are as many.
    Counted(u32),
}

impl Knowledge {
    /// The same, as what is known of a cluster: what a decision needs beside it can be looked up there.
    #[must_use]
    pub fn of_cluster(&self) -> Self {
        Self {
            of_cluster: true,
            ..self.clone()
        }
    }

    /// With what a lookup says of the Secrets of a namespace that hold a release.
    #[must_use]
    pub fn with_secret_records(&self, namespace: &str, records: SecretRecords) -> Self {
        let mut new = self.clone();
        new.secret_records.insert(&[namespace], records);
        new
    }

    /// With the names of the token Secrets that an account lists, as a lookup says.
    #[must_use]
    pub fn with_token_secrets(&self, account: Account<'_>, secrets: &[&str]) -> Self {
        let mut new = self.clone();
        let Account { namespace, name } = account;
        let secrets = secrets.iter().map(|it| Box::from(*it)).collect();
        new.token_secrets.insert(&[namespace, "/", name], secrets);
        new
    }

    /// With what asks injectors to come to the pods of a namespace.
    #[must_use]
    pub fn with_invitations_in(&self, namespace: &str, invitations: Vec<Invitation>) -> Self {
        let mut new = self.clone();
        new.invitations.insert(&[namespace], invitations.into());
        new
    }

    /// With what asks injectors to come to the pods of an account.
    #[must_use]
    pub fn with_invitations_of(&self, account: Account<'_>, invitations: Vec<Invitation>) -> Self {
        let mut new = self.clone();
        let Account { namespace, name } = account;
        let key = [namespace, "/", name];
        new.invitations.insert(&key, invitations.into());
        new
    }

    /// What asks this injector to come to the pods of an account.
    pub(in crate::policy) fn invites(
        &self,
        injector: Injector,
        Account { namespace, name }: Account<'_>,
    ) -> Option<Invitation> {
        let of_namespace = self.invitations.get(&[namespace]);
        let of_account = self.invitations.get(&[namespace, "/", name]);
        let all = of_namespace.into_iter().chain(of_account);
        let mut all = all.flat_map(|it| it.iter().copied());
        all.find(|it| it.injector == injector)
    }

    /// With a running pod that is no Tiller's and runs as this account, if there is one, as a lookup says.
    #[must_use]
    pub fn with_account_user(&self, account: Account<'_>, pod: Option<&str>) -> Self {
        let mut new = self.clone();
        let Account { namespace, name } = account;
        new.account_users
            .insert(&[namespace, "/", name], pod.map(Box::from));
        new
    }

    /// With the JSON of what pods are made from, by its kind, namespace and name, as a lookup says; nothing if it is not there.
    #[must_use]
    pub fn with_template(
        &self,
        (kind, namespace, name): (WorkloadKind, &str, &str),
        json: Option<&str>,
    ) -> Self {
        let mut new = self.clone();
        let key = [namespace, "/", kind.as_str(), "/", name];
        new.templates
            .insert(&key, Arc::from(json.unwrap_or_default()));
        new
    }

    /// The JSON of what pods are made from, if that was looked up; empty if it is not there.
    pub(crate) fn template(
        &self,
        (kind, namespace, name): (WorkloadKind, &str, &str),
    ) -> Option<&str> {
        let key = [namespace, "/", kind.as_str(), "/", name];
        self.templates.get(&key).map(|json| &**json)
    }

    /// With a RoleBinding of a namespace, or a ClusterRoleBinding, that cannot be read.
    #[must_use]
    pub fn with_unreadable_binding(&self, namespace: Option<&str>, name: &str) -> Self {
        let mut new = self.without_binding(namespace, name);
        new.unreadable_bindings
            .insert(&binding::key(namespace, name), ());
        new
    }

    /// Without the bindings of a namespace, or of the cluster, that could not be read and are not among these.
    #[must_use]
    pub fn without_unreadable_bindings_but(
        &self,
        names: &BTreeSet<&str>,
        namespace: Option<&str>,
    ) -> Self {
        let mut new = self.clone();
        let unread = self
            .unreadable_bindings
            .with_prefix(binding::key(namespace, ""));
        for (key, ()) in unread {
            let name = key.split_once('/').map_or(key, |(_, name)| name);
            if !names.contains(name) {
                new.unreadable_bindings.remove(&[key]);
            }
        }
        new
    }

    /// With a Role of a namespace, or a ClusterRole, that cannot be read.
    #[must_use]
    pub fn with_unreadable_role(
        &self,
        kind: RoleKind,
        namespace: Option<&str>,
        name: &str,
    ) -> Self {
        let mut new = self.without_role(kind, namespace, name);
        new.roles
            .insert(&role_key(kind, namespace, name), KnownRole::unreadable());
        new
    }
}
