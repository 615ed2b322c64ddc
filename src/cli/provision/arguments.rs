//! What may be typed, and the teams that it means.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, ValueEnum};

use super::super::policy_options::PolicyArguments;
use super::super::reach::ReachArguments;
use crate::cluster::apply::Effect;
use crate::config;
use crate::pki::team::Lifetimes;
use crate::policy::Settings;
use crate::provision::{CheckedTeam, ExtraRule, TeamSpec, check};
use crate::tiller::Version;

/// The largest file of teams, in bytes.
const MAX_FILE: u64 = 4 << 20;

/// The teams, and what to do with them.
#[derive(Debug, Args)]
pub(in crate::cli) struct MakeArguments {
    /// The team's name
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    team: Option<String>,

    /// A file of teams, a document each, in place of the name and the options of one team; - is the standard input
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,

    #[command(flatten)]
    one: OneTeamArguments,

    #[command(flatten)]
    pub(super) shared: SharedArguments,

    /// Print all objects, keys included, and leave the cluster alone
    #[arg(long, short, value_name = "FORMAT", conflicts_with_all = ["dry_run", "diff"], help_heading = "What is done")]
    pub(super) output: Option<Output>,

    #[command(flatten)]
    pub(super) doing: DoingArguments,
}

/// The options of one team.
#[derive(Debug, Args)]
#[command(next_help_heading = "Team")]
struct OneTeamArguments {
    /// The namespace of the team's Tiller alone
    #[arg(
        long,
        value_name = "NAMESPACE",
        required_unless_present = "file",
        conflicts_with = "file"
    )]
    tiller_namespace: Option<String>,

    /// A namespace that Tiller releases in (repeatable)
    #[arg(
        long,
        value_name = "NAMESPACE",
        value_delimiter = ',',
        required_unless_present = "file",
        conflicts_with = "file"
    )]
    target_namespace: Vec<String>,

    /// Tiller's service account [default: tiller]
    #[arg(long, value_name = "NAME", conflicts_with = "file")]
    service_account: Option<String>,

    /// A user who may use Tiller, as Kubernetes knows him (repeatable)
    #[arg(long, value_name = "NAME", conflicts_with = "file")]
    user: Vec<String>,

    /// A group whose members may, with a certificate that they share (repeatable)
    #[arg(long, value_name = "NAME", conflicts_with = "file")]
    group: Vec<String>,

    /// Which Tiller [default: v2.17.0]
    #[arg(long, value_name = "VERSION", value_parser = config::tiller_version, conflicts_with = "file")]
    tiller_version: Option<Version>,

    /// The repository of Tiller's image, without tag [default: ghcr.io/helm/tiller]
    #[arg(long, value_name = "REPOSITORY", conflicts_with = "file")]
    image: Option<String>,

    /// How many revisions of a release Tiller keeps; 0 keeps all [default: 200]
    #[arg(long, value_name = "NUMBER", conflicts_with = "file")]
    history_max: Option<u32>,

    /// Make everything but Tiller itself, and print the `helm init` that makes it
    #[arg(long, conflicts_with = "file")]
    no_tiller: bool,

    /// A right that the charts need beyond the usual ones: get,list:certificates.cert-manager.io (repeatable)
    #[arg(long, value_name = "VERBS:RESOURCES", conflicts_with = "file")]
    allow_rule: Vec<String>,
}

/// What all commands about teams take.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct SharedArguments {
    /// The guard's own namespace, with the teams' registrations, CAs and bundles
    #[arg(long, value_name = "NAMESPACE", default_value = TeamSpec::GUARD_NAMESPACE, help_heading = "Cluster")]
    pub(super) guard_namespace: String,

    /// The cluster's DNS domain [default: cluster.local, or the team's]
    #[arg(long, value_name = "DOMAIN", help_heading = "Cluster")]
    pub(super) cluster_domain: Option<String>,

    #[command(flatten)]
    pub(super) reach: ReachArguments,

    #[command(flatten)]
    pub(super) certificates: CertificateArguments,

    #[command(flatten)]
    policy: PolicyArguments,
}

/// Where the CA is, and how long certificates last.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Certificates")]
pub(in crate::cli) struct CertificateArguments {
    /// Keep CAs here, as TEAM/ca.pem and TEAM/ca-key.pem, and not in the cluster; one that is there is used
    #[arg(long, value_name = "FOLDER")]
    pub(super) ca_dir: Option<PathBuf>,

    /// How many days a new CA is valid
    #[arg(long, value_name = "DAYS", default_value = "3650", value_parser = clap::value_parser!(u32).range(30..=7300))]
    ca_days: u32,

    /// How many days a new certificate of Tiller's is valid
    #[arg(long, value_name = "DAYS", default_value = "365", value_parser = clap::value_parser!(u32).range(1..=825))]
    server_days: u32,

    /// How many days a new certificate of a person's is valid: nothing else ends it
    #[arg(long, value_name = "DAYS", default_value = "90", value_parser = clap::value_parser!(u32).range(1..=365))]
    client_days: u32,

