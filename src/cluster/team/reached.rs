//! Whether somebody reaches a team's Tiller: what Helm does before it speaks to it.

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::Api;
use kube::api::{DynamicObject, ListParams, PostParams};
use serde_json::Value;

use super::{LookError, api};
use crate::cluster::Cluster;

/// How far somebody gets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reached {
    /// The rights that are missing, such as `create pods/portforward`.
    pub lacks: Vec<String>,
    /// Tiller's pods, if they may be listed.
    pub pods: Vec<TillerPod>,
}

/// A pod that Helm takes for Tiller's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TillerPod {
    /// Its name.
    pub name: String,
    /// Whether it is ready.
    pub is_ready: bool,
    /// Its first container's image.
    pub image: String,
}

/// Asks how far whoever asks gets, each question once: nobody waits for this.
pub async fn reached(cluster: &Cluster, tiller_namespace: &str) -> Result<Reached, LookError> {
    let (list, forward) = tokio::try_join!(
        may(cluster, tiller_namespace, "list", None),
        may(cluster, tiller_namespace, "create", Some("portforward")),
    )
    .map_err(|error| LookError::asked("ask for one's rights", tiller_namespace, error))?;
    let mut reached = Reached::default();
    if list {
        // By these labels Helm finds Tiller.
        let parameters = ListParams::default().labels("app=helm,name=tiller");
        let found = api(cluster, "v1", "Pod", tiller_namespace)
            .list(&parameters)
            .await;
        let found =
            found.map_err(|error| LookError::asked("list pods", tiller_namespace, error))?;
        reached.pods = found.items.iter().map(pod).collect();
    } else {
        reached.lacks.push("list pods".to_owned());
    }
    if !forward {
        reached.lacks.push("create pods/portforward".to_owned());
    }
    Ok(reached)
}

async fn may(
    cluster: &Cluster,
    namespace: &str,
    verb: &str,
    subresource: Option<&str>,
) -> kube::Result<bool> {
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                namespace: Some(namespace.to_owned()),
                verb: Some(verb.to_owned()),
                resource: Some("pods".to_owned()),
                subresource: subresource.map(ToOwned::to_owned),
                ..ResourceAttributes::default()
            }),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    };
    let api: Api<SelfSubjectAccessReview> = Api::all(cluster.client().clone());
    let answer = api.create(&PostParams::default(), &review).await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

fn pod(object: &DynamicObject) -> TillerPod {
    let conditions = object.data.pointer("/status/conditions");
    let conditions = conditions.and_then(Value::as_array).into_iter().flatten();
    let image = object.data.pointer("/spec/containers/0/image");
    TillerPod {
        name: object.metadata.name.clone().unwrap_or_default(),
        is_ready: conditions.into_iter().any(|it| {
            let is = |field: &str, value: &str| it.get(field).is_some_and(|it| it == value);
            is("type", "Ready") && is("status", "True")
        }),
        image: image.and_then(Value::as_str).unwrap_or_default().to_owned(),
    }
}
