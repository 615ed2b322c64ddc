//! From an object of a known kind to the pod it carries.

use serde::Deserialize;
use serde::de::Deserializer;

use crate::pod::{Items, PodSpec, Text};
use crate::policy::{Annotations, Kind, Labels, Owner, PodMetadata, Subject};

/// An object is not what its kind says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {kind} cannot be read: {reason}")]
pub struct Malformed {
    /// The kind it was read as.
    pub kind: &'static str,
    /// What is wrong, with its place where known.
    pub reason: String,
}

/// Reads the subject of an object of this kind, borrowed where the deserialiser lends (JSON text, or a
/// `&serde_json::Value`).
pub fn subject<'de, D: Deserializer<'de>>(
    kind: Kind,
    object: D,
) -> Result<Subject<'de>, Malformed> {
    read(kind, object).map_err(|error| Malformed {
        kind: kind.as_str(),
        reason: error.to_string(),
    })
}

/// The same, with the deserialiser's own error.
pub(super) fn read<'de, D: Deserializer<'de>>(
    kind: Kind,
    object: D,
) -> Result<Subject<'de>, D::Error> {
    let (metadata, template, idle) = match kind {
        Kind::Pod => {
            let Pod { metadata, spec } = Pod::deserialize(object)?;
            let PodObjectMetadata {
                name,
                namespace,
                owner_references,
                labels,
                annotations,
            } = metadata;
            let metadata = Some(PodMetadata {
                labels,
                annotations,
            });
            let object = ObjectMetadata {
                name,
                namespace,
                owner_references,
            };
            (object, Template { metadata, spec }, false)
        }
        Kind::PodTemplate => {
            let PodTemplate { metadata, template } = PodTemplate::deserialize(object)?;
            (metadata, template, false)
        }
        Kind::CronJob => {
            let CronJob { metadata, spec } = CronJob::deserialize(object)?;
            let idle = spec.suspend == Some(true);
            (metadata, spec.job_template.spec.template, idle)
        }
        Kind::ReplicationController
        | Kind::Deployment
        | Kind::ReplicaSet
        | Kind::StatefulSet
        | Kind::DaemonSet
        | Kind::Job => {
            let Workload { metadata, spec } = Workload::deserialize(object)?;
            let idle = spec.replicas == Some(0) || spec.suspend == Some(true);
            (metadata, spec.template, idle)
        }
    };
    let ObjectMetadata {
        name,
        namespace,
        owner_references,
    } = metadata;
    let Template {
        metadata,
        spec: pod,
    } = template;
    let namespace = Some(namespace).filter(|namespace| !namespace.is_empty());
    Ok(Subject {
        kind,
        namespace,
        name,
        owner: controlling(&owner_references),
        idle,
        metadata,
        pod,
    })
}

/// The owner whose controller answers for the object: there is one at most (`ValidateOwnerReferences`).
fn controlling<'a>(references: &[OwnerReference<'a>]) -> Option<Owner<'a>> {
    let reference = references.iter().find(|it| it.controller == Some(true))?;
    let group = reference
        .api_version
        .split_once('/')
        .map_or("", |(group, _)| group);
    Some(Owner {
        kind: Kind::find(group, &reference.kind)?,
        name: reference.name.clone(),
    })
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "'de: 'a"))]
struct ObjectMetadata<'a> {
    name: Text<'a>,
    namespace: Text<'a>,
    owner_references: Items<OwnerReference<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "'de: 'a"))]
struct OwnerReference<'a> {
    api_version: Text<'a>,
    kind: Text<'a>,
    name: Text<'a>,
    controller: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "'de: 'a"))]
struct PodObjectMetadata<'a> {
    name: Text<'a>,
    namespace: Text<'a>,
    owner_references: Items<OwnerReference<'a>>,
    labels: Option<Labels<'a>>,
    annotations: Option<Annotations<'a>>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Pod<'a> {
    #[serde(default)]
    metadata: PodObjectMetadata<'a>,
    #[serde(default)]
    spec: PodSpec<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Template<'a> {
    metadata: Option<PodMetadata<'a>>,
    spec: PodSpec<'a>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct PodTemplate<'a> {
    #[serde(default)]
    metadata: ObjectMetadata<'a>,
    #[serde(default)]
    template: Template<'a>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Workload<'a> {
    #[serde(default)]
    metadata: ObjectMetadata<'a>,
    #[serde(default)]
    spec: WorkloadSpec<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct WorkloadSpec<'a> {
    replicas: Option<i64>,
    suspend: Option<bool>,
    template: Template<'a>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct CronJob<'a> {
    #[serde(default)]
    metadata: ObjectMetadata<'a>,
    #[serde(default)]
    spec: CronJobSpec<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "'de: 'a"))]
struct CronJobSpec<'a> {
    suspend: Option<bool>,
    job_template: JobTemplate<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct JobTemplate<'a> {
    spec: WorkloadSpec<'a>,
}
