//! `tiller-guard releases move`.

use std::io::{self, Write as _};
use std::time::Duration;

use anyhow::anyhow;
use clap::{Args, ValueEnum};

use super::super::Exit;
use super::super::duration::duration;
use super::super::interrupt::unless_interrupted;
use super::super::reach::{ReachArguments, connect_patiently, on_runtime};
use super::place::{BUSY, error, namespace_in, waits};
use super::show::StorageArgument;
use crate::cluster::Cluster;
use crate::cluster::apply::Effect;
use crate::cluster::releases::{ListError, Move, MoveError, Moved};

/// How long it may take to look at what an interrupted move leaves.
pub(super) const LOOK: Duration = Duration::from_secs(5);

/// Move the release records of one Tiller to Secrets, or back to ConfigMaps
///
/// Stop Tiller, copy its records, compare the copies, hide the old records from Tiller, start Tiller with the other
/// storage, and delete the old records once it is ready. A run that was interrupted is finished by running it again, and
/// undone by moving the other way.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Where the records go
    #[arg(long, value_name = "STORAGE")]
    to: StorageArgument,

    /// The Tiller's namespace [default: the context's]
    #[arg(long, short, value_name = "NAMESPACE")]
    namespace: Option<String>,

    /// Keep the old records, labelled OWNER=MOVED, which Tiller does not find
    #[arg(long)]
    keep: bool,

    /// Move pending releases too; without it, they are an error
    #[arg(long)]
    allow_pending: bool,

    /// Only read the cluster, and report each step that would be done
    #[arg(long, value_name = "HOW", num_args = 0..=1, default_missing_value = "client", require_equals = true)]
    dry_run: Option<DryRun>,

    /// How long Tiller may take to stop, and to be ready
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    timeout: Duration,

    #[command(flatten)]
    reach: ReachArguments,
}

/// How nothing is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DryRun {
    /// Write nothing
    Client,
    /// Also let the API server check what would be written, and store nothing
    Server,
}

/// Moves.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    on_runtime(moved(arguments))
}

async fn moved(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments {
        to,
        namespace,
        keep,
        allow_pending,
        dry_run,
        timeout,
        reach,
    } = arguments;
    let cluster = match connect_patiently(reach).await? {
        Ok(cluster) => cluster,
        Err(exit) => return Ok(exit),
    };
    let plan = Move {
        namespace: namespace_in(&cluster, namespace.as_deref()),
        to: to.into(),
        keep,
        allow_pending,
        switches: true,
        timeout,
        waits,
    };
    if dry_run == Some(DryRun::Server)
        && let Err(unable) = Effect::ServerDryRun.check(&cluster)
    {
        error(unable)?;
        return Ok(Exit::Failed);
    }
    let done = match unless_interrupted(done(&plan, &cluster, dry_run)).await {
        Ok(done) => done,
        Err(exit) => {
            error(halfway(&plan, &cluster, dry_run).await)?;
            return Ok(exit);
        }
    };
    match done {
        Ok(is_moved) => {
            if is_moved && dry_run.is_none() {
                say(&format!(
                    "done; undo it with: tiller-guard releases move --to {} -n {}",
                    plan.to.other().as_str(),
                    plan.namespace
                ));
            }
            Ok(Exit::Clean)
        }
        Err(failed) => {
            let (exit, told) = unmoved(failed, &plan);
            error(told)?;
            Ok(exit)
        }
    }
}

/// What an interrupted move leaves.
async fn halfway(plan: &Move, cluster: &Cluster, dry_run: Option<DryRun>) -> String {
    if dry_run.is_some() {
        return "interrupted; nothing was changed".to_owned();
    }
    let namespace = &plan.namespace;
    let tiller = match tokio::time::timeout(LOOK, plan.has_stopped(cluster)).await {
        Ok(Ok(true)) => "Tiller is stopped, and ",
        Ok(Ok(false)) => "",
        Ok(Err(_)) | Err(_) => "Tiller may be stopped, and ",
    };
    format!(
        "interrupted: {tiller}no record is lost; run this again to go on, or undo it with: tiller-guard releases move --to {} \
         -n {namespace}",
        plan.to.other().as_str()
    )
}

