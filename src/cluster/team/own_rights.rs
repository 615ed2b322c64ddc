//! Checks whether the current user may write what a plan needs, before anything is written.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt as _};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::Api;
use kube::api::{ApiResource, GroupVersionKind, PostParams};

use crate::cluster::Cluster;
use crate::cluster::apply::ObjectReference;

/// Questions at once.
const AT_ONCE: usize = 8;

/// A write: its verb and its object.
pub type Write<'a> = (&'static str, &'a ObjectReference);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Right {
    pub(super) verb: &'static str,
    pub(super) group: String,
    pub(super) resource: String,
}

/// Whether the current user has every right.
pub async fn may_do_everything(cluster: &Cluster) -> bool {
    let all = Right {
        verb: "*",
        group: "*".to_owned(),
        resource: "*".to_owned(),
    };
    all.is_given(cluster, None).await
}

/// The rights for these writes that the current user does not have, such as `create roles in blue`. If the API server does not
/// answer, the user counts as having the right: the write itself then shows it.
pub async fn lacking_rights(cluster: &Cluster, writes: &[Write<'_>]) -> Vec<String> {
    let mut places: BTreeMap<Right, BTreeSet<Option<&str>>> = BTreeMap::new();
    for (verb, object) in writes {
        let places = places.entry(Right::of(verb, object)).or_default();
        places.insert(object.namespace.as_deref());
    }
    let asked = stream::iter(&places).map(|(right, places)| async move {
        if right.is_given(cluster, None).await {
            return Vec::new();
        }
        let mut lacking = Vec::new();
        for place in places {
            match place {
                None => lacking.push(format!("{} {}", right.verb, right.resource)),
                Some(namespace) => {
                    if !right.is_given(cluster, Some(namespace)).await {
                        lacking.push(format!("{} {} in {namespace}", right.verb, right.resource));
                    }
                }
            }
        }
        lacking
    });
    asked.buffered(AT_ONCE).concat().await
}

// === impl Right ===

impl Right {
    fn of(verb: &'static str, object: &ObjectReference) -> Self {
        let group = object.api_version.split_once('/');
        let group = group.map_or("", |(group, _)| group);
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", &object.kind));
        Self {
            verb,
            group: group.to_owned(),
            resource: resource.plural,
        }
    }

    pub(super) async fn is_given(&self, cluster: &Cluster, namespace: Option<&str>) -> bool {
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(ResourceAttributes {
                    verb: Some(self.verb.to_owned()),
                    group: Some(self.group.clone()),
                    resource: Some(self.resource.clone()),
                    namespace: namespace.map(ToOwned::to_owned),
                    ..ResourceAttributes::default()
                }),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        let api: Api<SelfSubjectAccessReview> = Api::all(cluster.client().clone());
        match api.create(&PostParams::default(), &review).await {
            Ok(answer) => answer.status.is_some_and(|status| status.allowed),
            Err(_) => true,
        }
    }
}
