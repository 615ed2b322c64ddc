//! What knowledge answers.

use std::sync::Arc;

use super::{
    Aggregated, Knowledge, KnowledgeSize, KnownBinding, KnownRole, SecretRecords, role_key,
};
use crate::policy::custody::CaFile;
use crate::policy::not_tiller::Named;
use crate::policy::rbac::{Account, Holder, Role, RoleKind};
use crate::policy::team::Team;
use crate::policy::{Evidence, Settings, WorkloadKind};

/// The first Kubernetes with `seccompProfile`.
const HAS_SECCOMP_FIELD: u16 = 19;

/// The kind of this name.
fn kind_of(name: &str) -> Option<WorkloadKind> {
    let mut kinds = WorkloadKind::ALL.into_iter().chain([WorkloadKind::Custom]);
    kinds.find(|kind| kind.as_str() == name)
}

/// Whether what is known of a workload makes it a Tiller: it does unless the settings say that it is none.
fn counts(
    evidence: Option<&Evidence>,
    namespace: &str,
    (kind, name): (WorkloadKind, &str),
    settings: &Settings,
) -> bool {
    settings.not_tillers.is_empty()
        || evidence.is_none_or(|evidence| {
            let workload = Named {
                kind,
                namespace,
                name,
                maker: evidence.maker(),
            };
            !settings.acquits(workload, evidence)
        })
}

impl Knowledge {
    /// Whether the API server keeps `seccompProfile`. One of which nothing is known does: only those of before 2020 do not.
    pub(in crate::policy) fn has_seccomp_field(&self) -> bool {
        self.minor.is_none_or(|minor| minor >= HAS_SECCOMP_FIELD)
    }

    /// How much is known.
    pub fn size(&self) -> KnowledgeSize {
        KnowledgeSize {
            teams: self.teams.len(),
            tillers: self.tillers.len(),
            bindings: self.bindings.len(),
            roles: self.roles.len(),
        }
    }

    /// How many Tillers there are: a Deployment, its `ReplicaSet`s and their Pods are one.
    pub fn tiller_count(&self, settings: &Settings) -> usize {
        let tillers = self.tiller_workloads.iter().filter(|(key, evidence)| {
            let mut parts = key.split('/');
            let (Some(namespace), Some(kind), Some(name)) =
                (parts.next(), parts.next(), parts.next())
            else {
                return false;
            };
            let is_made = evidence.maker().is_some_and(|(kind, name)| {
                let maker = [namespace, "/", kind.as_str(), "/", name];
                self.tiller_workloads.get(&maker).is_some()
            });
            let kind = kind_of(kind);
            !is_made
                && kind
                    .is_some_and(|kind| counts(Some(evidence), namespace, (kind, name), settings))
        });
        tillers.count()
    }

    /// Whether an account of this name, in whatever namespace, may be a Tiller's. Nobody else's is.
    pub fn names_account(&self, name: &str, settings: &Settings) -> bool {
        settings.takes_for_tiller_account(name) || self.account_names.get(&[name]).is_some()
    }

    /// The team whose Tiller runs in this namespace; of two, the one whose name comes first.
    pub fn team_in(&self, namespace: &str) -> Option<&Team> {
        self.teams_in(namespace).next()
    }

    /// A team whose Tiller runs in this namespace, or releases into it.
    pub(in crate::policy) fn team_reaching(&self, namespace: &str) -> Option<&Team> {
        let target = || {
            let mut targets = self.targets.with_prefix([namespace, "/"]);
            targets.next().map(|(_, team)| &**team)
        };
        self.team_in(namespace).or_else(target)
    }

