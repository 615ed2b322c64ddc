//! One object of a manifest, judged.

use std::cmp::Reverse;

use json_patch::Patch;

use super::Judging;
use super::held::{held_tiller, written_tiller};
use super::scripts::run_by;
use crate::k8s;
use crate::manifest::{self, Document, ManifestObject};
use crate::policy::rbac::Holder;
use crate::policy::{
    self, Context, Finding, Mode, Object, ObjectKind, Verdict, WorkloadKind, decide,
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
        "{object} may hold a Tiller ({sign}), but tiller-guard does not read its kind; check the pods that it makes"
    )]
    Unread {
        /// Its kind, namespace and name.
        object: String,
        /// Where it says so: a JSON pointer in the object.
        sign: String,
    },
    /// It runs a script of a ConfigMap or a Secret that starts Tiller.
    #[error(
        "{object} may start a Tiller: it takes in {holder}, whose {key} starts one; tiller-guard does not judge what ConfigMaps and \
         Secrets hold; start /tiller by its own manifest"
    )]
    Script {
        /// Its kind, namespace and name.
        object: String,
        /// The kind and name of what holds the script.
        holder: String,
        /// The key in it.
        key: String,
    },
    /// It holds the manifest of a Tiller, for somebody to apply.
    #[error(
        "{object} holds the manifest of a Tiller ({sign}), which tiller-guard does not judge there; check that manifest as a file of its own"
    )]
    Held {
        /// Its kind, namespace and name.
        object: String,
        /// Where it does: a JSON pointer in the object.
        sign: String,
    },
    /// It adds to the pods of a Tiller, and is of a kind that is not read.
    #[error(
        "{object} adds to pods with Tiller's labels ({sign}), but tiller-guard does not read its kind; write what it adds into \
         Tiller's manifest"
    )]
    Adds {
        /// Its kind, namespace and name.
        object: String,
        /// Where it selects them: a JSON pointer in the object.
        sign: String,
    },
    /// A trigger puts an image into its pod that is Tiller's.
    #[error(
        "{object} may hold a Tiller ({sign}), whose image a trigger puts in; write the image into the pod's template"
    )]
    Trigger {
        /// Its kind, namespace and name.
        object: String,
        /// Where it says so: a JSON pointer in the object.
        sign: String,
    },
    /// Its strategy starts a pod beside those of its template, which is taken for a Tiller.
    #[error(
        "{object} may start a Tiller ({sign}) while it rolls out, which tiller-guard does not judge; start /tiller by its own manifest"
    )]
    Strategy {
        /// Its kind, namespace and name.
        object: String,
        /// Where it says so: a JSON pointer in the object.
        sign: String,
    },
    /// It leads to a Tiller by a field that is not judged.
    #[error(
        "{object} may lead to a Tiller ({sign}), but tiller-guard does not follow it; remove what leads there: Helm's client reaches \
         Tiller by port-forward"
    )]
    Way {
        /// Its kind, namespace and name.
        object: String,
        /// Where it says so: a JSON pointer in the object.
        sign: String,
    },
    /// It is of a kind that is not read, and may give rights to a Tiller's account.
    #[error(
        "{object} may give rights to a Tiller's service account ({sign}), but tiller-guard does not read its kind; remove that user or group"
    )]
    UnreadRights {
        /// Its kind, namespace and name.
        object: String,
        /// Where it says so: a JSON pointer in the object.
        sign: String,
    },
    /// It is of a kind that is not read, and may lead to a Tiller.
    #[error(
        "{object} may lead to a Tiller ({sign}), but tiller-guard does not read its kind; remove what leads there: Helm's client \
         reaches Tiller by port-forward"
    )]
    UnreadRoute {
        /// Its kind, namespace and name.
        object: String,
        /// Where it says so: a JSON pointer in the object.
        sign: String,
    },
}

/// Judges an object. What carries no pod, gives no rights, opens no port and holds nothing of a Tiller's has no findings.
pub fn judge(object: &ManifestObject, judging: &Judging) -> Result<Judgement, Unjudged> {
    match judge_read_kind(object, judging) {
        Some(judgement) => beside(object, judgement?, judging),
        None => judge_unread(object, judging),
    }
}

/// Judges what is read of an object, if its kind is one that is.
pub(super) fn judge_read_kind(
    object: &ManifestObject,
    judging: &Judging,
) -> Option<Result<Judgement, k8s::Malformed>> {
    let kind = object.judged_as()?;
    match read(kind, object, judging) {
        Ok(read) => Some(Ok(judge_read(&read, judging))),
        Err(_) if kind == ObjectKind::Workload(WorkloadKind::Custom) => None,
        Err(malformed) => Some(Err(malformed)),
    }
}

