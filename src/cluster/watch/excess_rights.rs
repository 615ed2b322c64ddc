//! Rights that stand though no review let them in: two writes that were judged at the same time may each have known
//! nothing of the other.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::LiveKnowledge;
use crate::gather::Gather as _;
use crate::policy::Policy;
use crate::policy::rights::{ExistingExcess, existing_excesses};

/// How long changes are gathered before they are looked at.
const GATHER: Duration = Duration::from_secs(2);
/// When to look though nothing has changed: the policy may have.
const ANYWAY: Duration = Duration::from_mins(1);

/// Looks at what is known after each change, and tells once of what is too much.
pub(super) async fn look(live: LiveKnowledge, policy: Arc<ArcSwap<Policy>>, changed: Arc<Notify>) {
    let mut told = BTreeSet::new();
    loop {
        let _either = timeout(ANYWAY, changed.notified()).await;
        sleep(GATHER).await;
        // Rights in a team's namespace are too many as long as the team is not known.
        if live.waits_for().is_some() {
            continue;
        }
        let (knowledge, policy) = (live.current.load_full(), policy.load_full());
        let found = move || {
            let settings = &policy.settings;
            (
                existing_excesses(settings, &knowledge),
                knowledge.tiller_count(settings),
            )
        };
        // With 20,000 Tillers it takes too long for a thread that answers reviews.
        let Ok((found, tillers)) = tokio::task::spawn_blocking(found).await else {
            return;
        };
        let found: BTreeSet<ExistingExcess> = found.into_iter().gather();
        live.status.found(found.len(), tillers);
        for ExistingExcess { account, message } in found.difference(&told) {
            warn!(
                account,
                binding = message,
                "a Tiller's service account has rights beyond its team's"
            );
        }
        for ExistingExcess { account, message } in told.difference(&found) {
            info!(
                account,
                binding = message,
                "a Tiller's service account no longer has these rights"
            );
        }
        told = found;
    }
}
