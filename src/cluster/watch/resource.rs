//! What is watched, and where this API server has it.

use kube::Client;
use kube::core::Status;

use crate::k8s::{RECORD_SELECTOR, TEAM_SELECTOR};
use crate::policy::custody::CustodyKind;
use crate::policy::exposure::ExposureKind;
use crate::policy::rbac::RbacKind;
use crate::policy::{ObjectKind, WorkloadKind};
use crate::tiller::signs;

/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::cluster) enum WatchedResource {
    /// Roles or bindings.
    Rbac(RbacKind),
    /// The `ConfigMap`s that register teams.
    Teams,
    /// What may run a Tiller.
    Workloads(WorkloadKind),
    /// Services, some of which lead to Tillers.
    Services,
    /// `ConfigMap`s that hold releases.
    Records,
    /// The Secrets of this name, which Tillers have their certificates from.
    Certificates(&'static str),
}

/// Where a collection is, and what of it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cluster) struct Collection {
    pub(in crate::cluster) path: String,
    /// The label selector of what counts in it.
    pub(in crate::cluster) selector: Option<&'static str>,
    /// The field selector of what counts in it.
    pub(in crate::cluster) fields: Option<String>,
    /// Whether the objects' metadata suffice. A record holds up to a megabyte, with its release's values.
    pub(in crate::cluster) metadata_only: bool,
}

// === impl WatchedResource ===

impl WatchedResource {
    pub(super) const ALL: [Self; 17] = [
        Self::Rbac(RbacKind::Role),
        Self::Rbac(RbacKind::ClusterRole),
        Self::Rbac(RbacKind::RoleBinding),
        Self::Rbac(RbacKind::ClusterRoleBinding),
        Self::Teams,
        Self::Workloads(WorkloadKind::Deployment),
        Self::Workloads(WorkloadKind::Pod),
        Self::Workloads(WorkloadKind::ReplicaSet),
        Self::Workloads(WorkloadKind::StatefulSet),
        Self::Workloads(WorkloadKind::DaemonSet),
        Self::Workloads(WorkloadKind::ReplicationController),
        Self::Workloads(WorkloadKind::Job),
        Self::Workloads(WorkloadKind::CronJob),
        Self::Services,
        Self::Records,
        Self::Certificates(signs::SECRETS[0]),
        Self::Certificates(signs::SECRETS[1]),
    ];

    /// The resource as the API names it, `teams`, `records` or the Secrets' name: a closed set, for metrics.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Rbac(kind) => ObjectKind::from(kind).resource(),
            Self::Teams => "teams",
            Self::Workloads(kind) => ObjectKind::from(kind).resource(),
            Self::Services => "services",
            Self::Records => "records",
            Self::Certificates(name) => name,
        }
    }

    /// The kind of its objects; nothing for teams, which are told by what they hold.
    pub(super) fn kind(self) -> Option<ObjectKind> {
        Some(match self {
            Self::Rbac(kind) => kind.into(),
            Self::Workloads(kind) => kind.into(),
            Self::Services => ExposureKind::Service.into(),
            Self::Records => CustodyKind::ConfigMap.into(),
            Self::Certificates(_) => CustodyKind::Secret.into(),
            Self::Teams => return None,
        })
    }

    /// Whether an object without a word that tells of Tiller leaves nothing. Most are so, and Pods change all the time.
    pub(super) fn is_told_by_words(self) -> bool {
        matches!(self, Self::Workloads(_) | Self::Services)
    }

    /// Where the API server has it; nothing where it does not.
    pub(in crate::cluster) async fn find(
        self,
        client: &Client,
        own_namespace: &str,
    ) -> Result<Option<Collection>, kube::Error> {
        let everywhere = |path| Collection {
            path,
            selector: None,
            fields: None,
            metadata_only: false,
        };
        match self {
            // `v1` is there from Kubernetes 1.8 on; the whole group is not where others than RBAC give rights.
            Self::Rbac(kind) => {
                let (group, resource) = (RbacKind::GROUP, ObjectKind::from(kind).resource());
                let served = serves(client, group, "v1", resource).await?;
                let place = || everywhere(format!("/apis/{group}/v1/{resource}"));
                Ok(served.then(place))
            }
            Self::Services => Ok(Some(everywhere("/api/v1/services".to_owned()))),
            Self::Records => Ok(Some(Collection {
                path: "/api/v1/configmaps".to_owned(),
                selector: Some(RECORD_SELECTOR),
                fields: None,
                metadata_only: true,
            })),
            // By name, so that a right to these alone suffices (RBAC's `resourceNames`).
            Self::Certificates(name) => Ok(Some(Collection {
                path: "/api/v1/secrets".to_owned(),
                selector: None,
                fields: Some(format!("metadata.name={name}")),
                metadata_only: false,
            })),
            Self::Teams => Ok(Some(Collection {
                path: format!("/api/v1/namespaces/{own_namespace}/configmaps"),
                selector: Some(TEAM_SELECTOR),
                fields: None,
                metadata_only: false,
            })),
            Self::Workloads(kind) => {
                let resource = ObjectKind::from(kind).resource();
                for api in ObjectKind::from(kind).apis() {
                    for version in api.versions {
                        if serves(client, api.group, version, resource).await? {
                            return Ok(Some(everywhere(match api.group {
                                "" => format!("/api/{version}/{resource}"),
                                group => format!("/apis/{group}/{version}/{resource}"),
                            })));
                        }
                    }
                }
                Ok(None)
            }
        }
    }
}

/// Whether the API server has this resource.
pub(in crate::cluster) async fn serves(
    client: &Client,
    group: &str,
    version: &str,
    resource: &str,
) -> Result<bool, kube::Error> {
    let list = if group.is_empty() {
        client.list_core_api_resources(version).await
    } else {
        let group_version = format!("{group}/{version}");
        client.list_api_group_resources(&group_version).await
    };
    match list {
        Ok(list) => Ok(list.resources.iter().any(|it| it.name == resource)),
        Err(kube::Error::Api(status)) if is_absent(&status) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A group or a version that is not served has no list.
fn is_absent(status: &Status) -> bool {
    status.code == 404
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_that_may_run_a_tiller_is_watched_once() {
        let resource: BTreeSet<_> = WatchedResource::ALL.into_iter().collect();
        assert_eq!(resource.len(), WatchedResource::ALL.len());
        for kind in WorkloadKind::ALL {
            // A PodTemplate runs nothing.
            let expected = kind != WorkloadKind::PodTemplate;
            assert_eq!(
                resource.contains(&WatchedResource::Workloads(kind)),
                expected
            );
        }
    }

    #[test]
    fn names_are_the_resources_of_the_api() {
        let names: BTreeSet<_> = WatchedResource::ALL
            .into_iter()
            .map(WatchedResource::as_str)
            .collect();
        assert_eq!(names.len(), WatchedResource::ALL.len());
        assert!(names.contains("cronjobs") && names.contains("clusterrolebindings"));
        assert!(names.iter().all(|name| !name.contains('/')));
    }
}
