//! What is judged: a pod, wherever it stands.

use serde::Deserialize;

use super::TillerUse;
use super::access::Account;
use crate::pod::{PodSpec, Text};
use crate::tiller::{Traits, recognise};

/// A pod to judge, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject<'a> {
    /// The kind of the object that carries it.
    pub kind: Kind,
    /// The namespace, where the object or the request tells it.
    pub namespace: Option<Text<'a>>,
    /// The object's name; empty where the API server is to make one.
    pub name: Text<'a>,
    /// The pod's labels and annotations, where it has metadata.
    pub metadata: Option<PodMetadata<'a>>,
    /// The pod.
    pub pod: PodSpec<'a>,
}

/// The kinds that carry a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `v1` Pod.
    Pod,
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
}

/// A pod's metadata, in a pod or in a template.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct PodMetadata<'a> {
    /// The labels.
    pub labels: Option<Labels<'a>>,
    /// The annotations.
    pub annotations: Option<Annotations<'a>>,
}

/// The labels that Helm's client looks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct Labels<'a> {
    /// `app`: `helm` for Tiller.
    pub app: Text<'a>,
    /// `name`: `tiller` for Tiller.
    pub name: Text<'a>,
}

/// The annotations that a rule reads.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct Annotations<'a> {
    /// The pod's system call filter before Kubernetes 1.19.
    #[serde(rename = "seccomp.security.alpha.kubernetes.io/pod")]
    pub seccomp: Option<Text<'a>>,
}

// === impl Subject ===

impl Subject<'_> {
    /// What tells of Tiller outside the pod's specification.
    pub fn traits(&self) -> Traits<'_> {
        let labels = self
            .metadata
            .as_ref()
            .and_then(|metadata| metadata.labels.as_ref());
        Traits {
            workload_name: &self.name,
            app_label: labels.map_or("", |labels| &labels.app),
            name_label: labels.map_or("", |labels| &labels.name),
        }
    }

    /// The account that it runs as and its name, if it carries a Tiller with an account of its own.
    pub fn tiller_use(&self) -> Option<TillerUse<'_>> {
        let PodSpec {
            service_account_name,
            service_account,
            ..
        } = &self.pod;
        let name = if service_account_name.is_empty() {
            service_account
        } else {
            service_account_name
        };
        let namespace = self.namespace.as_deref()?;
        let own = !name.is_empty() && name != "default";
        let is_tiller = own && !recognise(&self.pod, self.traits()).is_empty();
        is_tiller.then_some(TillerUse {
            account: Account { namespace, name },
            kind: self.kind,
            workload: &self.name,
        })
    }

    /// The pod's annotations.
    pub fn annotations(&self) -> Option<&Annotations<'_>> {
        self.metadata.as_ref()?.annotations.as_ref()
    }
}

// === impl Kind ===

impl Kind {
    /// Every kind.
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
            Self::PodTemplate => "PodTemplate",
            Self::ReplicationController => "ReplicationController",
            Self::Deployment => "Deployment",
            Self::ReplicaSet => "ReplicaSet",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::Job => "Job",
            Self::CronJob => "CronJob",
        }
    }

    /// The JSON pointer of the pod's part that holds its `metadata` and `spec`.
    pub fn pod_pointer(self) -> &'static str {
        match self {
            Self::Pod => "",
            Self::PodTemplate => "/template",
            Self::ReplicationController
            | Self::Deployment
            | Self::ReplicaSet
            | Self::StatefulSet
            | Self::DaemonSet
            | Self::Job => "/spec/template",
            Self::CronJob => "/spec/jobTemplate/spec/template",
        }
    }

    /// The JSON pointer of the pod's specification.
    pub fn pod_spec_pointer(self) -> &'static str {
        match self {
            Self::Pod => "/spec",
            Self::PodTemplate => "/template/spec",
            Self::ReplicationController
            | Self::Deployment
            | Self::ReplicaSet
            | Self::StatefulSet
            | Self::DaemonSet
            | Self::Job => "/spec/template/spec",
            Self::CronJob => "/spec/jobTemplate/spec/template/spec",
        }
    }

    /// The kind of a group and a name, if it is one that carries a pod. Every version of it carries the
    /// pod in the same place.
    pub fn find(group: &str, name: &str) -> Option<Self> {
        let kind = Self::ALL.into_iter().find(|kind| kind.as_str() == name)?;
        let groups: &[&str] = match kind {
            Self::Pod | Self::PodTemplate | Self::ReplicationController => &[""],
            Self::Deployment | Self::ReplicaSet | Self::DaemonSet => &["apps", "extensions"],
            Self::StatefulSet => &["apps"],
            Self::Job | Self::CronJob => &["batch"],
        };
        groups.contains(&group).then_some(kind)
    }
}