    /// Write bundles here too, as TEAM/PERSON/{ca.pem,cert.pem,key.pem,env}
    #[arg(long, value_name = "FOLDER")]
    pub(super) bundle_dir: Option<PathBuf>,

    /// Replace other certificates that are in the bundles' folders
    #[arg(long)]
    pub(super) force: bool,
}

/// How much is done.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "What is done")]
pub(in crate::cli) struct DoingArguments {
    /// Change nothing: name what would be made (client), or have the API server try it (server, from Kubernetes 1.13 on)
    #[arg(
        long,
        value_name = "WHERE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "client",
        conflicts_with = "diff"
    )]
    pub(super) dry_run: Option<DryRun>,

    /// Change nothing, and show what would be, as a unified diff
    #[arg(long)]
    pub(super) diff: bool,

    /// Take over objects that others have made; a namespace gets its pod-security labels
    #[arg(long)]
    pub(super) adopt: bool,

    /// Do not wait until Tiller is ready
    #[arg(long)]
    pub(super) no_wait: bool,

    /// How many seconds to wait for it
    #[arg(long, value_name = "SECONDS", default_value = "300")]
    timeout: u32,
}

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Output {
    /// A document for each object
    Yaml,
    /// A List
    Json,
}

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum DryRun {
    /// Nobody
    Client,
    /// The API server
    Server,
}

// === impl MakeArguments ===

impl MakeArguments {
    /// The teams, examined.
    pub(super) fn teams(&self, settings: &Settings) -> anyhow::Result<Vec<CheckedTeam>> {
        let mut specs = match &self.file {
            Some(path) => read_teams(path)?,
            None => vec![self.spec()?],
        };
        for spec in &mut specs {
            self.shared.place(spec);
        }
        examined(specs, settings)
    }

    fn spec(&self) -> anyhow::Result<TeamSpec> {
        let OneTeamArguments {
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
        } = &self.one;
        let mut spec = TeamSpec::new(
            self.team.clone().unwrap_or_default(),
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

/// Teams that can be, or all that is wrong with them.
pub(super) fn examined(
    specs: Vec<TeamSpec>,
    settings: &Settings,
) -> anyhow::Result<Vec<CheckedTeam>> {
    check(specs, settings).map_err(|errors| {
        let lines = errors
            .into_iter()
            .map(|error| format!("{:#}", anyhow!(error)));
        anyhow!(lines.collect::<Vec<_>>().join("\nerror: "))
    })
}

fn read_teams(path: &Path) -> anyhow::Result<Vec<TeamSpec>> {
    let name = path.display();
    let mut content = Vec::new();
    let read = if path.as_os_str() == "-" {
        io::stdin()
            .lock()
            .take(MAX_FILE + 1)
            .read_to_end(&mut content)
    } else {
        File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut content))
    };
    read.with_context(|| format!("cannot read {name}"))?;
    if u64::try_from(content.len()).is_ok_and(|length| length > MAX_FILE) {
        bail!("{name} is larger than {} MiB", MAX_FILE >> 20);
    }
    config::read_teams(&content).map_err(|problems| {
        let lines = problems.iter().map(|problem| format!("{name}:{problem}"));
        let lines = lines.collect::<Vec<_>>().join("\n");
        anyhow!("the file of teams is not good:\n{lines}")
    })
}

// === impl SharedArguments ===

impl SharedArguments {
    /// What the rules are told.
    pub(super) fn settings(&self) -> anyhow::Result<Settings> {
        let policy = self
            .policy
            .clone()
            .resolve(super::super::policy_options::now())?;
        Ok(policy.settings)
    }

    /// Says of a team what is the same for all.
    pub(super) fn place(&self, spec: &mut TeamSpec) {
        spec.guard_namespace.clone_from(&self.guard_namespace);
        if let Some(domain) = &self.cluster_domain {
            spec.cluster_domain.clone_from(domain);
        }
    }
}

// === impl CertificateArguments ===

impl CertificateArguments {
    /// The same with the CA in the cluster.
    pub(super) fn in_cluster(&self) -> Self {
        Self {
            ca_dir: None,
            ..self.clone()
        }
    }

    pub(super) fn lifetimes(&self) -> Lifetimes {
        let days = |days: u32| Duration::from_hours(24) * days;
        Lifetimes {
            authority: days(self.ca_days),
            server: days(self.server_days),
            client: days(self.client_days),
        }
    }
}

// === impl DoingArguments ===

impl DoingArguments {
    /// Whether nothing is really done.
    pub(super) fn is_trial(&self) -> bool {
        self.dry_run.is_some() || self.diff
    }

    /// What is written.
    pub(super) fn effect(&self) -> Effect {
        match self.dry_run {
            Some(DryRun::Server) => Effect::ServerDryRun,
            Some(DryRun::Client) => Effect::Look,
            None if self.diff => Effect::Look,
            None => Effect::Write,
        }
    }

    /// What is said behind what was not really done.
    pub(super) fn tried(&self) -> &'static str {
        if self.is_trial() { " (dry run)" } else { "" }
    }

    pub(super) fn timeout(&self) -> Duration {
        Duration::from_secs(u64::from(self.timeout))
    }
}