/// Does it, or what a dry run does. False if nothing was to be done.
async fn done(plan: &Move, cluster: &Cluster, dry_run: Option<DryRun>) -> Result<bool, MoveError> {
    let tried = match dry_run {
        None => "",
        Some(DryRun::Client) => " (dry run)",
        Some(DryRun::Server) => " (server dry run)",
    };
    let (mut is_moved, mut is_empty) = (false, false);
    let tell = |moved| {
        is_empty |= moved == Moved::Nothing;
        is_moved |= !matches!(
            moved,
            Moved::Planned { .. } | Moved::Migrated(_) | Moved::Nothing | Moved::Answers
        );
        say(&format!("{}{tried}", told(&moved, plan)));
    };
    match dry_run {
        None => plan.run(cluster, tell).await?,
        Some(how) => plan.plan(cluster, how == DryRun::Server, tell).await?,
    }
    if dry_run.is_none() && !is_moved && !is_empty {
        let to = plan.to.as_str();
        say(&format!("nothing was to be done: every record is in {to}"));
    }
    Ok(is_moved)
}

/// Prints progress. A closed output does not stop the work halfway.
fn say(line: &str) {
    writeln!(io::stdout(), "{line}").ok();
}

/// One line about what was done.
pub(in crate::cli) fn told(moved: &Moved, plan: &Move) -> String {
    let namespace = plan.namespace.as_str();
    let (from, to) = (plan.to.other().as_str(), plan.to.as_str());
    let count = |number: &usize| match number {
        1 => "1 record".to_owned(),
        number => format!("{number} records"),
    };
    match moved {
        Moved::Planned {
            records,
            aside,
            others,
            tiller,
        } => {
            let records = format!(
                "{} in {from} of {namespace} to move to {to}",
                count(records)
            );
            let aside =
                (*aside > 0).then(|| format!("{} set aside by an earlier run", count(aside)));
            let others =
                (*others > 0).then(|| format!("{} only in {to} stay as they are", count(others)));
            let nobody = (!tiller).then(|| {
                format!(
                    "there is no Deployment {namespace}/tiller-deploy to stop or switch: stop every Tiller of this \
                     namespace yourself"
                )
            });
            let parts = [Some(records), aside, others, nobody];
            parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
        }
        Moved::Migrated(number) => format!(
            "{} of releases that Helm 3 has now stay set aside in {from}; `tiller-guard releases restore` gives a release back \
             into the storage that Tiller reads",
            count(number)
        ),
        Moved::Nothing => {
            format!("no release is recorded in {namespace}: nothing was changed")
        }
        Moved::Stopped => format!("stopped Deployment {namespace}/tiller-deploy"),
        Moved::Copied(number) => format!("copied {} to {to}", count(number)),
        Moved::Compared(number) => format!("compared {}: the copies are the same", count(number)),
        Moved::SetAside(number) => format!("set aside {} in {from}", count(number)),
        Moved::Retracted(number) => {
            format!(
                "set aside {} in {to}: Tiller has deleted them since they were copied",
                count(number)
            )
        }
        Moved::Switched(true) => {
            format!("started Deployment {namespace}/tiller-deploy with its records in {to}")
        }
        Moved::Switched(false) => format!(
            "set Deployment {namespace}/tiller-deploy to keep its records in {to}; it stays at zero replicas"
        ),
        Moved::Answers => "Tiller is ready".to_owned(),
        Moved::Deleted(number) => format!("deleted {} in {from}", count(number)),
    }
}

/// The exit code and the message of an error.
pub(in crate::cli) fn unmoved(failed: MoveError, plan: &Move) -> (Exit, String) {
    let (failed, is_stopped) = match failed {
        MoveError::Stopped(failed) => (*failed, true),
        failed => (failed, false),
    };
    let (exit, remedy) = (exit(&failed), remedy(&failed, plan));
    let what_next = if is_stopped {
        format!(
            "; Deployment {}/tiller-deploy is at zero replicas, and no record is lost: {}",
            plan.namespace,
            ways(plan)
        )
    } else {
        next(&failed, plan)
    };
    let text = format!("{:#}", anyhow!(failed));
    let parts = [remedy, what_next].into_iter();
    // The API server's answer may have said so already.
    let parts = parts.filter(|part| part != AGAIN || !text.contains("run this again"));
    (exit, parts.fold(text.clone(), |text, part| text + &part))
}

/// What to do if it may just be repeated.
const AGAIN: &str = "; run this again to go on";

