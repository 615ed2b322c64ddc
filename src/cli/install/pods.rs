//! The pods that an installation waits for.

use std::io::{self, Write as _};
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::{Instant, sleep};

use super::super::again::again;
use crate::cluster::Cluster;
use crate::cluster::install::{Rollout, waiting};
use crate::k8s::webhook_configuration::NAME;

/// How often the pods are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Waits until they are ready. False if they are not by then.
pub(super) async fn are_ready(
    cluster: &Cluster,
    namespace: &str,
    end: Instant,
) -> anyhow::Result<bool> {
    writeln!(io::stdout(), "waiting for the pods")?;
    loop {
        let rollout = Rollout::look(cluster, namespace).await;
        let rollout =
            rollout.with_context(|| format!("cannot get Deployment {namespace}/{NAME}"))?;
        if rollout.is_some_and(Rollout::is_done) {
            return Ok(true);
        }
        if Instant::now() >= end {
            return Ok(false);
        }
        sleep(LOOK).await;
    }
}

/// Prints that none became ready in time, and what is known of those that wait.
pub(super) async fn tell_missing(cluster: &Cluster, namespace: &str) -> anyhow::Result<()> {
    writeln!(
        io::stderr(),
        "timed out waiting for the pods; the webhook configurations were not changed"
    )?;
    let waiting = waiting(cluster, namespace).await;
    for line in waiting.context("cannot list the guard's Pods")? {
        writeln!(io::stderr(), "  {line}")?;
    }
    writeln!(
        io::stderr(),
        "look at the pods (kubectl -n {namespace} describe pods), then run:\n  {}",
        again()
    )?;
    Ok(())
}
