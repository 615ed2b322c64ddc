//! From an object of a known kind to the pod it carries.

use serde::Deserialize;
use serde::de::Deserializer;

use crate::pod::{Container, Items, MAX_CONTAINERS, PodSpec, Text};
use crate::policy::{Annotations, Kind, Labels, Maker, Owner, PodMetadata, Subject};

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
            let (metadata, template) = metadata.around(spec);
            (metadata, template, false)
        }
        Kind::EphemeralContainers => {
            let EphemeralContainers {
                metadata,
                ephemeral_containers,
            } = EphemeralContainers::deserialize(object)?;
            let spec = PodSpec {
                ephemeral_containers,
                ..PodSpec::default()
            };
            let template = Template {
                metadata: None,
                spec,
            };
            (metadata, template, false)
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
    let maker = if kind == Kind::Pod && is_mirror(metadata.as_ref()) {
        Some(Maker::Kubelet)
    } else {
        controller(owner_references)
    };
    let namespace = Some(namespace).filter(|namespace| !namespace.is_empty());
    Ok(Subject {
        kind,
        namespace,
        name,
        idle,
        metadata,
        maker,
        pod,
    })
}

fn is_mirror(metadata: Option<&PodMetadata<'_>>) -> bool {
    metadata
        .and_then(|metadata| metadata.annotations.as_ref())
        .is_some_and(|annotations| annotations.mirror.is_some())
}

/// The owner whose controller answers for the object: there is one at most (`ValidateOwnerReferences`).
fn controller(owners: Items<OwnerReference<'_>>) -> Option<Maker<'_>> {
    let OwnerReference {
        api_version,
        kind,
        name,
        controller: _,
    } = owners
        .into_iter()
        .find(|owner| owner.controller == Some(true))?;
    Some(Maker::Controller(Owner {
        api_version,
        kind,
        name,
    }))
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
struct PodObjectMetadata<'a> {
    name: Text<'a>,
    namespace: Text<'a>,
    labels: Option<Labels<'a>>,
    annotations: Option<Annotations<'a>>,
    owner_references: Items<OwnerReference<'a>>,
}

impl<'a> PodObjectMetadata<'a> {
    /// The pod's own metadata, which is that of its object, with its specification.
    fn around(self, spec: PodSpec<'a>) -> (ObjectMetadata<'a>, Template<'a>) {
        let Self {
            name,
            namespace,
            labels,
            annotations,
            owner_references,
        } = self;
        let object = ObjectMetadata {
            name,
            namespace,
            owner_references,
        };
        let metadata = Some(PodMetadata {
            labels,
            annotations,
        });
        (object, Template { metadata, spec })
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "'de: 'a"))]
struct OwnerReference<'a> {
    api_version: Text<'a>,
    kind: Text<'a>,
    name: Text<'a>,
    controller: Option<bool>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct Pod<'a> {
    #[serde(default)]
    metadata: PodObjectMetadata<'a>,
    #[serde(default)]
    spec: PodSpec<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
struct EphemeralContainers<'a> {
    #[serde(default)]
    metadata: ObjectMetadata<'a>,
    #[serde(default)]
    ephemeral_containers: Items<Container<'a>, MAX_CONTAINERS>,
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
