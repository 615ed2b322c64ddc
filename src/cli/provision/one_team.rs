//! One team, by options.

use anyhow::{Context as _, bail};
use clap::Args;

use crate::config;
use crate::provision::{ExtraRule, TeamSpec};
use crate::tiller::Version;

/// The options of one team.
#[derive(Debug, Args)]
#[command(next_help_heading = "Team")]
pub(super) struct OneTeamArguments {
    /// Namespace of the team's Tiller, and of nothing else
    #[arg(long, value_name = "NAMESPACE", conflicts_with = "file")]
    tiller_namespace: Option<String>,

    /// Namespace that Tiller releases to (repeatable)
    #[arg(
        long,
        value_name = "NAMESPACE",
        value_delimiter = ',',
        conflicts_with = "file"
    )]
    target_namespace: Vec<String>,

    /// Service account of Tiller [default: tiller]
    #[arg(long, value_name = "NAME", conflicts_with = "file")]
    service_account: Option<String>,

    /// User who may use Tiller, with the name that Kubernetes knows (repeatable)
    #[arg(long, value_name = "NAME", conflicts_with = "file")]
    user: Vec<String>,

    /// Group whose members may use Tiller, with one certificate that they share (repeatable)
    #[arg(long, value_name = "NAME", conflicts_with = "file")]
    group: Vec<String>,

    /// Version of Tiller [default: v2.17.0]
    #[arg(long, value_name = "VERSION", value_parser = config::tiller_version, conflicts_with = "file")]
    tiller_version: Option<Version>,

    /// Repository of Tiller's image, without a tag [default: ghcr.io/helm/tiller]
    #[arg(long, value_name = "REPOSITORY", conflicts_with = "file")]
    image: Option<String>,

    /// Number of revisions of a release that Tiller keeps; 0 keeps all [default: 200]
    #[arg(long, value_name = "NUMBER", conflicts_with = "file")]
    history_max: Option<u32>,

    /// Make everything except Tiller itself, and print the `helm init` that makes it
    #[arg(long, conflicts_with = "file")]
    no_tiller: bool,

    /// Right that the charts need beyond the usual ones, such as get,list:certificates.cert-manager.io (repeatable)
    #[arg(long, value_name = "VERBS:RESOURCES", conflicts_with = "file")]
    allow_rule: Vec<String>,
}

impl OneTeamArguments {
    /// A mistyped subcommand is no team: a team comes with its namespaces.
    fn means_a_team(&self, name: &str) -> anyhow::Result<()> {
        let lacks = if self.tiller_namespace.is_none() {
            "--tiller-namespace"
        } else if self.target_namespace.is_empty() {
            "--target-namespace"
        } else {
            return Ok(());
        };
        bail!(
            "\"{}\" is not a subcommand of provision, which are status, list, certs, renew, rotate, grant and revoke; to \
             make a team of that name, pass {lacks}",
            name.escape_debug()
        )
    }

    /// The team of this name.
    pub(super) fn spec(&self, name: &str) -> anyhow::Result<TeamSpec> {
        self.means_a_team(name)?;
        let Self {
            tiller_namespace,
            target_namespace,
            service_account,
            user,
            group,
            tiller_version,
            image,
            history_max,
            no_tiller,
            allow_rule,
        } = self;
        let mut spec = TeamSpec::new(
            name.to_owned(),
            tiller_namespace.clone().unwrap_or_default(),
            target_namespace.clone(),
        );
        for text in allow_rule {
            let rules = ExtraRule::parse(text).with_context(|| format!("--allow-rule {text}"))?;
            spec.extra_rules.extend(rules);
        }
        spec.users.clone_from(user);
        spec.groups.clone_from(group);
        spec.with_tiller = !no_tiller;
        if let Some(account) = service_account {
            spec.service_account.clone_from(account);
        }
        if let Some(version) = tiller_version {
            spec.tiller_version = *version;
        }
        if let Some(image) = image {
            spec.image.clone_from(image);
        }
        if let Some(number) = history_max {
            spec.history_max = *number;
        }
        Ok(spec)
    }
}
