//! `tiller-guard audit`: every Tiller of a cluster, or of a dump of one.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use super::exit::{Exit, kept};
use super::output::{OutputArguments, Written};
use super::planned::{ContentArguments, PlanArguments, WrittenPolicy};
use super::policy_options::{PolicyArguments, now};
use super::reach::{ReachArguments, connect_patiently, on_runtime};
use crate::audit::{Audit, AuditReport, Basis, Extent, page, write_text};
use crate::cluster::audit::{Place, guard, installed_policy, take};
use crate::cluster::install::has_namespace;
use crate::installation;
use crate::offline::dump;
use crate::offline::files::sources;
use crate::policy::Timestamp;
use crate::report::{Issues, Page, Style};

/// Audit every Tiller of a cluster: what it does, what it can reach, who can reach it, and what the guard does next
///
/// Exit with 1 if something is wrong, and with 3 if something could not be looked at
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Audit this namespace only
    #[arg(long, short, value_name = "NAMESPACE")]
    namespace: Option<String>,

    /// Audit all namespaces, which is the default
    #[arg(long, short = 'A', conflicts_with = "namespace")]
    all_namespaces: bool,

    /// Audit the output of `kubectl get … -A -o yaml` instead of a cluster; - reads standard input (repeatable)
    #[arg(long = "filename", short = 'f', value_name = "FILE", conflicts_with_all = ["kubeconfig", "context"])]
    filenames: Vec<PathBuf>,

    /// Namespace of tiller-guard, which holds its policy and the teams
    #[arg(long, value_name = "NAMESPACE", default_value = installation::NAMESPACE)]
    guard_namespace: String,

    #[command(flatten)]
    output: OutputArguments,

    #[command(flatten)]
    policy: PolicyArguments,

    #[command(flatten)]
    reach: ReachArguments,
}

/// A report, and when it was made.
#[derive(Serialize)]
#[serde(transparent)]
struct Audited {
    report: AuditReport,
    #[serde(skip)]
    now: Timestamp,
}

impl Written for Audited {
    fn write_text(&self, style: Style, out: &mut dyn Write) -> io::Result<()> {
        write_text(&self.report, self.now, style, out)
    }

    fn issues(&self) -> Issues<'_> {
        self.report.issues()
    }

    fn page(&self) -> Page<'_> {
        page(&self.report, self.now)
    }
}

/// Audits.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    arguments.output.check()?;
    if arguments.filenames.is_empty() {
        on_runtime(of_cluster(arguments))
    } else {
        of_dump(arguments)
    }
}

async fn of_cluster(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments {
        namespace,
        all_namespaces: _,
        filenames: _,
        guard_namespace,
        output,
        policy,
        reach,
    } = arguments;
    let cluster = match connect_patiently(reach).await? {
        Ok(cluster) => cluster,
        Err(exit) => return Ok(exit),
    };
    let now = now();
    let installed_policy = if policy.names_file() {
        Ok(None)
    } else {
        installed_policy(&cluster, &guard_namespace).await
    };
    let unread = installed_policy.as_ref().err().cloned();
    let text = installed_policy.ok().flatten();
    let basis = basis(text.as_deref(), policy, namespace.clone(), now)?;
    let minor = cluster.version().known_minor();
    let plan = PlanArguments::standard(guard_namespace.clone());
    let mut installed = plan.plan(minor, ContentArguments::default(), WrittenPolicy::default())?;
    installed
        .account_patterns
        .clone_from(&basis.policy.settings.account_patterns);
    let mut audit = Audit::new(basis, Some(minor));
    if let Some(failure) = unread {
        audit.unseen("installed policy".to_owned(), failure);
    }
    let place = Place {
        namespace: namespace.as_deref(),
        guard: &guard_namespace,
        extent: Extent::Whole,
    };
    take(&cluster, place, &mut audit).await;
    if let Some(namespace) = &namespace
        // Who may not get namespaces may still list what is in one.
        && let Ok(false) = has_namespace(&cluster, namespace).await
    {
        let reason = "there is no such namespace".to_owned();
        audit.unseen(format!("Namespace {namespace}"), reason);
    }
    let guard = guard(&cluster, &installed, &mut audit).await;
    finish(audit.report(Some(guard)), now, &output)
}

/// What to judge by: the policy file that is named, else the text of the installed policy, else the default.
fn basis(
    installed: Option<&str>,
    policy: PolicyArguments,
    namespace: Option<String>,
    now: Timestamp,
) -> anyhow::Result<Basis> {
    let (policy, origin) = match installed {
        Some(text) => {
            let installed = policy.on_top_of(text.as_bytes(), now);
            let context = "the installed policy is invalid; pass a valid one with --policy";
            (installed.context(context)?, "installed")
        }
        None if policy.names_file() => (policy.resolve(now)?, "file"),
        None => (policy.resolve(now)?, "default"),
    };
    Ok(Basis {
        policy,
        origin,
        now,
        namespace,
    })
}

fn of_dump(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments {
        namespace,
        all_namespaces: _,
        filenames,
        guard_namespace: _,
        output,
        policy,
        reach: _,
    } = arguments;
    let now = now();
    let origin = if policy.names_file() {
        "file"
    } else {
        "default"
    };
    let basis = Basis {
        policy: policy.resolve(now)?,
        origin,
        now,
        namespace,
    };
    let mut audit = Audit::new(basis, None);
    dump::take(sources(filenames), &mut audit);
    finish(audit.report(None), now, &output)
}

fn finish(report: AuditReport, now: Timestamp, output: &OutputArguments) -> anyhow::Result<Exit> {
    let exit = if !report.unknown.is_empty() {
        Exit::Unreadable
    } else if report.has_findings() {
        Exit::Findings
    } else {
        Exit::Clean
    };
    kept(output.write(&Audited { report, now }), exit)
}
