//! `tiller-guard releases restore`.

use std::io::{self, Write as _};

use anyhow::anyhow;
use clap::Args;

use super::super::Exit;
use super::super::interrupt::unless_interrupted;
use super::super::reach::{ReachArguments, connect_patiently, on_runtime};
use super::afterwards::{is_barred, of_tillers};
use super::movement::exit;
use super::place::{BUSY, again, error, namespace_in, waits};
use crate::cluster::releases::{Hold, MigrateError, MoveError, Restore, Restored, Tillers};
use crate::report::OneLine as _;

/// Give migrated releases back to Tiller: undo `releases migrate`
///
/// Bring back the records that were set aside, and delete those of Helm 3. A release that Helm 3 has changed since is not
/// given back, and one that Helm 3 has no record of only if it is named. No object of a release is touched. Run it again to go on where it ended.
///
/// Exit with 1 if a release cannot be given back, and with 4 if something failed
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// These releases
    #[arg(value_name = "RELEASE", required_unless_present = "all")]
    releases: Vec<String>,

    /// All releases that are set aside, and those that Tiller and Helm 3 both have since a migration
    #[arg(long, conflicts_with = "releases")]
    all: bool,

    /// The Tiller's namespace [default: the context's]
    #[arg(long, short, value_name = "NAMESPACE")]
    namespace: Option<String>,

    /// Only report what would be done
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    reach: ReachArguments,
}

/// Gives back.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    on_runtime(restore(arguments))
}

async fn restore(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments {
        releases,
        all: _,
        namespace,
        dry_run,
        reach,
    } = arguments;
    let cluster = match connect_patiently(reach).await? {
        Ok(cluster) => cluster,
        Err(exit) => return Ok(exit),
    };
    let plan = Restore {
        namespace: namespace_in(&cluster, namespace.as_deref()),
        releases,
        dry_run,
        waits,
    };
    let (mut seen, mut done, mut not_ready, mut failed) = (0, 0_usize, 0_usize, 0_usize);
    let work = plan.run(&cluster, |release, restored| {
        seen += 1;
        match &restored {
            Restored::NotReady(_) => not_ready += 1,
            Restored::Failed { .. } => failed += 1,
            Restored::Done { .. } | Restored::Retracted { dry_run: false, .. } => done += 1,
            Restored::Ready { .. } | Restored::Retracted { dry_run: true, .. } => {}
        }
        tell(release, &restored);
    });
    let listed = match unless_interrupted(work).await {
        Ok(listed) => listed,
        Err(exit) => {
            error(halfway(&plan, done))?;
            return Ok(exit);
        }
    };
    let tillers = match listed {
        Ok(tillers) => tillers,
        Err(MigrateError::Tiller(failed)) => {
            let next = match &failed {
                MoveError::Busy(_) => BUSY.to_owned(),
                MoveError::Lacking(_)
                | MoveError::Tiller {
                    is_forbidden: true, ..
                } => {
                    format!(
                        "; ask an administrator for that right in {}",
                        plan.namespace
                    )
                }
                _ => String::new(),
            };
            let exit = exit(&failed);
            error(format_args!("{:#}{next}", anyhow!(failed)))?;
            return Ok(exit);
        }
        Err(unlisted) => {
            error(format_args!("{:#}", anyhow!(unlisted)))?;
            return Ok(Exit::Unreachable);
        }
    };
    // Without a release that was given back, it may stay so.
    let is_idle = |tillers: &Tillers| {
        matches!(
            tillers,
            Tillers::Held { why: Hold::Others | Hold::NoRelease | Hold::NoWrite, .. } if done == 0
        )
    };
    if !is_idle(&tillers)
        && let Some(note) = of_tillers(&tillers, &plan.namespace)
    {
        if is_barred(&tillers) {
            error(note)?;
        } else {
            writeln!(io::stdout(), "{note}")?;
        }
    }
    if seen == 0 {
        writeln!(
            io::stderr(),
            "no release is set aside in {}; tiller-guard releases list -A shows where some are",
            plan.namespace
        )?;
    }
    if is_barred(&tillers) {
        return Ok(Exit::Unreachable);
    }
    Ok(match (failed, not_ready) {
        (1.., _) => Exit::Unreachable,
        (0, 1..) => Exit::Findings,
        (0, 0) => Exit::Clean,
    })
}

/// What an interrupted run leaves.
fn halfway(plan: &Restore, done: usize) -> String {
    if plan.dry_run {
        return "interrupted; nothing was changed".to_owned();
    }
    let restored = match done {
        1 => "1 release was given back".to_owned(),
        done => format!("{done} releases were given back"),
    };
    format!(
        "interrupted after {restored}: a release that was on its way has records of Helm 2, of Helm 3, or both, and none is lost; run \
         this again to go on"
    )
}

fn tell(release: &str, restored: &Restored) {
    let records = |count: &usize| match count {
        1 => "1 record".to_owned(),
        count => format!("{count} records"),
    };
    let warning = |is_unknown: &bool| {
        if *is_unknown {
            "; warning: Helm 3 has no record of it, so its objects were probably uninstalled: Tiller calls it deployed all the same"
        } else {
            ""
        }
    };
    let text = match restored {
        Restored::NotReady(why) => format!("not ready: {}", why.join("; ")),
        Restored::Ready {
            records: count,
            is_unknown,
        } => format!("ready: {}{}", records(count), warning(is_unknown)),
        Restored::Done {
            records: count,
            deleted,
            is_unknown,
        } => format!(
            "given back to Tiller: {}; {} of Helm 3 deleted{}",
            records(count),
            records(deleted),
            warning(is_unknown)
        ),
        Restored::Retracted { deleted, dry_run } => {
            let verb = if *dry_run { "to be deleted" } else { "deleted" };
            format!("Tiller has it still: {} of Helm 3 {verb}", records(deleted))
        }
        Restored::Failed { reason, is_passing } => {
            let next = again(reason, *is_passing);
            let line = format!("{release}: {reason}{next}");
            writeln!(io::stderr(), "error: {}", line.one_line()).ok();
            return;
        }
    };
    writeln!(io::stdout(), "{}", format!("{release}: {text}").one_line()).ok();
}
