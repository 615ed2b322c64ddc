//! What is judged: a pod, wherever it stands.

use super::annotations::Annotations;
use super::rbac::Account;
use crate::json::fields;
use crate::pod::{PodSpec, Text};
use crate::tiller::{Recognised, Storage, Surroundings, Tiller, Traits, recognise};

/// A pod to judge, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload<'a> {
    /// The kind of the object that carries it.
    pub kind: WorkloadKind,
    /// The namespace, if the object or the request names it.
    pub namespace: Option<Text<'a>>,
    /// What is given as a namespace and cannot be one, such as `${NAMESPACE}`.
    pub placeholder: Option<Text<'a>>,
    /// The object's name; empty where the API server is to make one.
    pub name: Text<'a>,
    /// Whether no pod is wanted of the object now: it has no replicas, or is suspended.
    pub idle: bool,
    /// The pod's labels and annotations, where it has metadata.
    pub metadata: Option<PodMetadata<'a>>,
    /// Where the Tiller that this one takes the place of keeps its records, if an update tells.
    pub former_storage: Option<Storage>,
    /// Who writes the object, where a request tells.
    pub writer: Writer,
    /// Who makes the object from something else, where it says so. A tenant may write that too.
    pub maker: Option<Maker<'a>>,
    /// Whether a controller of Kubernetes' own is making it now.
    pub by_controller: bool,
    /// The pod.
    pub pod: PodSpec<'a>,
}

/// Who writes an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Writer {
    /// Nobody knows: it is a manifest.
    #[default]
    Unknown,
    /// A controller of Kubernetes' own makes it of an object that is stored, and so was judged.
    Maker,
    /// A controller of Kubernetes' own, which updates it.
    Controller,
    /// Somebody else, who may claim any owner.
    Other,
}

/// Who makes an object and holds it to what it was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Maker<'a> {
    /// The controller of another object: the one owner reference with `controller: true`.
    Controller(Owner<'a>),
    /// The kubelet: the pod mirrors a static one, which runs whatever becomes of the mirror.
    Kubelet,
}

/// The kinds that carry a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkloadKind {
    /// `v1` Pod.
    Pod,
    /// `v1` EphemeralContainers: a Pod's name and ephemeral containers, without its labels or the rest of
    /// it. The body of `pods/ephemeralcontainers` from Kubernetes 1.16 to 1.21, where it is off by default.
    EphemeralContainers,
    /// `v1` PodTemplate.
    PodTemplate,
    /// `v1` ReplicationController.
    ReplicationController,
    /// Deployment of `apps` or `extensions`.
    Deployment,
    /// ReplicaSet of `apps` or `extensions`.
    ReplicaSet,
    /// StatefulSet of `apps`.
    StatefulSet,
    /// DaemonSet of `apps` or `extensions`.
    DaemonSet,
    /// Job of `batch`.
    Job,
    /// CronJob of `batch`.
    CronJob,
    /// A custom workload with a template of a pod where a Deployment has it: Argo's Rollout, OpenShift's `DeploymentConfig`. Read
    /// in manifests; of a cluster's, the pods that their controllers make are judged.
    Custom,
}

/// The controlling owner of an object, as the object names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner<'a> {
    /// Its API group and version, such as `apps/v1`.
    pub api_version: Text<'a>,
    /// Its kind, one that carries a pod or any other.
    pub kind: Text<'a>,
    /// The kind, if it is one of Kubernetes' that carries a pod.
    pub workload: Option<WorkloadKind>,
    /// Its name.
    pub name: Text<'a>,
}

/// What runs as an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TillerUse<'a> {
    /// The account.
    pub account: Account<'a>,
    /// The kind of the workload in the account's namespace.
    pub kind: WorkloadKind,
    /// The workload's name.
    pub workload: &'a str,
}

/// A pod's metadata, in a pod or in a template.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodMetadata<'a> {
    /// The labels.
    pub labels: Option<Labels<'a>>,
    /// The annotations.
    pub annotations: Option<Annotations<'a>>,
}

