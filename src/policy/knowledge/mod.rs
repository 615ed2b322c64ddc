//! What is known of the cluster: teams, Tillers, and who may do what.
//!
//! Plain data with cheap copies: whoever watches the cluster makes a new one of each event and hands it on,
//! and whoever judges keeps the one it has. What cannot hold a service account is not kept. An empty one
//! is right where nothing is known: what then cannot be told is a finding, not a pass.

mod binding;
mod learn;
mod looked_up;
mod query;
mod role;
mod shared_map;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::custody::CaFile;
use super::injector::Invitation;
use super::not_tiller::Evidence;
use super::rbac::{Account, Binding, Role, RoleKind};
use super::team::Team;
use super::workload::TillerUse;
pub(super) use binding::KnownBinding;
pub use learn::Learned;
pub use looked_up::SecretRecords;
pub(super) use role::KnownRole;
use role::{Aggregated, role_key};
use shared_map::SharedMap;

/// What is known of the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Knowledge {
    /// The API server is Kubernetes 1.`minor`, where that is known.
    minor: Option<u16>,
    /// By `NAMESPACE/NAME` of the Tiller namespace and the team.
    teams: SharedMap<Arc<Team>>,
    /// By `NAMESPACE/NAME` of each target namespace and the team.
    targets: SharedMap<Arc<Team>>,
    /// The Tiller namespaces of the teams, by the teams' names.
    team_places: SharedMap<Box<str>>,
    /// By `NAMESPACE/ACCOUNT/KIND/NAME` of the workload, with what tells whether it is one.
    tillers: SharedMap<Option<Arc<Evidence>>>,
    /// How often an account is called so among those of teams and Tillers.
    account_names: SharedMap<u32>,
    /// Service accounts that are there and that only their names make Tillers', by `NAMESPACE/NAME`: as manifests tell it.
    named_accounts: SharedMap<()>,
    /// Pods that hold a Tiller, by `NAMESPACE/NAME`, with what tells whether they do.
    tiller_pods: SharedMap<Option<Arc<Evidence>>>,
    /// Whatever carries a Tiller, with whatever account, by `NAMESPACE/KIND/NAME`, with what tells whether it does.
    tiller_workloads: SharedMap<Arc<Evidence>>,
    /// ConfigMaps that hold a release, by `NAMESPACE/NAME`.
    release_records: SharedMap<()>,
    /// How many of them there are, by namespace.
    release_record_counts: SharedMap<u32>,
    /// What a lookup says of Secrets that hold a release, by namespace. No watch knows them: it would need the right to read
    /// every Secret.
    secret_records: SharedMap<SecretRecords>,
    /// The token Secrets that an account lists, by `NAMESPACE/NAME` of the account, as a lookup says.
    token_secrets: SharedMap<Arc<[Box<str>]>>,
    /// A running pod that is no Tiller's and runs as an account, if there is one, by `NAMESPACE/NAME` of the account, as a
    /// lookup says.
    account_users: SharedMap<Option<Box<str>>>,
    /// What asks injectors to come, as manifests tell it: by `NAMESPACE` of all pods there, by `NAMESPACE/NAME` of an account.
    invitations: SharedMap<Arc<[Invitation]>>,
    /// The JSON of what pods are made from, empty if it is not there, by `NAMESPACE/KIND/NAME`, as a lookup says.
    templates: SharedMap<Arc<str>>,
    /// Whether this is of a cluster, where what is not known can be asked for.
    of_cluster: bool,
    /// What Secrets with Tillers' certificates trust, by `NAMESPACE/NAME`.
    certificates: SharedMap<Arc<CaFile>>,
    /// Services that lead to Tillers, by `NAMESPACE/NAME`.
    tiller_services: SharedMap<()>,
    /// By `NAMESPACE/NAME`; a ClusterRoleBinding has no namespace before the slash.
    bindings: SharedMap<Arc<KnownBinding>>,
    /// Bindings that cannot be read, which may hold anybody; keys as above.
    unreadable_bindings: SharedMap<()>,
    /// By `HOLDER/NAMESPACE/NAME`.
    bindings_by_holder: SharedMap<Arc<KnownBinding>>,
    /// By `NAMESPACE/NAME/NAMESPACE/NAME` of role and binding.
    bindings_by_role: SharedMap<Arc<KnownBinding>>,
    /// By `NAMESPACE/NAME`; a ClusterRole has no namespace before the slash.
    roles: SharedMap<KnownRole>,
    /// The ClusterRoles that take in the rules of others, by name.
    aggregated: SharedMap<Arc<Aggregated>>,
}

/// How much is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KnowledgeSize {
    /// Registered teams.
    pub teams: usize,
    /// Workloads with a Tiller.
    pub tillers: usize,
    /// Bindings that can hold a service account.
    pub bindings: usize,
    /// Roles and ClusterRoles.
    pub roles: usize,
}

