//! What an administrator may decide on the command line, and the policy file that he names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, anyhow};
use arc_swap::ArcSwap;
use clap::Args;
use tracing::warn;

use crate::config::{self, Rejected};
use crate::offline::Judging;
use crate::policy::{Knowledge, Policy, Timestamp};
use crate::server::{PolicyFile, Taken, read_file};
use crate::tiller::Version;

/// The options that every judging command has.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Policy")]
pub(super) struct PolicyArguments {
    /// Use this policy file; the options below add to it
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    #[command(flatten)]
    additions: Additions,
}

/// What the command line says on top of a policy file.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Policy")]
struct Additions {
    /// Protect this namespace: no Tiller may run in it. kube-system, kube-public, kube-node-lease and default are
    /// always protected (repeatable)
    #[arg(long, value_name = "NAMESPACE")]
    protected_namespace: Vec<String>,

    /// Also allow Tiller images from this repository, named without a tag (repeatable)
    #[arg(long, value_name = "REPOSITORY")]
    allowed_repository: Vec<String>,

    /// The oldest version of Tiller that may run [default: 2.7.2]
    #[arg(long, value_name = "VERSION", value_parser = config::version_floor)]
    version_floor: Option<Version>,

    /// Also treat service accounts with this name as Tiller's; a * at the end matches anything. tiller and tiller-*
    /// always count (repeatable)
    #[arg(long, value_name = "PATTERN")]
    tiller_account: Vec<String>,

    /// Allow Tiller to be bound to this ClusterRole in its team's namespaces, whatever it grants (repeatable)
    #[arg(long, value_name = "CLUSTERROLE")]
    allowed_cluster_role: Vec<String>,

    /// Allow groups that hold Tiller's service account to be bound to this ClusterRole anywhere (repeatable)
    #[arg(long, value_name = "CLUSTERROLE")]
    common_cluster_role: Vec<String>,

    /// Let this user write the Secrets with Tillers' certificates, as `administrators` of the policy (repeatable)
    #[arg(long, value_name = "USER", value_parser = config::any_user)]
    administrator: Vec<String>,

    /// Require a team: Tiller may run only in the Tiller namespaces of teams
    #[arg(long)]
    require_team: bool,
}

/// What manifests are judged by.
#[derive(Debug, Clone, Args)]
pub(super) struct ManifestArguments {
    #[command(flatten)]
    policy: PolicyArguments,

    /// Namespace of objects that name none
    #[arg(long, short, value_name = "NAMESPACE", help_heading = "Policy")]
    namespace: Option<String>,
}

/// The policy that a server judges by, and the file that it is read from anew.
pub(super) struct LivePolicy {
    pub(super) current: Arc<ArcSwap<Policy>>,
    pub(super) file: Option<PolicyFile>,
    additions: Additions,
}

// === impl PolicyArguments ===

impl PolicyArguments {
    /// The policy, whose file has to be good.
    pub(super) fn resolve(self, now: Timestamp) -> anyhow::Result<Policy> {
        let Self { policy, additions } = self;
        let policy = match policy {
            None => Policy::default(),
            Some(path) => config::read(&read_policy(&path)?, now)
                .map_err(|rejected| bad_policy(&path, &rejected))?,
        };
        Ok(additions.on_top_of(policy))
    }

    /// The same, but an expired exception is not an error: it no longer applies.
    pub(super) fn in_force(self, now: Timestamp) -> anyhow::Result<Policy> {
        let Self { policy, additions } = self;
        let Some(path) = policy else {
            return Ok(additions.on_top_of(Policy::default()));
        };
        let policy = config::read(&read_policy(&path)?, now).or_else(|mut rejected| {
            let without_expired = rejected.without_expired.take();
            without_expired.map_or_else(|| Err(bad_policy(&path, &rejected)), |it| Ok(*it))
        });
        Ok(additions.on_top_of(policy?))
    }

    /// Whether a policy file is named.
    pub(super) fn names_file(&self) -> bool {
        self.policy.is_some()
    }

    /// What the options add to the policy in a policy file's text.
    pub(super) fn on_top_of(self, text: &[u8], now: Timestamp) -> anyhow::Result<Policy> {
        let policy = config::read(text, now).or_else(|mut rejected| {
            let without_expired = rejected.without_expired.take();
            without_expired.map(|it| *it).ok_or(rejected)
        });
        let policy = policy.map_err(|rejected| anyhow!(rejected.lines("policy.yaml")))?;
        Ok(self.additions.on_top_of(policy))
    }

