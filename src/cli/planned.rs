//! The installation that is meant, from options.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::duration::duration;
use super::output::report_apis;
use super::policy_options::{bad_policy, now, read_policy};
use crate::cluster::Cluster;
use crate::cluster::apply::{Effect, Expects, Writer};
use crate::cluster::install::other_installation;
use crate::config::{self, Rejected};
use crate::installation::{self, Installation, OWNER_LABELS, Platform};
use crate::k8s::webhook_configuration::HAS_SERVICE_PORT;
use crate::policy::{Mode, Policy};
use crate::report::ReportApi;

/// How many seconds there may be between two audits.
const AUDIT_INTERVAL: RangeInclusive<u32> = 1..=31_536_000;

/// The options that say how an installation is reached: what `install` writes, and what `doctor` compares with.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Installation")]
pub(super) struct PlanArguments {
    /// Namespace of tiller-guard
    #[arg(long, short, value_name = "NAME", default_value = installation::NAMESPACE)]
    pub(super) namespace: String,

    /// Port of the Service; before Kubernetes 1.15 it must be 443
    #[arg(long, value_name = "PORT", default_value_t = installation::SERVICE_PORT, value_parser = clap::value_parser!(u16).range(1..))]
    service_port: u16,

    /// On AKS: keep kube-system in the webhook configurations
    #[arg(long)]
    aks: bool,

    /// Put the pods on their nodes' network, if the API server reaches no other (EKS with another network plugin)
    #[arg(long)]
    host_network: bool,

    /// Have the pods write webhook configurations that somebody edited or deleted back as they were installed
    #[arg(long)]
    restore_webhooks: bool,

    /// Have one of the pods audit what already runs, this long after the last audit, and show the findings as metrics
    #[arg(long, value_name = "DURATION", value_parser = audit_interval)]
    audit_interval: Option<u32>,

    /// Have that pod write the findings into the cluster too: report (objects of openreports.io) or policyreport (wgpolicyk8s.io)
    #[arg(long, value_name = "API", requires = "audit_interval", value_parser = report_apis())]
    audit_reports: Option<ReportApi>,

    /// Port on which the pods answer reviews
    #[arg(long, value_name = "PORT", default_value_t = installation::REVIEW_PORT, value_parser = clap::value_parser!(u16).range(1024..))]
    review_port: u16,

    /// Port of the pods' health and metrics
    #[arg(long, value_name = "PORT", default_value_t = installation::HEALTH_PORT, value_parser = clap::value_parser!(u16).range(1024..))]
    health_port: u16,
}

/// The options that say what is installed, beside those.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Installation")]
pub(super) struct ContentArguments {
    /// Image of tiller-guard
    #[arg(long, value_name = "REFERENCE", default_value = installation::IMAGE, value_parser = config::image)]
    image: String,

    /// Number of pods
    #[arg(long, value_name = "COUNT", default_value_t = installation::REPLICAS, value_parser = clap::value_parser!(u16).range(1..=32))]
    replicas: u16,

    /// Policy file to install [default: the installed one; at first mode enforce, or audit if there are Tillers]
    #[arg(long, value_name = "FILE")]
    pub(super) policy: Option<PathBuf>,

    /// Set the mode of the installed policy, or of the first one
    #[arg(long, value_name = "MODE", conflicts_with = "policy", value_parser = modes())]
    pub(super) mode: Option<Mode>,

    /// Renew the certificates of teams every Monday: a CronJob with a service account of its own, which may write Tillers'
    /// certificates
    #[arg(long)]
    renew_certificates: bool,
}

/// A policy, with the text that it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WrittenPolicy {
    pub(super) text: String,
    pub(super) policy: Policy,
}

impl Default for ContentArguments {
    fn default() -> Self {
        Self {
            image: installation::IMAGE.to_owned(),
            replicas: installation::REPLICAS,
            policy: None,
            mode: None,
            renew_certificates: false,
        }
    }
}

impl Default for WrittenPolicy {
    fn default() -> Self {
        Self::of_mode(Mode::default())
    }
}

// === impl WrittenPolicy ===

impl WrittenPolicy {
    /// A policy with nothing but its mode.
    pub(super) fn of_mode(mode: Mode) -> Self {
        let text = installation::POLICY.replace(Mode::default().as_str(), mode.as_str());
        let mut policy = Policy::default();
        policy.modes.default = mode;
        Self { text, policy }
    }

