//! What `releases migrate` says at its end, and what to do next.

use std::io::{self, Write as _};

use anyhow::anyhow;
use tokio::time::timeout;

use super::super::Exit;
use super::movement::{LOOK, exit};
use super::place::{BUSY, error};
use crate::cluster::Cluster;
use crate::cluster::releases::{Effect, Hold, Migrate, MigrateError, MoveError, Needed, Tillers};
use crate::report::OneLine as _;

/// What to heed if Tiller runs beside Helm 3.
pub(super) const BESIDE_HELM_3: &str = "Use Helm 2 for none of the migrated releases: an install of their names and `helm delete \
                                        --purge` would delete what Helm 3 runs.";

/// What an interrupted migration leaves.
pub(super) async fn halfway(plan: &Migrate, cluster: &Cluster, migrated: usize) -> String {
    if plan.effect != Effect::Write {
        return "interrupted; nothing was changed".to_owned();
    }
    let namespace = &plan.namespace;
    let stopped = match timeout(LOOK, plan.has_stopped(cluster)).await {
        Ok(Ok(true)) => {
            format!(
                "; Deployment {namespace}/tiller-deploy is stopped, and the next run starts it if it has releases left"
            )
        }
        Ok(Ok(false)) => String::new(),
        Ok(Err(_)) | Err(_) => format!("; Deployment {namespace}/tiller-deploy may be stopped"),
    };
    let migrated = match migrated {
        1 => "1 release was migrated".to_owned(),
        number => format!("{number} releases were migrated"),
    };
    let on_its_way = if plan.keep {
        "Helm 3 may have some records of a release that was on its way, and Tiller has all of them"
    } else {
        "a release that was on its way has records of Helm 2, of Helm 3, or both, and none is lost"
    };
    format!(
        "interrupted after {migrated}: {on_its_way}{stopped}; run this again to go on, or give all releases back to Tiller with: \
         tiller-guard releases restore --all -n {namespace}"
    )
}

/// Why nothing was migrated, and what to do.
pub(super) fn unmigrated(failed: MigrateError, plan: &Migrate) -> anyhow::Result<Exit> {
    let namespace = &plan.namespace;
    let remedy = match &failed {
        MigrateError::Running(_) if plan.stops_tiller => {
            "; --stop-tiller stops Deployment tiller-deploy only, which is left as it was: stop this one, and run this again"
                .to_owned()
        }
        MigrateError::Running(_) => "; it would write to these records, and delete what Helm 3 runs: give --stop-tiller, or \
                                     --keep to copy the records only"
            .to_owned(),
        MigrateError::Tiller(MoveError::Tiller { is_forbidden: true, .. }) if plan.stops_tiller => format!(
            "; ask an administrator for that right in {namespace}; if Deployment {namespace}/tiller-deploy is stopped, the next run \
             starts it again: run this again then"
        ),
        MigrateError::Tiller(
            MoveError::Tiller { is_forbidden: true, .. } | MoveError::Lacking(_),
        ) => {
            format!("; ask an administrator for that right in {namespace}")
        }
        MigrateError::Tiller(MoveError::Busy(_)) => BUSY.to_owned(),
        MigrateError::Tiller(MoveError::InTheWay { .. }) => "; rename or delete it, and run this again".to_owned(),
        MigrateError::List(_) | MigrateError::Tiller(_) if plan.stops_tiller => {
            format!(
                "; if Deployment {namespace}/tiller-deploy is stopped, the next run starts it again: run this again"
            )
        }
        MigrateError::List(_) | MigrateError::Tiller(_) => String::new(),
    };
    let exit = match &failed {
        MigrateError::Running(_) => Exit::Findings,
        MigrateError::Tiller(failed) => exit(failed),
        MigrateError::List(_) => Exit::Unreachable,
    };
    error(format_args!("{:#}{remedy}", anyhow!(failed)))?;
    Ok(exit)
}

/// Whether Tiller is left stopped since the user may not start it.
pub(super) fn is_barred(tillers: &Tillers) -> bool {
    matches!(
        tillers,
        Tillers::Held {
            why: Hold::Forbidden(_),
            ..
        }
    )
}

/// What became of Tiller, or what to do with it.
pub(super) fn of_tillers(tillers: &Tillers, namespace: &str) -> Option<String> {
    let tiller = format!("Deployment {namespace}/tiller-deploy");
    Some(match tillers {
        Tillers::None => return None,
        Tillers::Held { replicas, why } => {
            let start = format!(
                "start it with: kubectl -n {namespace} scale deployment tiller-deploy --replicas={replicas}"
            );
            let stopped = format!("{tiller} was stopped by an earlier run");
            match why {
                Hold::Others => format!("{tiller} has no replicas; {start}"),
                Hold::NoRelease => {
                    format!("{stopped}, and is left so: it has no release left; {start}")
                }
                Hold::NoWrite => {
                    format!("{stopped}; a run that writes starts it again if it has releases left")
                }
                Hold::Unmoved(storage) => format!(
                    "{tiller} was stopped by a move, and is left so: records are in {storage}, where it would not see them; finish \
                     the move, which starts it: tiller-guard releases move --to {storage} -n {namespace}",
                    storage = storage.as_str()
                ),
                Hold::Forbidden(reason) => {
                    format!(
                        "{tiller} is stopped, and no record is lost, but you may not start it ({reason}); ask an administrator for \
                         that right in {namespace} and run this again, or to {start}"
                    )
                }
            }
        }
        Tillers::Running(running) => format!(
            "Tiller runs in {}: migrate with --stop-tiller",
            running.join(" and ")
        ),
        Tillers::Stopped => {
            format!("{tiller} is stopped, and stays so: it has no release left")
        }
        Tillers::Restarted => format!("{tiller} was stopped, and is started again"),
        Tillers::Unknown(reason) => format!("whether Tiller runs is unknown: {reason}"),
    })
}

/// What no Role can give.
pub(super) fn tell_cluster_wide(needed: &Needed) -> anyhow::Result<()> {
    let objects = needed.cluster_wide.iter();
    let objects: Vec<_> = objects
        .map(|(kind, name)| format!("{kind} {name}"))
        .collect();
    if !objects.is_empty() {
        writeln!(
            io::stderr(),
            "note: no Role gives rights to what is in no namespace; ask an administrator to upgrade and uninstall the \
             releases with: {}",
            objects.join(", ").one_line()
        )?;
    }
    Ok(())
}

/// What to do next, where so many recorded releases are not migrated yet.
pub(super) fn next_steps(plan: &Migrate, left: usize) -> String {
    let namespace = &plan.namespace;
    let first = if plan.keep {
        "Tiller still sees these releases and can delete what runs: set its namespace to mode freeze in the policy file."
            .to_owned()
    } else {
        format!(
            "Tiller no longer sees these releases. To give one back to it: tiller-guard releases restore RELEASE -n \
             {namespace}"
        )
    };
    let next = match left {
        0 => format!(
            "remove Tiller with `tiller-guard deprovision TEAM`, or one that no team has with `kubectl -n {namespace} delete \
             deployment,service tiller-deploy`; then set mode forbid in the policy file."
        ),
        1 => format!("keep Tiller: 1 release in {namespace} is not migrated yet."),
        left => format!("keep Tiller: {left} releases in {namespace} are not migrated yet."),
    };
    format!(
        "{first}\nNext: check with `helm list -A`; {next}\nUpgrade each release once before you uninstall it with Helm 4: \
         Helm 4 deletes no objects of a release that was never upgraded since."
    )
}
