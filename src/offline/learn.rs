//! What is known from the manifests themselves.

use super::judge::read;
use super::scripts::{Script, scripts};
use super::{Judging, on_all_cores};
use crate::k8s::{self, TEAM_SELECTOR};
use crate::manifest::{ManifestObject, Stream};
use crate::policy::custody::CustodyKind;
use crate::policy::rbac::Account;
use crate::policy::team::Team;
use crate::policy::{Invitation, Knowledge, ObjectKind};

/// The policy, with the roles, bindings, teams and Tillers that these manifests hold.
pub fn knowing(judging: Judging, streams: &[&Stream]) -> Judging {
    let telling = on_all_cores(streams, |stream| telling(stream, &judging));
    let scripts = telling.iter().flat_map(|(_, scripts)| scripts.clone());
    let scripts = scripts.collect();
    let knowledge = telling
        .iter()
        .flat_map(|(objects, _)| objects)
        .fold(Knowledge::default(), |knowledge, object| {
            learn(knowledge, object, &judging)
        });
    Judging {
        knowledge,
        scripts,
        ..judging
    }
}

/// The objects of a stream that something is learned from, and what its ConfigMaps start. What cannot be read is reported where it
/// is judged.
fn telling(stream: &Stream, judging: &Judging) -> (Vec<ManifestObject>, Vec<Script>) {
    let mut found = Vec::new();
    let nothing = Knowledge::default();
    let objects = stream
        .documents()
        .flat_map(|document| document.objects())
        .flatten();
    let telling = objects.filter(|object| {
        found.extend(scripts(object, judging));
        learn(nothing.clone(), object, judging) != nothing
    });
    (telling.collect(), found)
}

/// What is known with this object too.
fn learn(knowledge: Knowledge, object: &ManifestObject, judging: &Judging) -> Knowledge {
    let invitations = Invitation::all_of(&object.kind, &object.value);
    if !invitations.is_empty() {
        return invited(&knowledge, object, invitations, judging);
    }
    if object.api_version == "v1" && object.kind == "ServiceAccount" {
        return match (object.namespace.as_ref()).or(judging.namespace.as_ref()) {
            Some(namespace) if judging.settings.takes_for_tiller_account(&object.name) => {
                let name = object.name.as_str();
                knowledge.with_account(Account { namespace, name })
            }
            _ => knowledge,
        };
    }
    if let Some(team) = team(object) {
        return knowledge.with_team(team);
    }
    let Some(kind) = object.judged_as() else {
        return knowledge;
    };
    match read(kind, object, judging) {
        Ok(object) => knowledge.with(&object),
        Err(_) => knowledge,
    }
}

/// What is known with what a Namespace or a ServiceAccount asks of injectors.
fn invited(
    knowledge: &Knowledge,
    object: &ManifestObject,
    invitations: Vec<Invitation>,
    judging: &Judging,
) -> Knowledge {
    let name = object.name.as_str();
    match (object.namespace.as_ref()).or(judging.namespace.as_ref()) {
        _ if object.kind == "Namespace" => knowledge.with_invitations_in(name, invitations),
        Some(namespace) => knowledge.with_invitations_of(Account { namespace, name }, invitations),
        None => knowledge.clone(),
    }
}

/// The team that a `ConfigMap` registers.
fn team(object: &ManifestObject) -> Option<Team> {
    let (key, value) = TEAM_SELECTOR.split_once('=')?;
    let labels = object.value.pointer("/metadata/labels")?;
    let is_team = object.judged_as() == Some(ObjectKind::Custody(CustodyKind::ConfigMap))
        && labels.get(key).is_some_and(|it| it == value);
    let registration = is_team.then(|| k8s::team_registration(&object.value))?;
    Some(registration.ok()?.ok()?.team)
}
