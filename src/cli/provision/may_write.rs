//! Checks whether the user of `provision` may write everything that it needs, before anything is written.

use std::collections::BTreeSet;

use anyhow::bail;
use serde_json::Value;

use super::super::policy_options::now;
use super::prepare::{Prepared, desired};
use super::session::{OWNER, Session};
use crate::cluster::apply::{
    Applied, ApplyError, Change, Effect, Expects, ObjectReference, Writer,
};
use crate::cluster::install::policy_text;
use crate::cluster::team::{Write, lacking_grants, lacking_rights, may_do_everything, requester};
use crate::config;
use crate::installation::POLICY_FILE;
use crate::policy::Requester;
use crate::provision::namespaces_of;

/// Rights that are named one by one.
const NAMED: usize = 10;

impl Session<'_> {
    /// Asks for the rights to write what was prepared and to delete what is to go, and whether the policy lets the current user
    /// write Tiller's certificates.
    pub(super) async fn may_write(
        &self,
        prepared: &[Prepared<'_>],
        gone: &[Value],
    ) -> anyhow::Result<()> {
        let changes = || prepared.iter().flat_map(|it| &it.changes);
        let gone: Vec<_> = gone.iter().filter_map(ObjectReference::of).collect();
        let deletes = gone.iter().map(|object| ("delete", object));
        let writes: Vec<_> = changes().filter_map(write).chain(deletes).collect();
        if writes.is_empty() {
            return Ok(());
        }
        if !may_do_everything(&self.cluster).await {
            self.has_rights(&writes, prepared).await?;
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

    /// Whether the current user has the rights for these writes, and those that the teams' Roles give.
    async fn has_rights(
        &self,
        writes: &[Write<'_>],
        prepared: &[Prepared<'_>],
    ) -> anyhow::Result<()> {
        let lacking = lacking_rights(&self.cluster, writes).await;
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
        Ok(())
    }

    /// The same of an API server that does not tell who asks: has it try the write for one team, if possible one
    /// that the guard knows. A Secret whose namespace is not there yet cannot be tried.
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
        let is_known = |it: &&Prepared<'_>| self.registered(&it.team.team).is_some();
        let has_namespace = |it: &&Prepared<'_>| {
            let namespaces = namespaces_of(it.team);
            namespaces
                .first()
                .is_some_and(|tiller| it.looked.live(tiller).is_some())
        };
        let mut all = prepared.iter();
        let known = all
            .find(is_known)
            .or_else(|| prepared.iter().find(has_namespace));
        if let Some(prepared) = known {
            let stages = prepared.plan.stages.iter();
            let secret = stages.flat_map(|it| &it.objects).find(|planned| {
                let name = planned.object.pointer("/metadata/name");
                name.is_some_and(|it| *it == *self.settings.certificate_secret)
            });
            let Some(secret) = secret else { return Ok(()) };
            let seen = prepared.looked.seen(&secret.object);
            let tried = writer.apply_over(&desired(secret, true), seen).await;
            let Err(error) = tried else { return Ok(()) };
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
        let text = match self.stock.find("ConfigMap", POLICY_FILE) {
            Some(found) => {
                found.and_then(|it| Some(it.pointer("/data/policy.yaml")?.as_str()?.to_owned()))
            }
            None => policy_text(&self.cluster, namespace)
                .await
                .unwrap_or_default(),
        };
        let Some(text) = text else { return Ok(()) };
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
            POLICY_FILE
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

fn write(applied: &Applied) -> Option<Write<'_>> {
    match applied.change {
        Change::Created => Some(("create", &applied.object)),
        Change::Updated { .. } => Some(("patch", &applied.object)),
        Change::Unchanged | Change::Left | Change::Deleted | Change::Absent => None,
    }
}