    /// Reads a policy file. Expired exceptions are ignored.
    pub(super) fn read(text: String) -> Result<Self, Rejected> {
        let policy = match config::read(text.as_bytes(), now()) {
            Ok(policy) => policy,
            Err(mut rejected) => match rejected.without_expired.take() {
                Some(policy) => *policy,
                None => return Err(rejected),
            },
        };
        Ok(Self { text, policy })
    }

    /// Reads a policy file, which must be valid.
    pub(super) fn of_file(path: &Path) -> anyhow::Result<Self> {
        let contents = read_policy(path)?;
        let policy =
            config::read(&contents, now()).map_err(|rejected| bad_policy(path, &rejected))?;
        let text = String::from_utf8(contents).context("the policy file is not UTF-8")?;
        Ok(Self { text, policy })
    }

    /// Whether it refuses a Tiller in a protected namespace.
    pub(super) fn enforces(&self) -> bool {
        !matches!(
            self.policy.modes.of(Some("default")),
            Mode::Audit | Mode::Warn
        )
    }
}

/// Reads the time between two audits, in whole seconds.
fn audit_interval(text: &str) -> Result<u32, String> {
    let seconds = u32::try_from(duration(text)?.as_secs()).ok();
    let allowed = seconds.filter(|seconds| AUDIT_INTERVAL.contains(seconds));
    allowed.ok_or_else(|| "expected 1s to 365d".to_owned())
}

fn modes() -> impl TypedValueParser<Value = Mode> {
    PossibleValuesParser::new(Mode::ALL.map(Mode::as_str))
        .try_map(|name| Mode::find(&name).context("no mode"))
}

impl PlanArguments {
    /// The options of a standard installation in this namespace.
    pub(super) fn standard(namespace: String) -> Self {
        Self {
            namespace,
            service_port: installation::SERVICE_PORT,
            aks: false,
            host_network: false,
            restore_webhooks: false,
            audit_interval: None,
            audit_reports: None,
            review_port: installation::REVIEW_PORT,
            health_port: installation::HEALTH_PORT,
        }
    }

    /// What should be there, for Kubernetes 1.`minor`.
    pub(super) fn plan(
        self,
        minor: u16,
        content: ContentArguments,
        policy: WrittenPolicy,
    ) -> anyhow::Result<Installation> {
        let ContentArguments {
            image,
            replicas,
            policy: _,
            mode: _,
            renew_certificates,
        } = content;
        let Self {
            namespace,
            service_port,
            aks,
            host_network,
            restore_webhooks,
            audit_interval,
            audit_reports,
            review_port,
            health_port,
        } = self;
        if minor < HAS_SERVICE_PORT && service_port != installation::SERVICE_PORT {
            bail!(
                "--service-port={service_port} does not work with Kubernetes 1.{minor}: before 1.{HAS_SERVICE_PORT} the \
                 API server reaches webhooks on port {} only",
                installation::SERVICE_PORT
            );
        }
        anyhow::ensure!(
            review_port != health_port,
            "--review-port and --health-port are both {review_port}; give two ports"
        );
        let WrittenPolicy { text, policy } = policy;
        Ok(Installation {
            minor,
            namespace,
            image,
            replicas,
            service_port,
            policy: text,
            account_patterns: policy.settings.account_patterns,
            certificate_secret: policy.settings.certificate_secret,
            ca_bundle: None,
            renew_certificates,
            place: Platform {
                aks,
                host_network,
                restore_webhooks,
                audit_interval,
                audit_reports,
                review_port,
                health_port,
                user: policy.settings.run_as_user,
            },
        })
    }
}

/// Fails where tiller-guard is installed in another namespace: its webhook configurations and its cluster's objects have
/// the same names. `moves` if it could be installed here once it is removed there.
pub(super) async fn only_here(
    cluster: &Cluster,
    namespace: &str,
    moves: bool,
) -> anyhow::Result<()> {
    let other = other_installation(cluster, namespace).await;
    let Some(other) = other.context("cannot get the webhook configurations")? else {
        return Ok(());
    };
    let removal = if moves {
        format!(", or remove it there first: tiller-guard uninstall -n {other}")
    } else {
        String::new()
    };
    bail!("tiller-guard is installed in the namespace {other}: pass -n {other}{removal}");
}

/// Writes the objects of an installation.
pub(super) fn writer(cluster: &Cluster, adopt: bool, effect: Effect) -> Writer {
    Writer {
        cluster: cluster.clone(),
        owner: &OWNER_LABELS,
        adopt,
        effect,
        expects: Expects::Present,
    }
}
