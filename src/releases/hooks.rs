//! Which of a release's objects Helm 3 still handles: all of its manifest, and the hooks whose events it knows.

use super::apis::{Unserved, unserved};
use super::hapi::{Hook, Release};

/// Whether Helm 3 runs a hook at an install, upgrade, rollback or uninstall: tests are run on demand, and what installed a
/// definition of a kind never again.
///
/// Source: `_proto/hapi/release/hook.proto`, Helm 2.17.0.
pub(super) fn is_run(hook: &Hook) -> bool {
    hook.events.iter().any(|event| matches!(event, 1..=8))
}

/// The objects of a release that Kubernetes 1.`minor` does not serve, those of its hooks too, each API once.
pub(super) fn unserved_in(release: &Release, minor: u16) -> Vec<Unserved> {
    let hooks = release.hooks.iter().filter(|hook| is_run(hook));
    let mut found = unserved(&release.manifest, minor);
    for of_hook in hooks.flat_map(|hook| unserved(&hook.manifest, minor)) {
        if !found.contains(&of_hook) {
            found.push(of_hook);
        }
    }
    found
}