// === impl KnowledgeSize ===

impl fmt::Display for KnowledgeSize {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            teams,
            tillers,
            bindings,
            roles,
        } = self;
        write!(
            formatter,
            "{teams} teams, {tillers} workloads with a Tiller (a Deployment, its ReplicaSets and Pods count each), {bindings} \
             bindings, {roles} roles"
        )
    }
}

/// What happens in the cluster.
impl Knowledge {
    /// Nothing but that Kubernetes 1.`minor` runs it.
    #[must_use]
    pub fn of_kubernetes(minor: u16) -> Self {
        Self {
            minor: Some(minor),
            ..Self::default()
        }
    }

    /// With this team, in place of the one of its name.
    #[must_use]
    pub fn with_team(&self, team: Team) -> Self {
        let mut new = self.without_team(&team.name);
        new.team_places
            .insert(&[&team.name], team.tiller_namespace.clone());
        new.count_name(&team.service_account, 1);
        let team = Arc::new(team);
        for target in &team.target_namespaces {
            new.targets
                .insert(&[target, "/", &team.name], Arc::clone(&team));
        }
        let key = [&team.tiller_namespace, "/", &team.name];
        new.teams.insert(&key, Arc::clone(&team));
        new
    }

    /// Without the team of this name.
    #[must_use]
    pub fn without_team(&self, name: &str) -> Self {
        let mut new = self.clone();
        let place = new.team_places.remove(&[name]);
        let team = place.and_then(|place| new.teams.remove(&[&place, "/", name]));
        if let Some(team) = team {
            new.count_name(&team.service_account, -1);
            for target in &team.target_namespaces {
                new.targets.remove(&[target, "/", name]);
            }
        }
        new
    }

    /// With a Tiller that runs, or would run, as this account.
    #[must_use]
    pub fn with_tiller(&self, tiller: TillerUse<'_>) -> Self {
        self.with_suspect(tiller, None)
    }

    /// The same of what has the signs of one, and may be said to be none.
    #[must_use]
    pub fn with_suspect(&self, tiller: TillerUse<'_>, evidence: Option<Arc<Evidence>>) -> Self {
        let mut new = self.clone();
        if new.tillers.insert(&tiller.key(), evidence).is_none() {
            new.count_name(tiller.account.name, 1);
        }
        new
    }

    /// Without it.
    #[must_use]
    pub fn without_tiller(&self, tiller: TillerUse<'_>) -> Self {
        let mut new = self.clone();
        if new.tillers.remove(&tiller.key()).is_some() {
            new.count_name(tiller.account.name, -1);
        }
        new
    }

    /// With a Pod that holds a Tiller.
    #[must_use]
    pub fn with_tiller_pod(&self, namespace: &str, name: &str) -> Self {
        self.with_suspect_pod(namespace, name, None)
    }

    /// The same of what has the signs of one, and may be said to be none.
    #[must_use]
    pub fn with_suspect_pod(
        &self,
        namespace: &str,
        name: &str,
        evidence: Option<Arc<Evidence>>,
    ) -> Self {
        let mut new = self.clone();
        new.tiller_pods.insert(&[namespace, "/", name], evidence);
        new
    }

    /// Without it.
    #[must_use]
    pub fn without_tiller_pod(&self, namespace: &str, name: &str) -> Self {
        let mut new = self.clone();
        new.tiller_pods.remove(&[namespace, "/", name]);
        new
    }

    /// With a service account that is there and is named as a Tiller's.
    #[must_use]
    pub fn with_account(&self, account: Account<'_>) -> Self {
        let mut new = self.clone();
        let Account { namespace, name } = account;
        new.named_accounts.insert(&[namespace, "/", name], ());
        new
    }

    /// With a Service that leads to Tillers (see
    /// [`Service::leads_to_tiller`](super::exposure::Service::leads_to_tiller)).
    #[must_use]
    pub fn with_tiller_service(&self, namespace: &str, name: &str) -> Self {
        let mut new = self.clone();
        new.tiller_services.insert(&[namespace, "/", name], ());
        new
    }

    /// Without it.
    #[must_use]
    pub fn without_tiller_service(&self, namespace: &str, name: &str) -> Self {
        let mut new = self.clone();
        new.tiller_services.remove(&[namespace, "/", name]);
        new
    }

    /// With a Secret with a Tiller's certificates, of which its CAs are known alone.
    #[must_use]
    pub fn with_certificates(&self, namespace: &str, name: &str, ca_file: CaFile) -> Self {
        let mut new = self.clone();
        let key = [namespace, "/", name];
        new.certificates.insert(&key, Arc::new(ca_file));
        new
    }

