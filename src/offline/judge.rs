//! One object of a manifest, judged.

use json_patch::Patch;

use super::Judging;
use crate::k8s::{self, TEAM_SELECTOR};
use crate::manifest::{self, Document, ManifestObject, Part, Stream};
use crate::policy::custody::{Coming, CustodyKind, CustodyObject, decide_custody};
use crate::policy::exposure::{ExposureKind, decide_exposure};
use crate::policy::rbac::{Account, RbacKind, RbacObject};
use crate::policy::rights::decide_rbac;
use crate::policy::team::Team;
use crate::policy::{
    self, Context, Finding, Invitation, Knowledge, Mode, ObjectKind, ObjectName, Workload,
    WorkloadKind,
};
use crate::report;

/// What was decided on an object.
#[derive(Debug, Default)]
pub struct Judgement {
    /// What the rules found.
    pub findings: Vec<Finding>,
    /// The containers that are Tillers.
    pub tillers: Vec<report::Tiller>,
    /// Why it is none though it has the signs of one.
    pub not_tiller: Option<String>,
    /// What hardens it.
    pub patch: Patch,
}

/// An object that was not judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unjudged {
    /// It is not what its kind says.
    #[error(transparent)]
    Malformed(#[from] k8s::Malformed),
    /// It is of a kind that is not read, and may hold a Tiller.
    #[error(
        "{object} may hold a Tiller ({sign}), and its kind is not read; check what is made of it by hand"
    )]
    Unread {
        /// Its kind, namespace and name.
        object: String,
        /// Where it says so: a JSON pointer in the object.
        sign: String,
    },
}

/// Judges an object. What carries no pod, gives no rights, opens no port and holds nothing of a Tiller's has no findings.
pub fn judge(object: &ManifestObject, judging: &Judging) -> Result<Judgement, Unjudged> {
    let judged = judge_kind(object, judging);
    match judged {
        Some(Err(_)) if object.pod_kind() == Some(WorkloadKind::Custom) => {
            judge_unread(object, judging)
        }
        Some(judged) => Ok(judged?),
        None => judge_unread(object, judging),
    }
}

/// An object of a kind that is not read: the report says only that it may hold a Tiller.
fn judge_unread(object: &ManifestObject, judging: &Judging) -> Result<Judgement, Unjudged> {
    let Some(sign) = k8s::sign_of_tiller(&object.value, &|image| {
        judging.settings.is_other_image(image)
    }) else {
        return Ok(Judgement::default());
    };
    let ManifestObject {
        kind,
        namespace,
        name,
        ..
    } = object;
    let object = match namespace {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    };
    Err(Unjudged::Unread { object, sign })
}

/// Judges an object of a kind that is read.
fn judge_kind(
    object: &ManifestObject,
    judging: &Judging,
) -> Option<Result<Judgement, k8s::Malformed>> {
    Some(if let Some(kind) = object.pod_kind() {
        judge_pod(kind, object, judging)
    } else if let Some(kind) = object.rbac_kind() {
        judge_access(kind, object, judging)
    } else if let Some(kind) = object.exposure_kind() {
        judge_exposure(kind, object, judging)
    } else if let Some(kind) = object.custody_kind() {
        judge_custody(kind, object, judging)
    } else {
        return None;
    })
}

fn judge_access(
    kind: RbacKind,
    object: &ManifestObject,
    judging: &Judging,
) -> Result<Judgement, k8s::Malformed> {
    let read = rbac_object(kind, object, judging)?;
    let findings = decide_rbac(&read, &judging.settings, &judging.knowledge);
    Ok(left(findings, ObjectKind::Rbac(kind), object, judging))
}

fn judge_exposure(
    kind: ExposureKind,
    object: &ManifestObject,
    judging: &Judging,
) -> Result<Judgement, k8s::Malformed> {
    let read = k8s::exposure_object(kind, &object.value)?;
    let findings = decide_exposure(&read, &judging.settings);
    Ok(left(findings, ObjectKind::Exposure(kind), object, judging))
}

