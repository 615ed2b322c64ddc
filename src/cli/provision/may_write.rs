//! Checks whether the user of `provision` may write everything that it needs, before anything is written.

use std::collections::BTreeSet;

use anyhow::bail;
use serde_json::Value;

use super::super::policy_options::now;
use super::prepare::{Prepared, desired};
use super::session::{OWNER, Session};
use crate::cluster::apply::{Applied, ApplyError, Change, Effect, Expects, Writer};
use crate::cluster::install::policy_text;
use crate::cluster::team::{lacking_grants, lacking_rights, requester};
use crate::config;
use crate::policy::Requester;

/// Rights that are named one by one.
const NAMED: usize = 10;

impl Session<'_> {
    /// Asks for the rights, and whether the policy lets the current user write Tiller's certificates.
    pub(super) async fn may_write(&self, prepared: &[Prepared<'_>]) -> anyhow::Result<()> {
        let changes = || prepared.iter().flat_map(|it| &it.changes);
        let writes: Vec<_> = changes().filter_map(write).collect();
        let lacking = lacking_rights(&self.cluster, &writes).await;
        if !lacking.is_empty() {
            bail!(
                "you may not {}; nothing was changed: ask an administrator to do it, or to give you these rights",
                named(&lacking)
            );
        }
        let roles: Vec<_> = prepared.iter().flat_map(given).collect();
        let lacking = lacking_grants(&self.cluster, &roles).await;
        if !lacking.is_empty() {
            bail!(
                "you may not give the team {}, which you may not do yourself; nothing was changed: ask an administrator to do \
                 it, or to give you these rights, or `escalate` and `bind` on roles",
                named(&lacking)
            );
        }
        let secret = &self.settings.certificate_secret;
        let certificate = changes().find(|it| it.change.is_change() && it.object.name == *secret);
        let Some(certificate) = certificate else {
            return Ok(());
        };
        match requester(&self.cluster).await {
            Some(requester) => self.is_administrator(certificate, &requester).await,
            None => self.is_let(prepared).await,
        }
    }

    /// The same of an API server that does not tell who asks: has it try the write, where it can. A Secret whose namespace is
    /// not there yet cannot be tried.
    async fn is_let(&self, prepared: &[Prepared<'_>]) -> anyhow::Result<()> {
        let effect = Effect::ServerDryRun;
        if effect.check(&self.cluster).is_err() {
            return Ok(());
        }
        let writer = Writer {
            cluster: self.cluster.clone(),
            owner: OWNER,
            adopt: true,
            effect,
            expects: Expects::Present,
        };
        for prepared in prepared {
            let stages = prepared.plan.stages.iter();
            let secret = stages.flat_map(|it| &it.objects).find(|planned| {
                let name = planned.object.pointer("/metadata/name");
                name.is_some_and(|it| *it == *self.settings.certificate_secret)
            });
            let Some(secret) = secret else { continue };
            let seen = prepared.looked.seen(&secret.object);
            let tried = writer.apply_over(&desired(secret, true), seen).await;
            let Err(error) = tried else { continue };
            let is_refused = matches!(&error, ApplyError::Forbidden { causes, .. }
                if causes.iter().any(|it| it == "certificate-secret"));
            if is_refused {
                bail!(
                    "{error}; nothing was changed: ask one of the `administrators` of the policy to do it, or to add you there"
                );
            }
        }
        Ok(())
    }

    /// Once the guard runs, only the policy's administrators write Tiller's certificates.
    async fn is_administrator(
        &self,
        certificate: &Applied,
        requester: &Requester<'_>,
    ) -> anyhow::Result<()> {
        let namespace = &self.shared.place.guard_namespace;
        let Ok(Some(text)) = policy_text(&self.cluster, namespace).await else {
            return Ok(());
        };
        let Ok(policy) = config::read(text.as_bytes(), now()) else {
            return Ok(());
        };
        if policy.settings.administrators.include(requester) {
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

/// The first of many, and how many more there are.
fn named(rights: &[String]) -> String {
    let (first, rest) = rights.split_at(rights.len().min(NAMED));
    let first = first.join(", ");
    match rest.len() {
        0 => first,
        more => format!("{first}, and {more} more"),
    }
}

/// The Roles of a team that are written, or bound anew: whoever does either needs the rights that they give.
fn given<'p>(prepared: &'p Prepared<'_>) -> impl Iterator<Item = &'p Value> {
    let written = prepared.changes.iter().filter(|it| it.change.is_change());
    let kinds = ["Role", "RoleBinding"];
    let changed: BTreeSet<_> = written
        .filter(|it| kinds.contains(&it.object.kind.as_str()))
        .map(|it| (it.object.namespace.as_deref(), it.object.name.as_str()))
        .collect();
    prepared.plan.objects().filter(move |object| {
        let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
        text("/kind") == Some("Role")
            && text("/metadata/name")
                .is_some_and(|name| changed.contains(&(text("/metadata/namespace"), name)))
    })
}

fn write(applied: &Applied) -> Option<(&'static str, &crate::cluster::apply::ObjectReference)> {
    match applied.change {
        Change::Created => Some(("create", &applied.object)),
        Change::Updated { .. } => Some(("patch", &applied.object)),
        Change::Unchanged | Change::Left | Change::Deleted | Change::Absent => None,
    }
}