fields!(PodMetadata<'a> {
    "labels" => labels,
    "annotations" => annotations,
});

/// The labels that Helm's client looks for, and those by which other webhooks are kept away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels<'a> {
    /// `app`: `helm` for Tiller.
    pub app: Text<'a>,
    /// `name`: `tiller` for Tiller.
    pub name: Text<'a>,
    /// Whether Azure's identities are wanted.
    pub azure: Option<Text<'a>>,
    /// Whether Datadog is wanted.
    pub datadog: Option<Text<'a>>,
    /// Whether Istio is wanted.
    pub istio: Option<Text<'a>>,
}

fields!(Labels<'a> {
    "app" => app,
    "name" => name,
    "admission.datadoghq.com/enabled" => datadog,
    "azure.workload.identity/use" => azure,
    "sidecar.istio.io/inject" => istio,
});

// === impl Labels ===

impl<'a> Labels<'a> {
    /// The value of a label that keeps another webhook away.
    pub(super) fn switch(&self, key: &str) -> Option<&Text<'a>> {
        let value = match key {
            "admission.datadoghq.com/enabled" => &self.datadog,
            "azure.workload.identity/use" => &self.azure,
            "sidecar.istio.io/inject" => &self.istio,
            _ => return None,
        };
        value.as_ref()
    }
}

// === impl Workload ===

impl Workload<'_> {
    /// What tells of Tiller outside the pod's specification.
    pub fn traits(&self) -> Traits<'_> {
        let labels = self.labels();
        Traits {
            workload_name: &self.name,
            app_label: labels.map_or("", |labels| &labels.app),
            name_label: labels.map_or("", |labels| &labels.name),
            only_name: !self.kind.shows_whole_pod(),
        }
    }

    /// Whether a container of the pod has the signs of a Tiller, whatever an administrator says of it.
    pub fn holds_tiller(&self) -> bool {
        !recognise(&self.pod, self.traits(), |_| false).is_empty()
    }

    /// Its Tillers, and where each keeps its records, if it tells.
    pub fn storages(&self) -> impl Iterator<Item = (Recognised<'_>, Option<Storage>)> {
        let recognised = recognise(&self.pod, self.traits(), |_| false);
        recognised.into_iter().map(|it| {
            let surroundings = Surroundings {
                namespace: self.namespace.as_deref(),
                version: None,
            };
            let tiller = Tiller::read(it.container, surroundings);
            (it, tiller.effective.storage.known().copied())
        })
    }

    /// Where its Tiller keeps its records, if it carries one and tells.
    pub fn storage(&self) -> Option<Storage> {
        self.storages().find_map(|(_, storage)| storage)
    }

    /// The kind and name of the controlling owner, if objects like this one are made for objects like that.
    pub fn controller(&self) -> Option<(WorkloadKind, &str)> {
        let Some(Maker::Controller(owner)) = &self.maker else {
            return None;
        };
        let kind = owner.workload?;
        (kind.makes() == Some(self.kind)).then_some((kind, &owner.name))
    }

    /// The account that it runs as and its name, if it has the signs of a Tiller and an account of its own.
    pub fn tiller_use(&self) -> Option<TillerUse<'_>> {
        let account = self.own_account().filter(|_| self.holds_tiller())?;
        Some(TillerUse {
            account,
            kind: self.kind,
            workload: &self.name,
        })
    }

    /// The account that it runs as, if that is not one for every pod of the namespace.
    pub(super) fn own_account(&self) -> Option<Account<'_>> {
        let name = self.pod.account();
        let namespace = self.namespace.as_deref()?;
        let own = !name.is_empty() && name != "default";
        own.then_some(Account { namespace, name })
    }

    /// The pod's labels.
    pub fn labels(&self) -> Option<&Labels<'_>> {
        self.metadata.as_ref()?.labels.as_ref()
    }

    /// The pod's annotations.
    pub fn annotations(&self) -> Option<&Annotations<'_>> {
        self.metadata.as_ref()?.annotations.as_ref()
    }

    /// Whether a change would be at odds with what the object was made from. A controller compares a
    /// ReplicaSet's template with its Deployment's, and makes a new ReplicaSet, again and again, where they
    /// differ (`FindNewReplicaSet`); a kubelet knows a mirror by the hash of the static pod (`IsMirrorPodOf`).
    pub fn is_copy(&self) -> bool {
        self.maker.is_some() && matches!(self.kind, WorkloadKind::Pod | WorkloadKind::ReplicaSet)
    }
}