fn judge_custody(
    kind: CustodyKind,
    object: &ManifestObject,
    judging: &Judging,
) -> Result<Judgement, k8s::Malformed> {
    let mut read = k8s::custody_object(kind, &object.value)?;
    if let (None, Some(namespace)) = (&object.namespace, &judging.namespace) {
        read.stand_in(namespace.as_str().into());
    }
    let coming = Coming::default();
    let findings = decide_custody(&read, coming, &judging.settings, &judging.context());
    Ok(left(findings, ObjectKind::Custody(kind), object, judging))
}

/// What is left of the findings in an object that carries no pod.
fn left(
    findings: Vec<Finding>,
    kind: ObjectKind,
    object: &ManifestObject,
    judging: &Judging,
) -> Judgement {
    let namespace = object.namespace.as_ref().or(judging.namespace.as_ref());
    let named = ObjectName {
        kind,
        namespace: namespace
            .filter(|_| kind.has_namespace())
            .map_or("", String::as_str),
        name: &object.name,
    };
    let verdict = policy::except(findings, named, &judging.settings, &judging.context());
    Judgement {
        findings: verdict.findings,
        ..Judgement::default()
    }
}

fn rbac_object<'o>(
    kind: RbacKind,
    object: &'o ManifestObject,
    judging: &'o Judging,
) -> Result<RbacObject<'o>, k8s::Malformed> {
    let mut read = k8s::rbac_object(kind, &object.value)?;
    if let (None, Some(namespace)) = (&object.namespace, &judging.namespace) {
        read.stand_in(namespace.as_str().into());
    }
    Ok(read)
}

fn pod_workload<'o>(
    kind: WorkloadKind,
    object: &'o ManifestObject,
    judging: &'o Judging,
) -> Result<Workload<'o>, k8s::Malformed> {
    let mut workload = k8s::workload(kind, &object.value)?;
    if object.namespace.is_none() {
        workload.namespace = judging.namespace.as_deref().map(Into::into);
    }
    Ok(workload)
}

/// The policy with what these manifests tell of one another: their roles, bindings, teams and Tillers.
pub fn knowing<'s>(judging: Judging, streams: impl IntoIterator<Item = &'s Stream>) -> Judging {
    let mut knowledge = Knowledge::default();
    let parts = streams.into_iter().flat_map(|stream| &stream.parts);
    for part in parts {
        if let Part::Document(document) = part {
            // What cannot be read is reported where it is judged.
            for object in document.objects().into_iter().flatten() {
                knowledge = learn(knowledge, &object, &judging);
            }
        }
    }
    Judging {
        knowledge,
        ..judging
    }
}

fn judge_pod(
    kind: WorkloadKind,
    object: &ManifestObject,
    judging: &Judging,
) -> Result<Judgement, k8s::Malformed> {
    let workload = pod_workload(kind, object, judging)?;
    let Judging {
        settings, modes, ..
    } = judging;
    // An object is no second Tiller beside itself.
    let own = workload.tiller_use();
    let others = own.map(|own| judging.knowledge.without_tiller(own));
    let context = Context {
        knowledge: others.as_ref().unwrap_or(&judging.knowledge),
        ..judging.context()
    };
    let verdict = policy::decide(&workload, settings, &context);
    // Whether a file's Tiller is a new one is not known: of the modes, only this one says something of it.
    let forbidden = match modes.of(workload.namespace.as_deref()) {
        Mode::Forbid => policy::forbidden(&verdict, settings),
        Mode::Audit | Mode::Warn | Mode::Enforce | Mode::Freeze => None,
    };
    let policy::Verdict {
        tillers,
        findings,
        excepted: _,
        patch,
    } = verdict;
    let findings = forbidden.into_iter().chain(findings).collect();
    // Operations on JSON values are JSON: this does not fail.
    let patch = patch.to_json_patch().unwrap_or_default();
    let tillers = tillers.iter().map(report::Tiller::from).collect();
    let not_tiller = settings.reason_against(&workload).map(str::to_owned);
    Ok(Judgement {
        findings,
        tillers,
        not_tiller,
        patch,
    })
}