/// The exit code of an error.
pub(super) fn exit(failed: &MoveError) -> Exit {
    match failed {
        MoveError::Conflict(_)
        | MoveError::Damaged(_)
        | MoveError::OtherKeys(_)
        | MoveError::Pending(_)
        | MoveError::Elsewhere { .. }
        | MoveError::Unswitchable(..)
        | MoveError::Refused { .. }
        | MoveError::InTheWay { .. }
        | MoveError::Restless(_)
        | MoveError::Misspelt(_)
        | MoveError::Busy(_)
        | MoveError::Running { .. } => Exit::Findings,
        MoveError::TimedOut { .. } => Exit::TimedOut,
        MoveError::Stopped(failed) => exit(failed),
        MoveError::List(_)
        | MoveError::Write(_)
        | MoveError::Lacking(_)
        | MoveError::Tiller { .. } => Exit::Unreachable,
    }
}

/// The ways from here: on, and back.
fn ways(plan: &Move) -> String {
    let (namespace, to) = (&plan.namespace, plan.to.as_str());
    let back = plan.to.other().as_str();
    let pending = if plan.allow_pending {
        " --allow-pending"
    } else {
        ""
    };
    let keep = if plan.keep { " --keep" } else { "" };
    let command = |to: &str, options: &str| {
        format!("tiller-guard releases move --to {to} -n {namespace}{options}{pending}")
    };
    let on = if plan.switches {
        format!("run: {}", command(to, keep))
    } else {
        "run this again".to_owned()
    };
    format!("to go on, {on}; to undo it, run: {}", command(back, ""))
}

/// What to repair.
fn remedy(failed: &MoveError, plan: &Move) -> String {
    let namespace = &plan.namespace;
    match failed {
        _ if is_forbidden(failed) => {
            format!("; ask an administrator for that right in {namespace}")
        }
        MoveError::Conflict(_) => format!(
            "; if Tiller went back to its old storage after a move, both may be needed: compare them with `tiller-guard \
             releases show RELEASE -n {namespace} --revision N --storage …`, and delete the ones that are wrong"
        ),
        MoveError::InTheWay { storage, .. } => format!(
            "; look at them with kubectl -n {namespace} get {} NAME -o yaml, and delete them, or keep them under another name",
            storage.as_str()
        ),
        MoveError::OtherKeys(_) => "; remove these keys, or keep them elsewhere".to_owned(),
        MoveError::Elsewhere { to, .. } => format!(
            "; if those releases may be lost, set --storage={} there by hand, and run this again",
            to.other().flag()
        ),
        MoveError::Damaged(_) => {
            "; restore them from a backup, or delete them, and run this again".to_owned()
        }
        MoveError::Pending(_) if !plan.switches => {
            format!(
                "; wait until they are done, or end them with `helm rollback`; if no Tiller works on them, run: \
                 tiller-guard releases move --to {} -n {namespace} --allow-pending; then run this again",
                plan.to.as_str()
            )
        }
        MoveError::Pending(_) => {
            "; wait until they are done, or end them with `helm rollback`; if no Tiller works on \
                                  them, give --allow-pending"
                .to_owned()
        }
        MoveError::Running { .. } => "; stop it, and run this again".to_owned(),
        MoveError::Busy(_) => BUSY.to_owned(),
        MoveError::Misspelt(_) => format!(
            "; label them or delete them, as `tiller-guard releases list -n {namespace}` says, and run this again"
        ),
        MoveError::List(ListError::NoNamespace(_)) => {
            "; name Tiller's namespace with -n".to_owned()
        }
        _ => String::new(),
    }
}

/// How to go on with a move that did not stop Tiller, or has started it already.
fn next(failed: &MoveError, plan: &Move) -> String {
    match failed {
        MoveError::TimedOut { .. } => format!("; {}", ways(plan)),
        MoveError::InTheWay { .. } | MoveError::OtherKeys(_) => "; then run this again".to_owned(),
        MoveError::List(ListError::NoNamespace(_)) => String::new(),
        MoveError::List(_) | MoveError::Write(_) | MoveError::Tiller { .. }
            if !is_forbidden(failed) =>
        {
            AGAIN.to_owned()
        }
        _ => String::new(),
    }
}

fn is_forbidden(failed: &MoveError) -> bool {
    match failed {
        MoveError::Lacking(_) => true,
        MoveError::Write(error) => error.is_forbidden,
        MoveError::List(ListError::Asked { is_forbidden, .. })
        | MoveError::Tiller { is_forbidden, .. } => *is_forbidden,
        _ => false,
    }
}
