//! What an administrator may decide on the command line.

use clap::Args;

use crate::policy::{Knowledge, Settings};
use crate::tiller::Version;

/// The options that every judging command has.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Policy")]
pub(super) struct PolicyArguments {
    /// Let no Tiller run in this namespace; kube-system, kube-public, kube-node-lease and default are
    /// always protected (repeatable)
    #[arg(long, value_name = "NAMESPACE")]
    protected_namespace: Vec<String>,

    /// Let Tiller images come from this repository too, named without tag (repeatable)
    #[arg(long, value_name = "REPOSITORY")]
    allowed_repository: Vec<String>,

    /// The oldest version of Tiller that may run [default: 2.7.2]
    #[arg(long, value_name = "VERSION", value_parser = version)]
    version_floor: Option<Version>,

    /// Take accounts of this name for Tillers' too; a * at the end stands for anything; tiller and
    /// tiller-* always are (repeatable)
    #[arg(long, value_name = "PATTERN")]
    tiller_account: Vec<String>,

    /// Let Tillers be bound to this ClusterRole in their teams' namespaces, whatever it grants (repeatable)
    #[arg(long, value_name = "CLUSTERROLE")]
    allowed_cluster_role: Vec<String>,

    /// Let groups that hold Tillers' accounts be bound to this ClusterRole anywhere (repeatable)
    #[arg(long, value_name = "CLUSTERROLE")]
    common_cluster_role: Vec<String>,

    /// Let Tillers run in the Tiller namespaces of registered teams only
    #[arg(long)]
    require_team: bool,
}

/// What manifests are judged by.
#[derive(Debug, Clone, Args)]
pub(super) struct ManifestArguments {
    #[command(flatten)]
    policy: PolicyArguments,

    /// The namespace of objects that name none, as kubectl's
    #[arg(long, short, value_name = "NAMESPACE", help_heading = "Policy")]
    namespace: Option<String>,
}

/// What to judge by.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    /// What the rules are told.
    pub(super) settings: Settings,
    /// The namespace of objects that name none.
    pub(super) namespace: Option<String>,
    /// What the manifests tell of one another.
    pub(super) knowledge: Knowledge,
}

impl PolicyArguments {
    pub(super) fn resolve(self) -> Settings {
        let Self {
            protected_namespace,
            allowed_repository,
            version_floor,
            tiller_account,
            allowed_cluster_role,
            common_cluster_role,
            require_team,
        } = self;
        let mut settings = Settings::default();
        settings.protected_namespaces.extend(protected_namespace);
        settings.allowed_repositories.extend(allowed_repository);
        settings.account_patterns.extend(tiller_account);
        settings.allowed_cluster_roles.extend(allowed_cluster_role);
        settings.common_cluster_roles.extend(common_cluster_role);
        settings.require_team = require_team;
        if let Some(version) = version_floor {
            settings.version_floor = version;
        }
        settings
    }
}

impl ManifestArguments {
    pub(super) fn resolve(self) -> Policy {
        let Self { policy, namespace } = self;
        Policy {
            settings: policy.resolve(),
            namespace: namespace.filter(|namespace| !namespace.is_empty()),
            knowledge: Knowledge::default(),
        }
    }
}

/// Reads `2.16.12` or `v2.16.12`.
fn version(text: &str) -> Result<Version, String> {
    let floor = Settings::default().version_floor;
    match Version::from_tag(text).or_else(|_| text.parse()) {
        Ok(version) if version < floor => Err(format!("no Tiller before {floor} can be hardened")),
        Ok(version) => Ok(version),
        Err(_) => Err("a version of Helm 2 is needed, such as 2.16.12".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_three_numbers_from_the_floor_on() {
        let expected = Version {
            major: 2,
            minor: 16,
            patch: 12,
        };
        assert_eq!(version("v2.16.12"), Ok(expected));
        assert_eq!(version("2.16.12"), Ok(expected));
        for text in ["2.7.1", "2.7", "2.7.2.1", "", "v", "2.x.1", "2.7.99999"] {
            assert!(version(text).is_err(), "{text}");
        }
    }

    #[test]
    fn options_extend_the_defaults() {
        let policy = ManifestArguments {
            policy: PolicyArguments {
                protected_namespace: vec!["prod".to_owned()],
                allowed_repository: vec!["registry.local/tiller".to_owned()],
                version_floor: None,
                tiller_account: vec!["helm-*".to_owned()],
                allowed_cluster_role: vec!["edit".to_owned()],
                common_cluster_role: vec!["psp".to_owned()],
                require_team: true,
            },
            namespace: Some(String::new()),
        }
        .resolve();
        let defaults = Settings::default();
        assert!(
            policy
                .settings
                .protected_namespaces
                .starts_with(&defaults.protected_namespaces)
        );
        assert_eq!(policy.settings.protected_namespaces.last().unwrap(), "prod");
        assert_eq!(
            policy.settings.allowed_repositories.last().unwrap(),
            "registry.local/tiller"
        );
        assert_eq!(policy.settings.version_floor, defaults.version_floor);
        assert_eq!(policy.settings.account_patterns.last().unwrap(), "helm-*");
        assert_eq!(policy.settings.allowed_cluster_roles, ["edit"]);
        assert_eq!(policy.settings.common_cluster_roles, ["psp"]);
        assert!(policy.settings.require_team);
        assert_eq!(policy.namespace, None);
    }
}
