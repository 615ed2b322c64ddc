//! What an installation that only audits reports of release records: a hardened Tiller would not see them.

use std::io::{self, Write as _};

use anyhow::anyhow;

use crate::cluster::Cluster;
use crate::cluster::releases::in_config_maps;
use crate::cluster::told::chain;
use crate::policy::{Mode, Policy};

/// Namespaces that are named one by one.
const NAMED: usize = 10;

/// Prints how many records wait in ConfigMaps of namespaces that are not enforced yet, and how to move them.
pub(super) async fn print(cluster: &Cluster, policy: &Policy) -> anyhow::Result<()> {
    let modes = &policy.modes;
    let mut all = modes.namespaces.values().chain([&modes.default]);
    if !all.any(|mode| is_mild(*mode)) {
        return Ok(());
    }
    let counts = match in_config_maps(cluster).await {
        Ok(counts) => counts,
        Err(error) => {
            let error = anyhow!(error);
            writeln!(
                io::stdout(),
                "note: the release records were not counted: {}",
                chain(error.as_ref())
            )?;
            return Ok(());
        }
    };
    let waiting: Vec<_> = counts
        .iter()
        .filter(|(namespace, _)| is_mild(modes.of(Some(namespace))) && !stays(policy, namespace))
        .collect();
    let mut out = io::stdout().lock();
    for (namespace, count) in waiting.iter().take(NAMED) {
        let records = if **count == 1 { "record" } else { "records" };
        writeln!(
            out,
            "note: {namespace} has {count} release {records} in ConfigMaps; before its mode becomes enforce, run: \
             tiller-guard releases move --to secrets -n {namespace}"
        )?;
    }
    if let Some((_, more @ [_, ..])) = waiting.split_at_checked(NAMED) {
        let records: usize = more.iter().map(|(_, count)| **count).sum();
        writeln!(
            out,
            "note: {} more namespaces have {records} release records in ConfigMaps; list them with: tiller-guard releases \
             list -A",
            more.len()
        )?;
    }
    Ok(())
}

fn is_mild(mode: Mode) -> bool {
    matches!(mode, Mode::Audit | Mode::Warn)
}

/// Whether an exception lets a Tiller there keep its records in ConfigMaps.
fn stays(policy: &Policy, namespace: &str) -> bool {
    let mut exceptions = policy.settings.exceptions.iter();
    exceptions.any(|it| it.rule.id == "release-storage" && it.namespace == namespace)
}