// === impl TillerUse ===

impl TillerUse<'_> {
    pub(super) fn key(&self) -> [&str; 7] {
        let Self {
            account: Account { namespace, name },
            kind,
            workload,
        } = self;
        [namespace, "/", name, "/", kind.as_str(), "/", workload]
    }
}

// === impl WorkloadKind ===

impl WorkloadKind {
    /// Every kind of Kubernetes' that carries a whole pod.
    pub const ALL: [Self; 9] = [
        Self::Pod,
        Self::PodTemplate,
        Self::ReplicationController,
        Self::Deployment,
        Self::ReplicaSet,
        Self::StatefulSet,
        Self::DaemonSet,
        Self::Job,
        Self::CronJob,
    ];

    /// The kind's name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pod => "Pod",
            Self::EphemeralContainers => "EphemeralContainers",
            Self::PodTemplate => "PodTemplate",
            Self::ReplicationController => "ReplicationController",
            Self::Deployment => "Deployment",
            Self::ReplicaSet => "ReplicaSet",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::Job => "Job",
            Self::CronJob => "CronJob",
            Self::Custom => "custom workload",
        }
    }

    /// The JSON pointer of the pod's part that holds its `metadata` and `spec`.
    pub fn pod_pointer(self) -> &'static str {
        match self {
            Self::Pod | Self::EphemeralContainers => "",
            Self::PodTemplate => "/template",
            Self::ReplicationController
            | Self::Deployment
            | Self::ReplicaSet
            | Self::StatefulSet
            | Self::DaemonSet
            | Self::Job
            | Self::Custom => "/spec/template",
            Self::CronJob => "/spec/jobTemplate/spec/template",
        }
    }

    /// The JSON pointer of the pod's specification, or of what is there of it.
    pub fn pod_spec_pointer(self) -> &'static str {
        match self {
            Self::Pod => "/spec",
            Self::EphemeralContainers => "",
            Self::PodTemplate => "/template/spec",
            Self::ReplicationController
            | Self::Deployment
            | Self::ReplicaSet
            | Self::StatefulSet
            | Self::DaemonSet
            | Self::Job
            | Self::Custom => "/spec/template/spec",
            Self::CronJob => "/spec/jobTemplate/spec/template/spec",
        }
    }

    /// Whether an object of the kind shows the pod's whole specification.
    pub fn shows_whole_pod(self) -> bool {
        self != Self::EphemeralContainers
    }

    /// The kind of what a controller makes of an object of this kind.
    pub fn makes(self) -> Option<Self> {
        match self {
            Self::Deployment => Some(Self::ReplicaSet),
            Self::CronJob => Some(Self::Job),
            Self::ReplicationController
            | Self::ReplicaSet
            | Self::StatefulSet
            | Self::DaemonSet
            | Self::Job => Some(Self::Pod),
            Self::Pod | Self::EphemeralContainers | Self::PodTemplate | Self::Custom => None,
        }
    }
}

/// Whether a controller names so what it makes of an object of this name: a Deployment's `ReplicaSet`s end in
/// a hash, a `CronJob`'s Jobs in a number.
pub(super) fn is_made_of(made: &str, name: &str) -> bool {
    made.strip_prefix(name)
        .and_then(|rest| rest.strip_prefix('-'))
        .is_some_and(|end| !end.is_empty() && end.bytes().all(|it| it.is_ascii_alphanumeric()))
}
