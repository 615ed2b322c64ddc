//! `tiller-guard doctor`: whether an installation holds, or could be made.

use std::io::{self, Write as _};
use std::time::Duration;

use anyhow::bail;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::Exit;
use super::duration::duration;
use super::exit::of_cluster;
use super::install::tillers::Prospects;
use super::planned::{ContentArguments, PlanArguments, WrittenPolicy};
use super::reach::{ReachArguments, connect, on_runtime};
use crate::cluster::Cluster;
use crate::cluster::doctor::{Check, Health, before, examine};
use crate::cluster::install::{other_installation, policy_text};
use crate::config::Rejected;
use crate::installation::{Installation, POLICY_FILE};

/// How often it looks again.
const LOOK: Duration = Duration::from_secs(1);

/// Check whether an installation works, and what to do if it does not
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Check whether tiller-guard can be installed
    #[arg(long)]
    pre: bool,

    /// How long to wait until all checks are good
    #[arg(long, alias = "wait", value_name = "DURATION", value_parser = duration)]
    timeout: Option<Duration>,

    /// Output format
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    output: Format,

    #[command(flatten)]
    plan: PlanArguments,

    #[command(flatten)]
    reach: ReachArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One line per check, and what to do
    Text,
    /// JSON for programs
    Json,
}

/// Looks, and tells.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    of_cluster(on_runtime(look(arguments)))
}

async fn look(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments {
        pre,
        timeout,
        output,
        plan,
        reach,
    } = arguments;
    let end = timeout.map(|timeout| Instant::now() + timeout);
    let cluster = match connect(reach).await? {
        Ok(cluster) => cluster,
        Err(exit) => return Ok(exit),
    };
    // If the user has no right to read them, the checks below report that.
    if let Ok(Some(other)) = other_installation(&cluster, &plan.namespace).await {
        bail!("tiller-guard is installed in the namespace {other}: pass -n {other}");
    }
    let mut planned = plan.plan(
        cluster.version().known_minor(),
        ContentArguments::default(),
        WrittenPolicy::default(),
    )?;
    loop {
        let (installed, faulty) = installed_policy(&cluster, &mut planned).await;
        let is_first = installed.is_none();
        let is_missing = is_first && !pre;
        let faulty = faulty.or_else(|| is_missing.then(|| missing_policy(&planned.namespace)));
        let policy = installed.unwrap_or_default();
        let mut checks = if pre {
            let administrators = &policy.policy.settings.administrators;
            let mut checks = before(&cluster, &planned, administrators).await;
            checks.push(tillers(&cluster, &planned, policy, is_first).await);
            checks
        } else {
            examine(&cluster, &planned, policy.enforces()).await
        };
        checks.extend(faulty);
        let bad = checks.iter().any(|check| check.health == Health::Bad);
        let late = end.is_none_or(|end| Instant::now() >= end);
        if bad && !late {
            sleep(LOOK).await;
            continue;
        }
        match output {
            Format::Text => print_text(&checks)?,
            Format::Json => print_json(&checks)?,
        }
        return Ok(match (exit(&checks), end) {
            (Exit::Findings, Some(_)) => Exit::TimedOut,
            (exit, _) => exit,
        });
    }
}

/// The Tillers in the cluster, and what enforcement would do to them. `is_first` if no policy is installed.
async fn tillers(
    cluster: &Cluster,
    planned: &Installation,
    policy: WrittenPolicy,
    is_first: bool,
) -> Check {
    let enforces = policy.enforces();
    let found = Prospects::of(cluster, &planned.namespace, policy.policy).await;
    let (health, message, hint) = if found.is_empty() {
        (Health::Good, "there are no Tillers".to_owned(), None)
    } else if !found.is_complete() {
        let hint = "use an account that may list workloads, roles, bindings and release records";
        let hint = found.lacks_rights().then_some(hint);
        (Health::Unknown, found.lines().join("\n"), hint)
    } else if found.are_allowed() {
        let hint = "enforcement refuses none of them: install with --mode enforce";
        (Health::Good, found.lines().join("\n"), Some(hint))
    } else {
        let hint = match (is_first, enforces) {
            (true, _) => {
                "the first install starts with mode audit, which refuses none; enforce once they are fixed"
            }
            (false, true) => "the installed policy enforces: fix them before their pods restart",
            (false, false) => "the installed policy refuses none; enforce once they are fixed",
        };
        (Health::Doubtful, found.lines().join("\n"), Some(hint))
    };
    Check {
        id: "tillers",
        health,
        message,
        cause: None,
        hint: hint.map(ToOwned::to_owned),
    }
}

