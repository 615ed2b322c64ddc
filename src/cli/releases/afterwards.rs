//! What `releases migrate` says at its end, and what to do next.

use std::io::{self, Write as _};

use anyhow::anyhow;

use super::super::Exit;
use super::movement::exit;
use super::place::{BUSY, error};
use crate::cluster::releases::{
    Effect, Migrate, MigrateError, MoveError, Needed, Summary, Tillers,
};
use crate::report::OneLine as _;

/// What an interrupted migration leaves.
pub(super) fn halfway(plan: &Migrate, migrated: usize) -> String {
    if plan.effect != Effect::Write {
        return "interrupted; nothing was changed".to_owned();
    }
    let stopped = if plan.stops_tiller {
        "; Tiller may be stopped"
    } else {
        ""
    };
    format!(
        "interrupted after {}: a release that was on its way has records of Helm 2, of Helm 3, or both, and none is lost{stopped}; \
         run this again to go on",
        match migrated {
            1 => "1 release was migrated".to_owned(),
            number => format!("{number} releases were migrated"),
        }
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
        MigrateError::Tiller(
            MoveError::Tiller { is_forbidden: true, .. } | MoveError::Lacking(_),
        ) => {
            format!("; ask an administrator for that right in {namespace}")
        }
        MigrateError::Tiller(MoveError::Busy(_)) => BUSY.to_owned(),
        MigrateError::Tiller(MoveError::InTheWay { .. }) => "; rename or delete it, and run this again".to_owned(),
        MigrateError::List(_) | MigrateError::Tiller(_) if plan.stops_tiller => {
            format!(
                "; see whether Deployment {namespace}/tiller-deploy is stopped, and run this again"
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

/// What became of Tiller, or has to.
pub(super) fn of_tillers(summary: &Summary, plan: &Migrate) -> Option<String> {
    let namespace = &plan.namespace;
    Some(match &summary.tillers {
        Tillers::None => return None,
        Tillers::Held(replicas) => {
            let left = match summary.left {
                0 => "it has no release left",
                _ => "it has releases left",
            };
            format!(
                "Deployment {namespace}/tiller-deploy was stopped by an earlier run, and is left so: {left}; start it with: kubectl \
                 -n {namespace} scale deployment tiller-deploy --replicas={replicas}"
            )
        }
        Tillers::Running(_) if plan.keep => return None,
        Tillers::Running(running) => format!(
            "Tiller runs in {}: migrate with --stop-tiller",
            running.join(" and ")
        ),
        Tillers::Stopped => format!(
            "Deployment {namespace}/tiller-deploy is stopped, and stays so: it has no release left"
        ),
        Tillers::Restarted => format!(
            "Deployment {namespace}/tiller-deploy was stopped, and is started again. Use Helm 2 for none of the migrated \
             releases: an install of their names and `helm delete --purge` would delete what Helm 3 runs."
        ),
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
