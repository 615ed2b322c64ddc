//! `tiller-guard install`: everything that runs in a cluster, applied and proven.
//!
//! The registrations come last, once there are pods that answer: before Kubernetes 1.28 every pod that is made waits for
//! an answer from then on.

use std::io::{self, Write as _};
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use similar::TextDiff;
use tokio::time::{Instant, sleep};

use super::Exit;
use super::doctor::{exit, print_text};
use super::planned::{ContentArguments, PlanArguments, enforces, policy_in, writer};
use super::reach::{ReachArguments, connect, on_runtime};
use super::seconds::seconds;
use super::waiting;
use crate::cluster::Cluster;
use crate::cluster::apply::{Applied, Change, Desired, Effect, Foreign, Writer};
use crate::cluster::doctor::{Health, examine};
use crate::cluster::install::{self, Rollout};
use crate::installation::Installation;
use crate::manifest::to_yaml;

/// How often the pods are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Install tiller-guard into a cluster, or update it; wait, and prove that it refuses an unhardened Tiller
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Print the objects instead of applying them
    #[arg(long, short, value_name = "FORMAT", conflicts_with_all = ["dry_run", "diff", "adopt"])]
    output: Option<Format>,

    /// With --output: print for this version of Kubernetes, without a cluster
    #[arg(long, value_name = "1.MINOR", requires = "output", value_parser = minor)]
    kubernetes: Option<u16>,

    /// Show what would change, and change nothing; `server` has the API server check it (Kubernetes 1.13 or newer)
    #[arg(long, value_name = "WHERE", num_args = 0..=1, require_equals = true, default_missing_value = "client")]
    dry_run: Option<DryRun>,

    /// Show the changes of existing objects as a unified diff
    #[arg(long)]
    diff: bool,

    /// Take over existing objects of these names that tiller-guard did not make
    #[arg(long)]
    adopt: bool,

    /// How long to wait until the pods are ready and an unhardened Tiller is refused; 0 does not wait
    #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = seconds)]
    wait: Duration,

    #[command(flatten)]
    plan: PlanArguments,

    #[command(flatten)]
    content: ContentArguments,

    #[command(flatten)]
    reach: ReachArguments,
}

/// How objects are printed.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// YAML documents, for `kubectl apply -f -`
    Yaml,
    /// A JSON List
    Json,
}

/// Who tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DryRun {
    /// Compare with the objects in the cluster
    Client,
    /// Have the API server check the objects, without storing them
    Server,
}

impl DryRun {
    /// What is written.
    pub(super) fn effect(given: Option<Self>) -> Effect {
        match given {
            None => Effect::Write,
            Some(Self::Client) => Effect::Look,
            Some(Self::Server) => Effect::ServerDryRun,
        }
    }
}

/// Installs, or prints.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    if let (Some(format), Some(minor)) = (arguments.output, arguments.kubernetes) {
        let planned = arguments.plan.plan(minor, arguments.content)?;
        print(format, &planned.objects())?;
        return Ok(Exit::Clean);
    }
    on_runtime(install(arguments))
}