/// What is known with this object too.
fn learn(knowledge: Knowledge, object: &ManifestObject, judging: &Judging) -> Knowledge {
    if let Some(kind) = object.rbac_kind() {
        return match rbac_object(kind, object, judging) {
            Ok(RbacObject::Role(role)) => knowledge.with_role(&role),
            Ok(RbacObject::Binding(binding)) => knowledge.with_binding(&binding),
            Err(_) => knowledge,
        };
    }
    let invitations = Invitation::all_of(&object.kind, &object.value);
    if !invitations.is_empty() {
        return invited(&knowledge, object, invitations, judging);
    }
    if let Some(team) = team(object) {
        return knowledge.with_team(team);
    }
    if let Some(kind) = object.custody_kind() {
        let read = k8s::custody_object(kind, &object.value);
        let namespace = object.namespace.as_ref().or(judging.namespace.as_ref());
        return match (read, namespace) {
            (Ok(CustodyObject::ConfigMap(map)), Some(namespace)) if map.holds_release => {
                knowledge.with_release_record(namespace, &object.name)
            }
            (Ok(CustodyObject::Secret(secret)), Some(namespace)) => {
                knowledge.with_certificates(namespace, &object.name, secret.authorities)
            }
            _ => knowledge,
        };
    }
    let workload = object
        .pod_kind()
        .and_then(|kind| pod_workload(kind, object, judging).ok())
        .filter(|workload| judging.settings.takes_for_tiller(workload));
    match workload.as_ref().and_then(Workload::tiller_use) {
        Some(tiller) => knowledge.with_tiller(tiller),
        None => knowledge,
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
    let is_team = object.custody_kind() == Some(CustodyKind::ConfigMap)
        && labels.get(key).is_some_and(|it| it == value);
    let registration = is_team.then(|| k8s::team_registration(&object.value))?;
    Some(registration.ok()?.ok()?.team)
}

/// The object as it is reported: with the findings of its manifest, and with lines.
pub fn report_object(
    file: &str,
    document: &Document,
    object: ManifestObject,
    judgement: Judgement,
    judging: &Judging,
) -> report::ReportedObject {
    let ManifestObject {
        pointer,
        api_version,
        kind,
        namespace,
        name,
        value: _,
        duplicates,
        place,
        ..
    } = object;
    let duplicates = duplicates
        .iter()
        .map(|duplicate| duplicate.finding(&pointer, &judging.settings));
    let findings = duplicates.chain(judgement.findings).map(|finding| {
        let place = document.place_of(&format!("{pointer}{}", finding.path));
        report::Finding {
            line: Some(place.line),
            column: Some(place.column),
            ..report::Finding::from(&finding)
        }
    });
    report::ReportedObject {
        file: file.to_owned(),
        document: document.number,
        line: place.line,
        api_version,
        kind,
        namespace: namespace.or_else(|| judging.namespace.clone()),
        name,
        findings: findings.collect(),
        tillers: judgement.tillers,
        not_tiller: judgement.not_tiller,
        pointer,
    }
}

/// A document or object that cannot be read, as it is reported.
pub fn report_unreadable(file: &str, unreadable: &manifest::Unreadable) -> report::Unreadable {
    let manifest::Unreadable {
        document,
        place,
        message,
    } = unreadable;
    report::Unreadable {
        file: file.to_owned(),
        document: Some(*document),
        line: Some(place.line),
        column: Some(place.column),
        message: message.clone(),
    }
}

/// An object that was not judged, as it is reported.
pub fn unjudged(
    document: &Document,
    object: &ManifestObject,
    error: &Unjudged,
) -> manifest::Unreadable {
    let place = match error {
        Unjudged::Malformed(_) => object.place,
        Unjudged::Unread { sign, .. } => document.place_of(&format!("{}{sign}", object.pointer)),
    };
    manifest::Unreadable {
        document: document.number,
        place,
        message: error.to_string(),
    }
}