/// What was decided on an object, if no field that is not judged tells of a Tiller.
fn beside(
    object: &ManifestObject,
    judgement: Judgement,
    judging: &Judging,
) -> Result<Judgement, Unjudged> {
    let told = !judgement.tillers.is_empty() || judgement.not_tiller.is_some();
    let title = || title(object);
    if let (false, Some(sign)) = (told, k8s::trigger_of_tiller(&object.value)) {
        let object = title();
        return Err(Unjudged::Trigger { object, sign });
    }
    let is_other = |image: &str| judging.settings.is_other_image(image);
    if let (false, Some(sign)) = (told, k8s::strategy_of_tiller(&object.value, &is_other)) {
        let object = title();
        return Err(Unjudged::Strategy { object, sign });
    }
    if let (false, Some(script)) = (told, run_by(object, judging, &judging.scripts)) {
        return Err(Unjudged::Script {
            object: title(),
            holder: script.held_by(),
            key: script.key.clone(),
        });
    }
    if let Some(sign) = held_tiller(object, judging) {
        let object = title();
        return Err(Unjudged::Held { object, sign });
    }
    if let Some(sign) = k8s::preset_of_tiller(&object.kind, &object.value) {
        let object = title();
        return Err(Unjudged::Adds { object, sign });
    }
    let way = k8s::way_beside(&object.kind, &object.value);
    match way.filter(|_| judgement.findings.is_empty()) {
        Some(sign) => Err(Unjudged::Way {
            object: title(),
            sign,
        }),
        None => Ok(judgement),
    }
}

/// Kind, namespace and name.
fn title(object: &ManifestObject) -> String {
    report::title(&object.kind, object.namespace.as_deref(), &object.name)
}

/// An object of a kind that is not read: the report says only that it may hold a Tiller.
fn judge_unread(object: &ManifestObject, judging: &Judging) -> Result<Judgement, Unjudged> {
    let is_other = |image: &str| judging.settings.is_other_image(image);
    let of_tiller = k8s::sign_of_tiller(&object.value, &is_other);
    let way = k8s::way_to_tiller(&object.kind, &object.value);
    let is_tillers = |holder: Holder<'_>| {
        let mut accounts = judging.knowledge.tiller_accounts(holder, &judging.settings);
        // Everybody holds what is given to everybody.
        holder != Holder::Authenticated && accounts.next().is_some()
    };
    let user = k8s::user_that(&object.value, is_tillers);
    let title = title(object);
    match (of_tiller, way, user) {
        (Some(sign), ..) => Err(Unjudged::Unread {
            object: title,
            sign,
        }),
        (None, Some(sign), _) => Err(Unjudged::UnreadRoute {
            object: title,
            sign,
        }),
        (None, None, Some(sign)) => Err(Unjudged::UnreadRights {
            object: title,
            sign,
        }),
        (None, None, None) => match written_tiller(object, judging) {
            Some(sign) => Err(Unjudged::Held {
                object: title,
                sign,
            }),
            None => beside(object, Judgement::default(), judging),
        },
    }
}

/// What is judged of an object, in the namespace of objects that name none.
pub(super) fn read<'o>(
    kind: ObjectKind,
    object: &'o ManifestObject,
    judging: &'o Judging,
) -> Result<Object<'o>, k8s::Malformed> {
    let mut read = k8s::read(kind, &object.value)?;
    if let (None, Some(namespace)) = (&object.namespace, &judging.namespace) {
        read.place_in(namespace.as_str().into());
    }
    Ok(read)
}

fn judge_read(object: &Object<'_>, judging: &Judging) -> Judgement {
    let Judging {
        settings, modes, ..
    } = judging;
    // An object is no second Tiller beside itself.
    let own = object.workload().and_then(policy::Workload::tiller_use);
    let others = own.map(|own| judging.knowledge.without_tiller(own));
    let context = Context {
        knowledge: others.as_ref().unwrap_or(&judging.knowledge),
        ..judging.context()
    };
    let verdict = decide(object, settings, &context);
    // Whether a file's Tiller is a new one is not known: of the modes, only this one says something of it.
    let forbidden = match modes.of(object.namespace()) {
        Mode::Forbid => policy::forbidden(&verdict, settings),
        Mode::Audit | Mode::Warn | Mode::Enforce | Mode::Freeze => None,
    };
    let not_tiller = object.workload().and_then(|it| settings.reason_against(it));
    Judgement {
        not_tiller: not_tiller.map(str::to_owned),
        ..Judgement::of(verdict, forbidden)
    }
}

// === impl Judgement ===

impl Judgement {
    /// What was decided, after what the mode alone objects to.
    fn of(verdict: Verdict<'_>, forbidden: Option<Finding>) -> Self {
        let Verdict {
            tillers,
            findings,
            excepted: _,
            patch,
        } = verdict;
        Self {
            findings: forbidden.into_iter().chain(findings).collect(),
            tillers: tillers.iter().map(report::Tiller::from).collect(),
            not_tiller: None,
            // Operations on JSON values are JSON: this does not fail.
            patch: patch.to_json_patch().unwrap_or_default(),
        }
    }
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
    let mut findings: Vec<Finding> = duplicates.chain(judgement.findings).collect();
    findings.sort_by_key(|finding| Reverse(finding.severity));
    let findings = findings.into_iter().map(|finding| {
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
        Unjudged::Malformed(_) | Unjudged::Script { .. } => object.place,
        Unjudged::Unread { sign, .. }
        | Unjudged::UnreadRoute { sign, .. }
        | Unjudged::UnreadRights { sign, .. }
        | Unjudged::Trigger { sign, .. }
        | Unjudged::Strategy { sign, .. }
        | Unjudged::Held { sign, .. }
        | Unjudged::Adds { sign, .. }
        | Unjudged::Way { sign, .. } => document.place_of(&format!("{}{sign}", object.pointer)),
    };
    manifest::Unreadable {
        document: document.number,
        place,
        message: error.to_string(),
    }
}
