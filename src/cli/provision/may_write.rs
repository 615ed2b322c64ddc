//! Whether whoever runs `provision` may write all that is needed, before anything is written.

use anyhow::bail;

use super::super::policy_options::now;
use super::prepare::Prepared;
use super::session::Session;
use crate::cluster::apply::{Applied, Change};
use crate::cluster::install::policy_text;
use crate::cluster::team::{lacking_rights, requester};
use crate::config;

/// Rights that are named one by one.
const NAMED: usize = 10;

impl Session<'_> {
    /// Asks for the rights, and whether the policy lets whoever asks write Tiller's certificates.
    pub(super) async fn may_write(&self, prepared: &[Prepared<'_>]) -> anyhow::Result<()> {
        let changes = || prepared.iter().flat_map(|it| &it.changes);
        let writes: Vec<_> = changes().filter_map(write).collect();
        let lacking = lacking_rights(&self.cluster, &writes).await;
        if !lacking.is_empty() {
            let named = lacking.iter().take(NAMED).cloned().collect::<Vec<_>>();
            let more = match lacking.len().saturating_sub(NAMED) {
                0 => String::new(),
                more => format!(", and {more} more"),
            };
            bail!(
                "you may not {}{more}; nothing was changed: ask an administrator to do it, or to give you these rights",
                named.join(", ")
            );
        }
        let secret = &self.settings.certificate_secret;
        let certificate = changes().find(|it| it.change.is_change() && it.object.name == *secret);
        match certificate {
            Some(certificate) => self.is_administrator(certificate).await,
            None => Ok(()),
        }
    }

    /// Once the guard runs, only the policy's administrators write Tiller's certificates.
    async fn is_administrator(&self, certificate: &Applied) -> anyhow::Result<()> {
        let namespace = &self.shared.place.guard_namespace;
        let (text, requester) = tokio::join!(
            policy_text(&self.cluster, namespace),
            requester(&self.cluster)
        );
        let (Ok(Some(text)), Some(requester)) = (text, requester) else {
            return Ok(());
        };
        let Ok(policy) = config::read(text.as_bytes(), now()) else {
            return Ok(());
        };
        if policy.settings.administrators.include(&requester) {
            return Ok(());
        }
        bail!(
            "you, {}, are not among the `administrators` of the policy, and only they may write {}; nothing was changed: ask \
             one of them to do it, or to add you there (ConfigMap {namespace}/{}, key policy.yaml) with `tiller-guard \
             install --policy FILE`",
            requester.name,
            certificate.object,
            crate::installation::POLICY_FILE
        )
    }
}

fn write(applied: &Applied) -> Option<(&'static str, &crate::cluster::apply::ObjectReference)> {
    match applied.change {
        Change::Created => Some(("create", &applied.object)),
        Change::Updated { .. } => Some(("patch", &applied.object)),
        Change::Unchanged | Change::Left | Change::Deleted | Change::Absent => None,
    }
}
