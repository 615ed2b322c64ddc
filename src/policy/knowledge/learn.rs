//! What is learned from an object: the one place, for watches, files and plans.

use std::sync::Arc;

use super::Knowledge;
use crate::policy::custody::CustodyObject;
use crate::policy::exposure::ExposureObject;
use crate::policy::not_tiller::Evidence;
use crate::policy::object::Object;
use crate::policy::object_kind::ObjectKind;
use crate::policy::rbac::{Account, RbacKind, RbacObject, RoleKind};
use crate::policy::workload::{TillerUse, Workload, WorkloadKind};

/// What an object left in the knowledge: by this it is forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Learned {
    kind: ObjectKind,
    /// Empty for what has none.
    namespace: Box<str>,
    name: Box<str>,
    /// The account that it is known to run a Tiller as.
    account: Option<Box<str>>,
}

impl Knowledge {
    /// With what this object says, in place of what one of its name said.
    #[must_use]
    pub fn with(&self, object: &Object<'_>) -> Self {
        self.learn(object).0
    }

    /// The same, and what of it is kept; nothing if the object says nothing.
    pub fn learn(&self, object: &Object<'_>) -> (Self, Option<Learned>) {
        let name = object.name();
        let namespace = object.namespace().unwrap_or_default();
        let (knowledge, kept) = match object {
            Object::Workload(workload) => return self.learn_workload(workload),
            Object::Rbac(object) => match &**object {
                RbacObject::Role(role) => (self.with_role(role), true),
                RbacObject::Binding(binding) => {
                    let kept = binding.holders().next().is_some();
                    (self.with_binding(binding), kept)
                }
            },
            Object::Exposure(object) => match &**object {
                ExposureObject::Service(service) if service.leads_to_tiller() => {
                    (self.with_tiller_service(namespace, name), true)
                }
                _ => return (self.clone(), None),
            },
            Object::Custody(object) => match &**object {
                CustodyObject::ConfigMap(map) if map.holds_release => {
                    (self.with_release_record(namespace, name), true)
                }
                CustodyObject::Secret(secret) => {
                    let ca_file = secret.ca_file.clone();
                    (self.with_certificates(namespace, name, ca_file), true)
                }
                CustodyObject::ConfigMap(_) | CustodyObject::TokenRequest(_) => {
                    return (self.clone(), None);
                }
            },
            Object::Connection(_) => return (self.clone(), None),
        };
        let learned = Learned {
            kind: object.kind(),
            namespace: namespace.into(),
            name: name.into(),
            account: None,
        };
        (knowledge, kept.then_some(learned))
    }

    /// What has the signs of a Tiller is kept with what tells whether it is one.
    fn learn_workload(&self, workload: &Workload<'_>) -> (Self, Option<Learned>) {
        if !workload.holds_tiller() {
            return (self.clone(), None);
        }
        let namespace = workload.namespace.as_deref().unwrap_or_default();
        let evidence = Arc::new(Evidence::of(workload));
        let mut knowledge = self.clone();
        let key = [namespace, "/", workload.kind.as_str(), "/", &workload.name];
        knowledge
            .tiller_workloads
            .insert(&key, Arc::clone(&evidence));
        if workload.kind == WorkloadKind::Pod {
            let evidence = Some(Arc::clone(&evidence));
            knowledge = knowledge.with_suspect_pod(namespace, &workload.name, evidence);
        }
        let tiller = workload.tiller_use();
        if let Some(tiller) = tiller {
            knowledge = knowledge.with_suspect(tiller, Some(evidence));
        }
        let learned = Learned {
            kind: workload.kind.into(),
            namespace: namespace.into(),
            name: workload.name.as_str().into(),
            account: tiller.map(|tiller| tiller.account.name.into()),
        };
        (knowledge, Some(learned))
    }

    /// Without what an object said.
    #[must_use]
    pub fn without(&self, learned: &Learned) -> Self {
        let Learned {
            kind,
            namespace,
            name,
            account,
        } = learned;
        match kind {
            ObjectKind::Workload(kind) => {
                let mut without_pod = match kind {
                    WorkloadKind::Pod => self.without_tiller_pod(namespace, name),
                    _ => self.clone(),
                };
                let key = [namespace, "/", kind.as_str(), "/", name];
                without_pod.tiller_workloads.remove(&key);
                let tiller = account.as_deref().map(|account| TillerUse {
                    account: Account {
                        namespace,
                        name: account,
                    },
                    kind: *kind,
                    workload: name,
                });
                tiller.map_or_else(|| without_pod.clone(), |it| without_pod.without_tiller(it))
            }
            ObjectKind::Rbac(RbacKind::Role) => {
                self.without_role(RoleKind::Role, Some(namespace), name)
            }
            ObjectKind::Rbac(RbacKind::ClusterRole) => {
                self.without_role(RoleKind::ClusterRole, None, name)
            }
            ObjectKind::Rbac(RbacKind::RoleBinding) => self.without_binding(Some(namespace), name),
            ObjectKind::Rbac(RbacKind::ClusterRoleBinding) => self.without_binding(None, name),
            ObjectKind::Exposure(_) => self.without_tiller_service(namespace, name),
            ObjectKind::Custody(_) => self
                .without_release_record(namespace, name)
                .without_certificates(namespace, name),
            ObjectKind::Connection(_) => self.clone(),
        }
    }

    /// With an object of this kind that cannot be read: what gives rights may give any, and all else tells nothing.
    pub fn learn_unreadable(
        &self,
        kind: ObjectKind,
        namespace: &str,
        name: &str,
    ) -> (Self, Option<Learned>) {
        let ObjectKind::Rbac(rbac) = kind else {
            return (self.clone(), None);
        };
        let in_namespace = Some(namespace).filter(|it| !it.is_empty());
        let knowledge = match rbac {
            RbacKind::Role => self.with_unreadable_role(RoleKind::Role, in_namespace, name),
            RbacKind::ClusterRole => self.with_unreadable_role(RoleKind::ClusterRole, None, name),
            RbacKind::RoleBinding => self.with_unreadable_binding(in_namespace, name),
            RbacKind::ClusterRoleBinding => self.with_unreadable_binding(None, name),
        };
        let learned = Learned {
            kind,
            namespace: namespace.into(),
            name: name.into(),
            account: None,
        };
        (knowledge, Some(learned))
    }
}