async fn install(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments {
        output,
        kubernetes: _,
        dry_run,
        diff,
        adopt,
        wait,
        plan,
        content,
        reach,
    } = arguments;
    let cluster = match connect(reach).await? {
        Ok(cluster) => cluster,
        Err(exit) => return Ok(exit),
    };
    let mut planned = plan.plan(cluster.version().minor, content)?;
    if let Some(format) = output {
        let mut objects = planned.foundation();
        objects.extend(install::registrations(&cluster, &planned).await?);
        print(format, &objects)?;
        return Ok(Exit::Clean);
    }
    let effect = DryRun::effect(dry_run);
    if let Err(error) = effect.check(&cluster) {
        writeln!(io::stderr(), "error: {error}")?;
        return Ok(Exit::Unreachable);
    }
    let writer = writer(&cluster, adopt, effect);
    if effect == Effect::Write && install::label_system(&cluster).await? {
        writeln!(io::stdout(), "labelled  Namespace kube-system")?;
    }
    apply(&writer, planned.foundation_over_another(), diff).await?;
    let end = Instant::now() + wait;
    let waits = effect == Effect::Write && !wait.is_zero();
    if waits && !pods_are_ready(&cluster, &planned.namespace, end).await? {
        writeln!(
            io::stderr(),
            "timed out waiting for the pods; the webhook configurations were not changed: look at the pods, then run this again"
        )?;
        return Ok(Exit::TimedOut);
    }
    planned.ca_bundle = install::bundle(&cluster, &planned.namespace).await?;
    let mut registrations = install::registrations(&cluster, &planned).await?;
    install::let_belong(&cluster, &planned.namespace, &mut registrations).await?;
    apply(&writer, registrations.to_vec(), diff).await?;
    if effect == Effect::Write {
        waiting::print(&cluster, &policy_in(&planned.policy)).await?;
    }
    if !waits {
        return Ok(Exit::Clean);
    }
    prove(&cluster, &planned, end).await
}

async fn apply(writer: &Writer, objects: Vec<Value>, diff: bool) -> anyhow::Result<()> {
    for object in objects {
        let foreign = match object.get("kind").and_then(Value::as_str) {
            Some("Namespace") if !writer.adopt => Foreign::Leave,
            _ => Foreign::Refuse,
        };
        let desired = Desired { object, foreign };
        let applied = writer.apply(&desired).await?;
        tell(&applied, &desired.object, diff)?;
    }
    Ok(())
}

async fn pods_are_ready(cluster: &Cluster, namespace: &str, end: Instant) -> anyhow::Result<bool> {
    writeln!(io::stdout(), "waiting for the pods")?;
    loop {
        let rollout = Rollout::look(cluster, namespace).await?;
        if rollout.is_some_and(Rollout::is_done) {
            return Ok(true);
        }
        if Instant::now() >= end {
            return Ok(false);
        }
        sleep(LOOK).await;
    }
}

/// Lets the doctor look until all is good: an API server learns of a registration within a second or so.
async fn prove(cluster: &Cluster, planned: &Installation, end: Instant) -> anyhow::Result<Exit> {
    let enforces = enforces(&policy_in(&planned.policy));
    loop {
        let checks = examine(cluster, planned, enforces).await;
        let bad = checks.iter().any(|it| it.health == Health::Bad);
        if bad && Instant::now() < end {
            sleep(LOOK).await;
            continue;
        }
        print_text(&checks)?;
        return Ok(exit(&checks));
    }
}

fn tell(applied: &Applied, desired: &Value, diff: bool) -> anyhow::Result<()> {
    let Applied { object, change } = applied;
    writeln!(io::stdout(), "{:<9} {object}", change.as_str())?;
    if let (true, Change::Updated { before }) = (diff, change) {
        let (before, after) = (to_yaml(before), to_yaml(desired));
        let changes = TextDiff::from_lines(&before, &after);
        let name = object.to_string();
        let mut unified = changes.unified_diff();
        write!(io::stdout(), "{}", unified.header(&name, &name))?;
    }
    Ok(())
}

fn print(format: Format, objects: &[Value]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match format {
        Format::Json => {
            let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects });
            writeln!(out, "{}", serde_json::to_string_pretty(&list)?)?;
        }
        Format::Yaml => {
            for (index, object) in objects.iter().enumerate() {
                if index > 0 {
                    writeln!(out, "---")?;
                }
                write!(out, "{}", to_yaml(object))?;
            }
        }
    }
    Ok(())
}

fn minor(text: &str) -> Result<u16, String> {
    let minor = text.trim_start_matches('v').strip_prefix("1.");
    let minor = minor.and_then(|rest| rest.split('.').next()?.parse().ok());
    minor
        .filter(|minor| *minor >= 10)
        .context("expected Kubernetes 1.10 or newer, such as 1.30")
        .map_err(|error| error.to_string())
}
