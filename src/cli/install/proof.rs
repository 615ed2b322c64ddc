//! The end of an installation: either the webhooks answer, or requests pass without them.

use std::io::{self, Write as _};
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::{Instant, sleep};

use crate::cli::Exit;
use crate::cli::again::again;
use crate::cli::doctor::{exit, print_text};
use crate::cli::uninstall::remove;
use crate::cluster::Cluster;
use crate::cluster::apply::Writer;
use crate::cluster::doctor::{Check, Health, examine};
use crate::cluster::install::{let_pass, registered};
use crate::cluster::proof::{Proof, Trial, prove};
use crate::installation::Installation;

/// How often it is tried again.
const LOOK: Duration = Duration::from_secs(1);

/// How long a proof may take at least: an API server learns of a webhook configuration within a second or so, and the pods
/// write their CA into it.
pub(super) const SHORTEST: Duration = Duration::from_secs(20);

/// Tries until both webhooks answer, or until the end. Returns the last attempt.
pub(super) async fn tried(cluster: &Cluster, end: Instant) -> Proof {
    loop {
        let proof = prove(cluster).await;
        let failed = is_disproof(&proof.mutate) || is_disproof(&proof.validate);
        if !failed || Instant::now() >= end {
            return proof;
        }
        sleep(LOOK).await;
    }
}

/// Runs the checks of `doctor` until all pass. If the API server still cannot reach the webhooks then, they get `failurePolicy: Ignore`.
pub(super) async fn examined(
    cluster: &Cluster,
    planned: &Installation,
    enforces: bool,
    end: Instant,
) -> anyhow::Result<Exit> {
    loop {
        let checks = examine(cluster, planned, enforces).await;
        let bad = checks.iter().any(|it| it.health == Health::Bad);
        if bad && Instant::now() < end {
            sleep(LOOK).await;
            continue;
        }
        let checks: Vec<_> = checks.into_iter().map(Check::after_install).collect();
        print_text(&checks)?;
        if checks.iter().any(|check| check.cause.is_some()) {
            give_way(cluster).await?;
        }
        return Ok(exit(&checks));
    }
}

/// Whether an attempt shows that a webhook fails: what is tried is refused in every mode. A refusal by another webhook shows
/// nothing.
pub(super) fn is_disproof(trial: &Trial) -> bool {
    matches!(trial, Trial::Unasked { .. } | Trial::LetIn)
}

/// Sets `failurePolicy: Ignore` if the API server cannot ask one of the webhooks.
pub(super) async fn give_way_if_unasked(cluster: &Cluster) -> anyhow::Result<()> {
    let Proof {
        mutate, validate, ..
    } = prove(cluster).await;
    let is_unasked = |it: &Trial| matches!(it, Trial::Unasked { .. });
    if is_unasked(&mutate) || is_unasked(&validate) {
        give_way(cluster).await?;
    }
    Ok(())
}

/// Sets `failurePolicy: Ignore`, and reports it.
async fn give_way(cluster: &Cluster) -> anyhow::Result<()> {
    let found = registered(cluster).await;
    if found
        .context("cannot get the webhook configurations")?
        .is_empty()
    {
        return Ok(());
    }
    let passed = let_pass(cluster).await;
    passed.context("cannot update the webhook configurations")?;
    writeln!(
        io::stderr(),
        "tiller-guard does not answer: both webhook configurations now have failurePolicy: Ignore, so that nothing is \
         refused. Tillers are not guarded until it answers; remove the cause, then run:\n  {}",
        again()
    )?;
    Ok(())
}

/// Deletes webhook configurations that did not prove themselves, and reports why.
pub(super) async fn take_back(
    writer: &Writer,
    planned: &Installation,
    proof: Proof,
) -> anyhow::Result<()> {
    remove(writer, planned.webhook_configurations().to_vec()).await?;
    for (webhook, trial) in [("mutate", proof.mutate), ("validate", proof.validate)] {
        let (why, hint) = match trial {
            Trial::Unasked { cause, message } => {
                let why = format!("the API server cannot ask ({}): {message}", cause.as_str());
                (why, cause.hint_of_install())
            }
            Trial::LetIn => (
                "the API server let an unhardened Tiller in".to_owned(),
                "look at the log of the pods and at that of the API server",
            ),
            Trial::Refused { .. } | Trial::Untried { .. } => continue,
        };
        writeln!(
            io::stderr(),
            "✗ {webhook}.tiller-guard.io: {why}\n    {hint}"
        )?;
    }
    writeln!(
        io::stderr(),
        "tiller-guard did not prove itself: the webhook configurations were removed, so that nothing is refused; the pods \
         stay. Remove the cause, then run:\n  {}",
        again()
    )?;
    Ok(())
}
