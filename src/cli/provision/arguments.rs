//! What may be typed, and the teams that it means.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, ValueEnum};

use super::super::duration::duration;
use super::super::policy_options::PolicyArguments;
use super::super::reach::ReachArguments;
use super::one_team::OneTeamArguments;
use super::session::{About, Session};
use crate::cluster::apply::Effect;
use crate::config;
use crate::pki::team::Lifetimes;
use crate::policy::Settings;
use crate::provision::{CheckedTeam, TeamSpec, check, team_name};

/// The largest file of teams, in bytes.
const MAX_FILE: u64 = 4 << 20;
/// How many days certificates are valid if nobody says otherwise.
const CA_DAYS: u32 = 3650;
const SERVER_DAYS: u32 = 365;
const CLIENT_DAYS: u32 = 90;

/// The teams, and what to do with them.
#[derive(Debug, Args)]
pub(in crate::cli) struct MakeArguments {
    /// Name of the team
    #[arg(required_unless_present = "file", conflicts_with = "file", value_parser = team_name)]
    team: Option<String>,

    /// File of teams, one document each, instead of the name and options of one team; - reads standard input
    #[arg(long, short, alias = "filename", value_name = "FILE")]
    file: Option<PathBuf>,

    #[command(flatten)]
    one: OneTeamArguments,

    #[command(flatten)]
    pub(super) shared: SharedArguments,

    /// Print all objects, private keys included, instead of applying them
    #[arg(long, short, value_name = "FORMAT", conflicts_with_all = ["dry_run", "diff"], help_heading = "Changes")]
    pub(super) output: Option<Output>,

    #[command(flatten)]
    pub(super) doing: DoingArguments,
}

/// Where the teams are.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct PlaceArguments {
    /// Namespace of tiller-guard, with the teams, their CAs and bundles
    #[arg(long, value_name = "NAMESPACE", default_value = TeamSpec::GUARD_NAMESPACE, help_heading = "Cluster")]
    pub(super) guard_namespace: String,

    #[command(flatten)]
    pub(super) reach: ReachArguments,
}

/// What all commands that change teams take.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct SharedArguments {
    #[command(flatten)]
    pub(super) place: PlaceArguments,

    /// DNS domain of the cluster [default: cluster.local, or the team's]
    #[arg(long, value_name = "DOMAIN", help_heading = "Cluster")]
    pub(super) cluster_domain: Option<String>,

    #[command(flatten)]
    pub(super) certificates: CertificateArguments,

    #[command(flatten)]
    policy: PolicyArguments,
}

/// Where the CA is, and how long certificates last.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Certificates")]
pub(in crate::cli) struct CertificateArguments {
    /// Keep CAs in this folder instead of in the cluster, as TEAM/ca.pem and TEAM/ca-key.pem; an existing CA is
    /// used
    #[arg(long, value_name = "FOLDER")]
    pub(super) ca_dir: Option<PathBuf>,

    /// Lifetime of a new CA, in days
    #[arg(long, value_name = "DAYS", default_value_t = CA_DAYS, value_parser = clap::value_parser!(u32).range(30..=7300))]
    ca_days: u32,

    /// Lifetime of a new certificate of Tiller, in days
    #[arg(long, value_name = "DAYS", default_value_t = SERVER_DAYS, value_parser = clap::value_parser!(u32).range(1..=825))]
    server_days: u32,

    /// Lifetime of a new certificate of a user or group, in days: nothing else ends it
    #[arg(long, value_name = "DAYS", default_value_t = CLIENT_DAYS, value_parser = clap::value_parser!(u32).range(1..=365))]
    client_days: u32,

    /// Also write bundles to this folder, as TEAM/PERSON/{ca.pem,cert.pem,key.pem,env}
    #[arg(long, value_name = "FOLDER")]
    pub(super) bundle_dir: Option<PathBuf>,

    /// Replace other certificates in the folders of the bundles
    #[arg(long)]
    pub(super) force: bool,
}

/// How much is done.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Changes")]
pub(in crate::cli) struct DoingArguments {
    /// Change nothing: name the objects (client), or have the API server check them (server, Kubernetes 1.13 or
    /// newer)
    #[arg(
        long,
        value_name = "WHERE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "client",
        conflicts_with = "diff"
    )]
    pub(super) dry_run: Option<DryRun>,

    /// Change nothing, and show the changes as a unified diff
    #[arg(long)]
    pub(super) diff: bool,

    /// Take over objects of the same names that somebody else made, and move release records from ConfigMaps to Secrets.
    /// Namespaces get pod-security labels
    #[arg(long)]
    pub(super) adopt: bool,

    /// Do not wait until Tiller is ready
    #[arg(long)]
    pub(super) no_wait: bool,

    /// How long to wait until Tiller is ready
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub(super) timeout: Duration,
}

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Output {
    /// One YAML document per object
    Yaml,
    /// A JSON List
    Json,
}

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum DryRun {
    /// Without a request that would write
    Client,
    /// By requests that the API server checks and does not store
    Server,
}

// === impl MakeArguments ===

impl MakeArguments {
    /// Whether a file names the teams.
    pub(super) fn is_file(&self) -> bool {
        self.file.is_some()
    }

    /// Which teams are meant, as far as that is known before the cluster is asked.
    pub(super) fn about(&self) -> About<'_> {
        self.team.as_deref().map_or(About::Many, About::One)
    }

    /// The teams, examined. An option that is left out keeps what a team of the session has.
    pub(super) fn teams(
        &self,
        settings: &Settings,
        session: Option<&Session<'_>>,
    ) -> anyhow::Result<Vec<CheckedTeam>> {
        let mut specs = if let Some(path) = &self.file {
            read_teams(path)?
        } else {
            let name = self.team.as_deref().unwrap_or_default();
            let stored = session.and_then(|session| session.spec(name).ok());
            vec![self.one.spec(name, stored, session.is_some())?]
        };
        for spec in &mut specs {
            self.shared.place(spec);
        }
        examined(specs, settings)
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
        anyhow!("the file of teams is invalid:\n{lines}")
    })
}

// === impl SharedArguments ===

impl From<PlaceArguments> for SharedArguments {
    /// For who changes nothing, and needs none of the others.
    fn from(place: PlaceArguments) -> Self {
        Self {
            place,
            cluster_domain: None,
            certificates: CertificateArguments::default(),
            policy: PolicyArguments::default(),
        }
    }
}

impl SharedArguments {
    /// The settings of the rules.
    pub(super) fn settings(&self) -> anyhow::Result<Settings> {
        let policy = self
            .policy
            .clone()
            .in_force(super::super::policy_options::now())?;
        Ok(policy.settings)
    }

    /// Says of a team what is the same for all.
    pub(super) fn place(&self, spec: &mut TeamSpec) {
        spec.guard_namespace.clone_from(&self.place.guard_namespace);
        if let Some(domain) = &self.cluster_domain {
            spec.cluster_domain.clone_from(domain);
        }
    }
}

// === impl CertificateArguments ===

impl Default for CertificateArguments {
    fn default() -> Self {
        Self {
            ca_dir: None,
            ca_days: CA_DAYS,
            server_days: SERVER_DAYS,
            client_days: CLIENT_DAYS,
            bundle_dir: None,
            force: false,
        }
    }
}

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
            ca: days(self.ca_days),
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
}