/// Reads the installed policy, and takes from it what the installation needs. One that is not valid is a check that
/// fails, and the standard policy stands for it. None if there is none.
async fn installed_policy(
    cluster: &Cluster,
    planned: &mut Installation,
) -> (Option<WrittenPolicy>, Option<Check>) {
    let namespace = &planned.namespace;
    let (written, faulty) = match policy_text(cluster, namespace).await {
        Ok(None) => return (None, None),
        Ok(Some(text)) => match WrittenPolicy::read(text) {
            Ok(written) => (written, None),
            Err(rejected) => {
                let faulty = invalid_policy(namespace, &rejected);
                (WrittenPolicy::default(), Some(faulty))
            }
        },
        Err(error) => {
            let right = format!("get ConfigMap {namespace}/{POLICY_FILE}");
            let unread = Check::unread("policy", &right, &error);
            (WrittenPolicy::default(), Some(unread))
        }
    };
    let settings = &written.policy.settings;
    planned.place.user = settings.run_as_user;
    planned
        .account_patterns
        .clone_from(&settings.account_patterns);
    (Some(written), faulty)
}

/// The pods that run keep the policy that they have read. None can start without it.
fn missing_policy(namespace: &str) -> Check {
    Check {
        id: "policy",
        health: Health::Bad,
        message: format!(
            "there is no policy.yaml in ConfigMap {namespace}/{POLICY_FILE}: pods that restart cannot read the policy"
        ),
        cause: None,
        hint: Some(
            "run tiller-guard install --policy FILE, or --mode MODE with the mode that it had"
                .to_owned(),
        ),
    }
}

fn invalid_policy(namespace: &str, rejected: &Rejected) -> Check {
    let lines = rejected.lines("policy.yaml").replace('\n', "\n      ");
    Check {
        id: "policy",
        health: Health::Bad,
        message: format!(
            "the policy in ConfigMap {namespace}/tiller-guard-policy is invalid\n      {lines}"
        ),
        cause: None,
        hint: Some("correct it, or run tiller-guard install --policy FILE".to_owned()),
    }
}

/// What checks say together: one that is bad outweighs one that could not be looked at.
pub(super) fn exit(checks: &[Check]) -> Exit {
    match checks.iter().map(|check| check.health).max() {
        Some(Health::Bad) => Exit::Findings,
        Some(Health::Unknown) => Exit::Unreachable,
        Some(Health::Good | Health::Doubtful) | None => Exit::Clean,
    }
}

/// Prints checks for people.
pub(super) fn print_text(checks: &[Check]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for check in checks {
        let sign = match check.health {
            Health::Good => '✓',
            Health::Doubtful | Health::Unknown => '‼',
            Health::Bad => '✗',
        };
        writeln!(out, "{sign} {}: {}", check.id, check.message)?;
        if let Some(hint) = &check.hint {
            writeln!(out, "    {hint}")?;
        }
    }
    Ok(())
}

fn print_json(checks: &[Check]) -> anyhow::Result<()> {
    let checks: Vec<Value> = checks
        .iter()
        .map(|check| {
            json!({
                "check": check.id,
                "status": check.health.as_str(),
                "message": check.message,
                "cause": check.cause,
                "hint": check.hint,
            })
        })
        .collect();
    let all = json!({ "checks": checks });
    writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&all)?)?;
    Ok(())
}