    /// Without it.
    #[must_use]
    pub fn without_certificates(&self, namespace: &str, name: &str) -> Self {
        let mut new = self.clone();
        new.certificates.remove(&[namespace, "/", name]);
        new
    }

    /// With a ConfigMap that holds a release.
    #[must_use]
    pub fn with_release_record(&self, namespace: &str, name: &str) -> Self {
        let mut new = self.clone();
        let key = [namespace, "/", name];
        if new.release_records.insert(&key, ()).is_none() {
            count(&mut new.release_record_counts, namespace, 1);
        }
        new
    }

    /// Without it.
    #[must_use]
    pub fn without_release_record(&self, namespace: &str, name: &str) -> Self {
        let mut new = self.clone();
        let key = [namespace, "/", name];
        if new.release_records.remove(&key).is_some() {
            count(&mut new.release_record_counts, namespace, -1);
        }
        new
    }

    /// With this binding, in place of the one of its name.
    #[must_use]
    pub fn with_binding(&self, binding: &Binding<'_>) -> Self {
        let namespace = binding
            .namespace
            .as_deref()
            .filter(|_| !binding.cluster_wide);
        let known = self.bindings.get(&binding::key(namespace, &binding.name));
        let kept = KnownBinding::new(binding);
        // What is looked up is known already, all but always.
        let was_readable = self
            .unreadable_bindings
            .get(&binding::key(namespace, &binding.name))
            .is_none();
        if was_readable && known.map(|it| &**it) == kept.as_ref() {
            return self.clone();
        }
        let mut new = self.without_binding(namespace, &binding.name);
        if let Some(binding) = kept.map(Arc::new) {
            for key in binding.holder_keys() {
                new.bindings_by_holder.insert(&key, Arc::clone(&binding));
            }
            new.bindings_by_role
                .insert(&binding.role_key(), Arc::clone(&binding));
            new.bindings.insert(&binding.key(), Arc::clone(&binding));
        }
        new
    }

    /// Without the RoleBinding of this name in a namespace, or the ClusterRoleBinding.
    #[must_use]
    pub fn without_binding(&self, namespace: Option<&str>, name: &str) -> Self {
        let mut new = self.clone();
        new.unreadable_bindings
            .remove(&binding::key(namespace, name));
        if let Some(binding) = new.bindings.remove(&binding::key(namespace, name)) {
            for key in binding.holder_keys() {
                new.bindings_by_holder.remove(&key);
            }
            new.bindings_by_role.remove(&binding.role_key());
        }
        new
    }

    /// Without the RoleBindings of a namespace, or the ClusterRoleBindings, that were known before already and are not
    /// among these. What came since stays.
    #[must_use]
    pub fn without_bindings_but(
        &self,
        names: &BTreeSet<&str>,
        namespace: Option<&str>,
        before: &Self,
    ) -> Self {
        let known = before.bindings.with_prefix(binding::key(namespace, ""));
        let gone = known.filter(|(key, binding)| {
            let now = self.bindings.get(&[key]);
            !names.contains(&*binding.name) && now.is_some_and(|now| Arc::ptr_eq(now, binding))
        });
        gone.fold(self.clone(), |knowledge, (_, binding)| {
            knowledge.without_binding(namespace, &binding.name)
        })
    }

    /// With this role, in place of the one of its name.
    #[must_use]
    pub fn with_role(&self, role: &Role<'_>) -> Self {
        let key = role_key(role.kind, role.namespace.as_deref(), &role.name);
        let kept = KnownRole::new(role);
        if !kept.aggregated && self.roles.get(&key) == Some(&kept) {
            return self.clone();
        }
        let mut new = self.without_role(role.kind, role.namespace.as_deref(), &role.name);
        new.roles.insert(&key, kept);
        if let Some(aggregated) = Aggregated::new(role) {
            new.aggregated.insert(&[&role.name], Arc::new(aggregated));
        }
        new
    }

    /// Without the Role of this name in a namespace, or the ClusterRole.
    #[must_use]
    pub fn without_role(&self, kind: RoleKind, namespace: Option<&str>, name: &str) -> Self {
        let mut new = self.clone();
        new.roles.remove(&role_key(kind, namespace, name));
        if kind == RoleKind::ClusterRole {
            new.aggregated.remove(&[name]);
        }
        new
    }

    fn count_name(&mut self, name: &str, change: i32) {
        count(&mut self.account_names, name, change);
    }
}

fn count(counts: &mut SharedMap<u32>, key: &str, change: i32) {
    let count = counts.get(&[key]).copied().unwrap_or(0);
    match count.saturating_add_signed(change) {
        0 => counts.remove(&[key]),
        count => counts.insert(&[key], count),
    };
}