    /// The policy, read again at this interval. An expired exception does not keep the server from starting: it no longer applies, and
    /// an API server without its webhook is worse.
    pub(super) fn follow(self, every: Duration) -> anyhow::Result<LivePolicy> {
        let Self { policy, additions } = self;
        let Some(path) = policy else {
            let policy = additions.clone().on_top_of(Policy::default());
            return Ok(LivePolicy {
                current: Arc::new(ArcSwap::from_pointee(policy)),
                file: None,
                additions,
            });
        };
        let contents = read_policy(&path)?;
        let policy = match config::read(&contents, now()) {
            Ok(policy) => policy,
            Err(Rejected {
                problems,
                without_expired: Some(policy),
            }) => {
                for problem in problems {
                    warn!(file = %path.display(), %problem, "an exception of the policy has expired");
                }
                *policy
            }
            Err(rejected) => return Err(bad_policy(&path, &rejected)),
        };
        let current = Arc::new(ArcSwap::from_pointee(additions.clone().on_top_of(policy)));
        Ok(LivePolicy {
            current,
            file: Some(PolicyFile {
                path,
                every,
                contents,
            }),
            additions,
        })
    }
}

// === impl LivePolicy ===

impl LivePolicy {
    /// Takes the file's new content for the policy, from then on.
    pub(super) fn take(&self, contents: &[u8]) -> Taken {
        let name = self
            .file
            .as_ref()
            .map(|file| file.path.display().to_string());
        let lines = |rejected: &Rejected| rejected.lines(name.as_deref().unwrap_or_default());
        let (policy, taken) = match config::read(contents, now()) {
            Ok(policy) => (policy, Taken::Whole),
            Err(mut rejected) => match rejected.without_expired.take() {
                Some(policy) => (*policy, Taken::WithoutExpired(lines(&rejected))),
                None => return Taken::Not(lines(&rejected)),
            },
        };
        let policy = self.additions.clone().on_top_of(policy);
        self.current.store(Arc::new(policy));
        taken
    }
}

pub(super) fn read_policy(path: &Path) -> anyhow::Result<Vec<u8>> {
    read_file(path).context("pass a readable file to --policy")
}

pub(super) fn bad_policy(path: &Path, rejected: &Rejected) -> anyhow::Error {
    let lines = rejected.lines(&path.display().to_string());
    anyhow!("the policy file is invalid:\n{lines}")
}

/// The time of day.
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Timestamp(since.map_or(0, |it| i64::try_from(it.as_secs()).unwrap_or(i64::MAX)))
}

// === impl Additions ===

impl Additions {
    fn on_top_of(self, mut policy: Policy) -> Policy {
        let Self {
            protected_namespace,
            allowed_repository,
            version_floor,
            tiller_account,
            allowed_cluster_role,
            common_cluster_role,
            administrator,
            require_team,
        } = self;
        let settings = &mut policy.settings;
        settings.protected_namespaces.extend(protected_namespace);
        settings.allowed_repositories.extend(allowed_repository);
        settings.account_patterns.extend(tiller_account);
        settings.allowed_cluster_roles.extend(allowed_cluster_role);
        settings.common_cluster_roles.extend(common_cluster_role);
        settings.administrators.users.extend(administrator);
        settings.require_team |= require_team;
        if let Some(version) = version_floor {
            settings.version_floor = version;
        }
        policy
    }
}

// === impl ManifestArguments ===

impl ManifestArguments {
    pub(super) fn resolve(self) -> anyhow::Result<Judging> {
        let Self { policy, namespace } = self;
        let now = now();
        let Policy {
            settings,
            modes,
            break_glass: _,
        } = policy.resolve(now)?;
        Ok(Judging {
            settings,
            modes,
            now,
            namespace: namespace.filter(|namespace| !namespace.is_empty()),
            knowledge: Knowledge::default(),
            scripts: BTreeSet::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Settings;

    #[test]
    fn options_extend_the_defaults() {
        let judging = ManifestArguments {
            policy: PolicyArguments {
                policy: None,
                additions: Additions {
                    protected_namespace: vec!["prod".to_owned()],
                    allowed_repository: vec!["registry.local/tiller".to_owned()],
                    version_floor: None,
                    tiller_account: vec!["helm-*".to_owned()],
                    allowed_cluster_role: vec!["edit".to_owned()],
                    common_cluster_role: vec!["psp".to_owned()],
                    administrator: vec!["ada".to_owned()],
                    require_team: true,
                },
            },
            namespace: Some(String::new()),
        }
        .resolve()
        .unwrap();
        let defaults = Settings::default();
        let Settings {
            protected_namespaces,
            allowed_repositories,
            version_floor,
            account_patterns,
            allowed_cluster_roles,
            common_cluster_roles,
            administrators,
            require_team,
            ..
        } = judging.settings;
        assert!(protected_namespaces.starts_with(&defaults.protected_namespaces));
        assert_eq!(protected_namespaces.last().unwrap(), "prod");
        assert_eq!(
            allowed_repositories.last().unwrap(),
            "registry.local/tiller"
        );
        assert_eq!(version_floor, defaults.version_floor);
        assert_eq!(account_patterns.last().unwrap(), "helm-*");
        assert_eq!(allowed_cluster_roles, ["edit"]);
        assert_eq!(common_cluster_roles, ["psp"]);
        assert_eq!(administrators.users, ["ada"]);
        assert!(require_team);
        assert_eq!(judging.namespace, None);
    }
}