    /// The kinds and names of the workloads with a Tiller in this namespace.
    pub(in crate::policy) fn tillers_in<'a>(
        &'a self,
        namespace: &str,
        settings: &'a Settings,
    ) -> impl Iterator<Item = (WorkloadKind, &'a str)> {
        let tillers = self.tillers_under([namespace, "/"], settings);
        tillers.map(|(_, kind, name)| (kind, name))
    }

    /// The accounts, kinds and names of the workloads with a Tiller, of those whose keys begin so.
    fn tillers_under<'a, const N: usize>(
        &'a self,
        prefix: [&str; N],
        settings: &Settings,
    ) -> impl Iterator<Item = (Account<'a>, WorkloadKind, &'a str)> {
        let tillers = self.tillers.with_prefix(prefix);
        tillers.filter_map(|(key, evidence)| {
            let mut parts = key.split('/');
            let (namespace, account) = (parts.next()?, parts.next()?);
            let (kind, name) = (parts.next()?, parts.next()?);
            let kind = kind_of(kind)?;
            let account = Account {
                namespace,
                name: account,
            };
            let found = (account, kind, name);
            counts(evidence.as_deref(), namespace, (kind, name), settings).then_some(found)
        })
    }

    /// The names of the Pods with a Tiller in this namespace.
    pub(in crate::policy) fn tiller_pods_in<'a>(
        &'a self,
        namespace: &str,
        settings: &'a Settings,
    ) -> impl Iterator<Item = &'a str> {
        let pods = self.tiller_pods.with_prefix([namespace, "/"]);
        pods.filter_map(|(key, evidence)| {
            let (namespace, name) = key.split_once('/')?;
            counts(
                evidence.as_deref(),
                namespace,
                (WorkloadKind::Pod, name),
                settings,
            )
            .then_some(name)
        })
    }

    /// The team whose Tiller runs as this account; of two, the one whose name comes first.
    pub fn team_of(&self, account: Account<'_>) -> Option<&Team> {
        self.teams_in(account.namespace)
            .find(|team| *team.service_account == *account.name)
    }

    /// Whether a team names this account, a Tiller uses it, or a pattern of the settings matches it.
    pub fn is_tiller_account(&self, account: Account<'_>, settings: &Settings) -> bool {
        settings.takes_for_tiller_account(account.name)
            || self.account_names.get(&[account.name]).is_some()
                && (self.team_of(account).is_some() || self.is_used(account, settings))
    }

    fn is_used(&self, account: Account<'_>, settings: &Settings) -> bool {
        let Account { namespace, name } = account;
        let mut tillers = self.tillers_under([namespace, "/", name, "/"], settings);
        tillers.next().is_some()
    }

    /// Whether this workload is known to hold a Tiller with an account of its own.
    pub fn holds_tiller(
        &self,
        namespace: &str,
        workload: (WorkloadKind, &str),
        settings: &Settings,
    ) -> bool {
        self.tillers_in(namespace, settings)
            .any(|it| it == workload)
    }

    /// Whether this Pod is known to hold a Tiller, be it by its account or otherwise.
    pub(in crate::policy) fn is_tiller_pod(
        &self,
        namespace: &str,
        name: &str,
        settings: &Settings,
    ) -> bool {
        let pod = self.tiller_pods.get(&[namespace, "/", name]);
        let counts = |evidence: &Option<Arc<Evidence>>| {
            counts(
                evidence.as_deref(),
                namespace,
                (WorkloadKind::Pod, name),
                settings,
            )
        };
        let mut tillers = self.tillers_in(namespace, settings);
        pod.is_some_and(counts) || tillers.any(|it| it == (WorkloadKind::Pod, name))
    }

    /// How many ConfigMaps in this namespace are known to hold a release.
    pub(in crate::policy) fn release_records_in(&self, namespace: &str) -> u32 {
        let count = self.release_record_counts.get(&[namespace]);
        count.copied().unwrap_or(0)
    }

    /// What is known of the Secrets in this namespace that hold a release. Without a cluster there are none.
    pub fn secret_records_in(&self, namespace: &str) -> SecretRecords {
        let known = self.secret_records.get(&[namespace]).copied();
        known.unwrap_or(if self.of_cluster {
            SecretRecords::Unasked
        } else {
            SecretRecords::Counted(0)
        })
    }

    /// Whether an account lists this Secret among its tokens; nothing where nobody has asked yet.
    pub(in crate::policy) fn has_token_secret(
        &self,
        account: Account<'_>,
        secret: &str,
    ) -> Option<bool> {
        let Account { namespace, name } = account;
        let listed = self.token_secrets.get(&[namespace, "/", name])?;
        Some(listed.iter().any(|it| **it == *secret))
    }

    /// A running pod that is known to be no Tiller's and to run as this account.
    pub(in crate::policy) fn account_user(&self, account: Account<'_>) -> Option<&str> {
        let Account { namespace, name } = account;
        let user = self.account_users.get(&[namespace, "/", name])?;
        user.as_deref()
    }

    /// Whether it was looked up who else runs as this account.
    pub(in crate::policy) fn knows_users_of(&self, account: Account<'_>) -> bool {
        let Account { namespace, name } = account;
        self.account_users.get(&[namespace, "/", name]).is_some()
    }

    /// Whether this is of a cluster, where more can be asked for.
    pub(in crate::policy) fn is_of_cluster(&self) -> bool {
        self.of_cluster
    }

    /// The CAs of a Secret with a Tiller's certificates.
    pub(in crate::policy) fn certificates(&self, namespace: &str, name: &str) -> Option<&CaFile> {
        let known = self.certificates.get(&[namespace, "/", name]);
        known.map(|ca_file| &**ca_file)
    }

    /// Whether this Service is known to lead to Tillers.
    pub(in crate::policy) fn is_tiller_service(&self, namespace: &str, name: &str) -> bool {
        let service = self.tiller_services.get(&[namespace, "/", name]);
        service.is_some()
    }

    /// The teams whose Tillers run in this namespace.
    pub(in crate::policy) fn teams_in(&self, namespace: &str) -> impl Iterator<Item = &Team> {
        let teams = self.teams.with_prefix([namespace, "/"]);
        teams.map(|(_, team)| &**team)
    }

    /// The Tillers' accounts among those that a binding's subject stands for. Of the accounts that only a
    /// pattern makes Tillers', a group is known to hold those that manifests tell of.
    pub fn tiller_accounts<'a, 's>(
        &'a self,
        holder: Holder<'a>,
        settings: &'s Settings,
    ) -> impl Iterator<Item = Account<'a>> + use<'a, 's> {
        let (account, prefix) = match holder {
            Holder::Account(account) => {
                let tillers = self.is_tiller_account(account, settings);
                (tillers.then_some(account), None)
            }
            Holder::Namespace(namespace) => (None, Some([namespace, "/"])),
            Holder::ServiceAccounts | Holder::Authenticated => (None, Some(["", ""])),
        };
        let held = prefix.into_iter().flat_map(|prefix| {
            let teams = self.teams.with_prefix(prefix);
            let used = self.tillers_under(prefix, settings);
            let used = used.map(|(account, ..)| account);
            let named = self.named_accounts.with_prefix(prefix);
            let named = named.filter_map(|(key, ())| {
                let (namespace, name) = key.split_once('/')?;
                settings
                    .takes_for_tiller_account(name)
                    .then_some(Account { namespace, name })
            });
            teams
                .map(|(_, team)| team.account())
                .chain(used)
                .chain(named)
        });
        account.into_iter().chain(held)
    }

    /// The bindings that hold this account in any of its spellings, each with the one that does.
    pub(in crate::policy) fn bindings_of<'a>(
        &'a self,
        account: Account<'a>,
    ) -> impl Iterator<Item = (Holder<'a>, &'a KnownBinding)> {
        let mut found = Vec::new();
        for holder in account.holders() {
            let [kind, namespace, separator, name] = holder.pieces();
            let prefix = [kind, namespace, separator, name, "/"];
            let bindings = self.bindings_by_holder.with_prefix(prefix);
            found.extend(bindings.map(|(_, binding)| (holder, &**binding)));
        }
        found.into_iter()
    }

    /// The first binding that cannot be read, by kind and name.
    pub(in crate::policy) fn unreadable_binding(&self) -> Option<String> {
        let (key, ()) = self.unreadable_bindings.iter().next()?;
        Some(match key.split_once('/')? {
            ("", name) => format!("ClusterRoleBinding {name}"),
            _ => format!("RoleBinding {key}"),
        })
    }

    /// The bindings that name this role.
    pub(in crate::policy) fn bindings_to<'k>(
        &self,
        kind: RoleKind,
        namespace: Option<&'k str>,
        name: &'k str,
    ) -> impl Iterator<Item = &KnownBinding> {
        let [namespace, slash, name] = role_key(kind, namespace, name);
        let prefix = [namespace, slash, name, slash];
        let bindings = self.bindings_by_role.with_prefix(prefix);
        bindings.map(|(_, binding)| &**binding)
    }

    /// What is known of a role.
    pub(in crate::policy) fn role(
        &self,
        kind: RoleKind,
        namespace: Option<&str>,
        name: &str,
    ) -> Option<KnownRole> {
        self.roles.get(&role_key(kind, namespace, name)).copied()
    }

    /// The ClusterRoles that take in the rules of this one, directly or by way of others, by name.
    pub(in crate::policy) fn aggregates_of<'a>(&'a self, role: &Role<'_>) -> Vec<&'a str> {
        let mut reached: Vec<&str> = Vec::new();
        if role.kind != RoleKind::ClusterRole || role.labels.is_empty() {
            return reached;
        }
        let mut left: Vec<(&str, &Aggregated)> = Vec::new();
        for (name, aggregated) in self.aggregated.iter() {
            if *role.name == *name {
                continue;
            }
            if aggregated.takes(|key| role.labels.get(key).map(|value| &**value)) {
                reached.push(name);
            } else {
                left.push((name, aggregated));
            }
        }
        let mut next = 0;
        while let Some(through) = reached
            .get(next)
            .and_then(|name| self.aggregated.get(&[name]))
        {
            left.retain(|(name, aggregated)| {
                let taken = aggregated.takes(|key| through.label(key));
                if taken {
                    reached.push(name);
                }
                !taken
            });
            next += 1;
        }
        reached
    }
}
