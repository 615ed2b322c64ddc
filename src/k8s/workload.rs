//! From an object of a known kind to the pod it carries.

use crate::json::{ReadError, Source, fields, read as read_value};
use crate::pod::{Container, Items, MAX_CONTAINERS, Many, PodSpec, Text};
use crate::policy::{
    Annotations, Labels, Maker, ObjectKind, Owner, PodMetadata, Workload, WorkloadKind, Writer,
};

/// Reads an object of this kind.
pub(super) fn read<'j, S: Source<'j>>(
    kind: WorkloadKind,
    object: &mut S,
) -> Result<Workload<'j>, ReadError> {
    let (metadata, template, idle) = match kind {
        WorkloadKind::Pod => {
            let Pod { metadata, spec } = read_value(object)?;
            let (metadata, template) = metadata.around(spec);
            (metadata, template, false)
        }
        WorkloadKind::EphemeralContainers => {
            let EphemeralContainers {
                metadata,
                ephemeral_containers,
            } = read_value(object)?;
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
        WorkloadKind::PodTemplate => {
            let PodTemplate { metadata, template } = read_value(object)?;
            (metadata, template, false)
        }
        WorkloadKind::CronJob => {
            let CronJob { metadata, spec } = read_value(object)?;
            let idle = spec.suspend == Some(true);
            (metadata, spec.job_template.spec.template, idle)
        }
        WorkloadKind::Custom => {
            let CustomWorkload { metadata, spec } = read_value(object)?;
            (metadata, spec.template, false)
        }
        WorkloadKind::ReplicationController
        | WorkloadKind::Deployment
        | WorkloadKind::ReplicaSet
        | WorkloadKind::StatefulSet
        | WorkloadKind::DaemonSet
        | WorkloadKind::Job => {
            let PodController { metadata, spec } = read_value(object)?;
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
    let maker = if kind == WorkloadKind::Pod && is_mirror(metadata.as_ref()) {
        Some(Maker::Kubelet)
    } else {
        controller(owner_references)
    };
    let (namespace, placeholder) = told_namespace(namespace);
    let workload = Workload {
        kind,
        namespace,
        placeholder,
        name,
        idle,
        metadata,
        former_storage: None,
        writer: Writer::Unknown,
        maker,
        by_controller: false,
        pod,
    };
    if let Err(long) = workload.pod.held()
        && workload.holds_tiller()
    {
        return Err(long);
    }
    Ok(workload)
}

/// A namespace as a manifest says it: none if it is empty or no valid name, which somebody fills in later. That is
/// given beside it.
pub(super) fn told_namespace(text: Text<'_>) -> (Option<Text<'_>>, Option<Text<'_>>) {
    let is_label = text.len() <= 63
        && text
            .bytes()
            .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-');
    match text.as_str() {
        "" => (None, None),
        _ if is_label => (Some(text), None),
        _ => (None, Some(text)),
    }
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
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let workload = match ObjectKind::find(group, &kind) {
        Some(ObjectKind::Workload(kind)) => Some(kind),
        _ => None,
    };
    Some(Maker::Controller(Owner {
        api_version,
        kind,
        workload,
        name,
    }))
}

#[derive(Default)]
struct ObjectMetadata<'a> {
    name: Text<'a>,
    namespace: Text<'a>,
    owner_references: Items<OwnerReference<'a>>,
}

fields!(ObjectMetadata<'a> {
    "name" => name,
    "namespace" => namespace,
    "ownerReferences" => owner_references,
});

#[derive(Default)]
struct PodObjectMetadata<'a> {
    name: Text<'a>,
    namespace: Text<'a>,
    labels: Option<Labels<'a>>,
    annotations: Option<Annotations<'a>>,
    owner_references: Items<OwnerReference<'a>>,
}

fields!(PodObjectMetadata<'a> {
    "name" => name,
    "namespace" => namespace,
    "labels" => labels,
    "annotations" => annotations,
    "ownerReferences" => owner_references,
});

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

#[derive(Default)]
struct OwnerReference<'a> {
    api_version: Text<'a>,
    kind: Text<'a>,
    name: Text<'a>,
    controller: Option<bool>,
}

fields!(OwnerReference<'a> {
    "apiVersion" => api_version,
    "kind" => kind,
    "name" => name,
    "controller" => controller,
});

#[derive(Default)]
struct Pod<'a> {
    metadata: PodObjectMetadata<'a>,
    spec: PodSpec<'a>,
}

fields!(Pod<'a> {
    "metadata" => metadata,
    "spec" => spec,
});

#[derive(Default)]
struct EphemeralContainers<'a> {
    metadata: ObjectMetadata<'a>,
    ephemeral_containers: Many<Container<'a>, MAX_CONTAINERS>,
}

fields!(EphemeralContainers<'a> {
    "metadata" => metadata,
    "ephemeralContainers" => ephemeral_containers,
});

#[derive(Default)]
struct Template<'a> {
    metadata: Option<PodMetadata<'a>>,
    spec: PodSpec<'a>,
}

fields!(Template<'a> {
    "metadata" => metadata,
    "spec" => spec,
});

#[derive(Default)]
struct PodTemplate<'a> {
    metadata: ObjectMetadata<'a>,
    template: Template<'a>,
}

fields!(PodTemplate<'a> {
    "metadata" => metadata,
    "template" => template,
});

#[derive(Default)]
struct PodController<'a> {
    metadata: ObjectMetadata<'a>,
    spec: PodControllerSpec<'a>,
}

fields!(PodController<'a> {
    "metadata" => metadata,
    "spec" => spec,
});

#[derive(Default)]
struct PodControllerSpec<'a> {
    replicas: Option<i64>,
    suspend: Option<bool>,
    template: Template<'a>,
}

fields!(PodControllerSpec<'a> {
    "replicas" => replicas,
    "suspend" => suspend,
    "template" => template,
});

/// What is alike in custom workloads; whether one has pods now, each says in its own way.
#[derive(Default)]
struct CustomWorkload<'a> {
    metadata: ObjectMetadata<'a>,
    spec: CustomWorkloadSpec<'a>,
}

fields!(CustomWorkload<'a> {
    "metadata" => metadata,
    "spec" => spec,
});

#[derive(Default)]
struct CustomWorkloadSpec<'a> {
    template: Template<'a>,
}

fields!(CustomWorkloadSpec<'a> {
    "template" => template,
});

#[derive(Default)]
struct CronJob<'a> {
    metadata: ObjectMetadata<'a>,
    spec: CronJobSpec<'a>,
}

fields!(CronJob<'a> {
    "metadata" => metadata,
    "spec" => spec,
});

#[derive(Default)]
struct CronJobSpec<'a> {
    suspend: Option<bool>,
    job_template: JobTemplate<'a>,
}

fields!(CronJobSpec<'a> {
    "suspend" => suspend,
    "jobTemplate" => job_template,
});

#[derive(Default)]
struct JobTemplate<'a> {
    spec: PodControllerSpec<'a>,
}

fields!(JobTemplate<'a> {
    "spec" => spec,
});
