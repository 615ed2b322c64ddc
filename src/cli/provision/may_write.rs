//! Checks whether the user of `provision` may write everything that it needs, before anything is written.

use std::collections::BTreeSet;

use anyhow::bail;
use serde_json::{Value, json};

use super::super::policy_options::now;
use super::prepare::{Prepared, desired};
use super::session::{OWNER, Session};
use crate::cluster::apply::{
    Applied, ApplyError, Change, Desired, Effect, Expects, Foreign, ObjectReference, Seen, Writer,
};
use crate::cluster::install::policy_text;
use crate::cluster::team::{
    Registered, Write, lacking_grants, lacking_rights, may_do_everything, requester,
    tried_requester,
};
use crate::config;
use crate::gather::Gather as _;
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
        let requester = match requester(&self.cluster).await {
            Some(requester) => Some(requester),
            None => tried_requester(&self.cluster).await,
        };
        let is_known = match requester {
            Some(requester) => self.is_administrator(certificate, &requester).await?,
            None => false,
        };
        if is_known {
            return Ok(());
        }
        self.is_let(prepared).await
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

    /// The same if the API server does not say who asks, or there is no policy to read: has it try the write for one team. A Secret
    /// whose namespace is not there yet cannot be tried.
    async fn is_let(&self, prepared: &[Prepared<'_>]) -> anyhow::Result<()> {
        let effect = Effect::ServerDryRun;
        if effect.check(&self.cluster).is_err() {
            return Ok(());
        }
        let Some((secret, seen)) = self.certificate_to_try(prepared) else {
            return Ok(());
        };
        let writer = Writer {
            cluster: self.cluster.clone(),
            owner: OWNER,
            adopt: true,
            effect,
            expects: Expects::Absent,
        };
        let Err(error) = writer.apply_over(&secret, seen).await else {
            return Ok(());
        };
        let is_refused = matches!(&error, ApplyError::Forbidden { causes, .. }
            if causes.iter().any(|it| it == "certificate-secret"));
        if is_refused {
            bail!(
                "you may not write the certificates of Tillers: {error}; nothing was changed: ask one of the `administrators` of \
                 the policy to do it, or to add you there"
            );
        }
        Ok(())
    }

    /// Tiller's Secret of a team that the guard knows, of this run if possible; else one of this run.
    fn certificate_to_try(&self, prepared: &[Prepared<'_>]) -> Option<(Desired, Seen)> {
        let secret = &self.settings.certificate_secret;
        let own = |prepared: &Prepared<'_>| {
            let planned = prepared.plan.stages.iter().flat_map(|it| &it.objects);
            let mut planned = planned.filter(|it| {
                let name = it.object.pointer("/metadata/name");
                name.is_some_and(|it| *it == **secret)
            });
            let planned = planned.next()?;
            let seen = prepared.looked.seen(&planned.object);
            Some((desired(planned, true), seen))
        };
        let of_other = |team: &Registered| {
            let namespace = &team.team.tiller_namespace;
            let is_there = self
                .stock
                .namespace(namespace)
                .is_none_or(|it| it.is_some());
            let object = json!({
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": { "namespace": namespace, "name": secret },
                "data": { "tiller-guard": "" },
            });
            let foreign = Foreign::Refuse;
            is_there.then_some((Desired { object, foreign }, Seen::Unknown))
        };
        let mut present = prepared.iter().filter(|it| has_namespace(it));
        let mut known = present
            .clone()
            .filter(|it| self.registered(&it.team.team).is_some());
        let known = known.find_map(own);
        let known = known.or_else(|| self.registered.iter().find_map(of_other));
        known.or_else(|| present.find_map(own))
    }

    /// Once the guard runs, only the policy's administrators write Tiller's certificates. False if there is no policy to read.
    async fn is_administrator(
        &self,
        certificate: &Applied,
        requester: &Requester<'_>,
    ) -> anyhow::Result<bool> {
        let namespace = &self.shared.place.guard_namespace;
        let text = match self.stock.find("ConfigMap", POLICY_FILE) {
            Some(found) => {
                found.and_then(|it| Some(it.pointer("/data/policy.yaml")?.as_str()?.to_owned()))
            }
            None => policy_text(&self.cluster, namespace)
                .await
                .unwrap_or_default(),
        };
        let Some(text) = text else { return Ok(false) };
        let Ok(policy) = config::read(text.as_bytes(), now()) else {
            return Ok(false);
        };
        if policy.settings.administrators.include(requester) {
            return Ok(true);
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

/// Whether the namespace of this team's Tiller is there.
fn has_namespace(prepared: &Prepared<'_>) -> bool {
    let namespaces = namespaces_of(prepared.team);
    let tiller = namespaces.first();
    tiller.is_some_and(|it| prepared.looked.live(it).is_some())
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
        .gather();
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
