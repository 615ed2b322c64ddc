//! Whether an installation could be made.

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::Api;
use kube::api::PostParams;
use serde_json::Value;

use super::Check;
use crate::cluster::Cluster;
use crate::cluster::install::webhook_configuration;
use crate::cluster::served::Served;
use crate::cluster::told::words;
use crate::installation::{Installation, OWNER_LABELS};
use crate::k8s::webhook_configuration::{GROUP, NAME};
use crate::policy::People;

pub(super) async fn checks(cluster: &Cluster, planned: &Installation) -> Vec<Check> {
    vec![
        webhooks_are_served(cluster).await,
        kinds_are_served(cluster, planned).await,
        rights(cluster, planned).await,
        nobody_else(cluster).await,
    ]
}

async fn webhooks_are_served(cluster: &Cluster) -> Check {
    const ID: &str = "webhooks-served";
    let version = match cluster.webhook_configuration_version().await {
        Ok(version) => version,
        Err(error) => {
            return Check::unread(ID, &format!("GET /apis/{GROUP}/v1"), &error);
        }
    };
    let group_version = format!("{GROUP}/{version}");
    match cluster
        .client()
        .list_api_group_resources(&group_version)
        .await
    {
        Ok(_) => Check::good(ID, format!("{group_version} is served")),
        Err(error) if !matches!(&error, kube::Error::Api(status) if status.code == 404) => {
            Check::unread(ID, &format!("GET /apis/{group_version}"), &error)
        }
        Err(error) => Check::bad(
            ID,
            format!("{group_version} is not served: {}", words(&error)),
            "start the API server with the admission plugins MutatingAdmissionWebhook and ValidatingAdmissionWebhook",
        ),
    }
}

/// Whether the API server serves every kind that is written beside the webhook configurations.
async fn kinds_are_served(cluster: &Cluster, planned: &Installation) -> Check {
    const ID: &str = "kinds-served";
    let served = Served::of(cluster, &planned.foundation()).await;
    let needed: Vec<_> = served.needed().map(ToString::to_string).collect();
    let left_out: Vec<_> = served.left_out().collect();
    let not_served =
        |kinds: &[String]| format!("the API server does not serve {}", kinds.join(", "));
    if !needed.is_empty() {
        let hint = "see what it serves: kubectl api-resources; check its flag --runtime-config";
        return Check::bad(ID, not_served(&needed), hint);
    }
    if let Some((request, error)) = served.unread.first() {
        return Check::unread(ID, request, error);
    }
    if left_out.is_empty() {
        return Check::good(ID, "every kind that install writes is served".to_owned());
    }
    let kinds: Vec<_> = left_out.iter().map(|(kind, _)| kind.to_string()).collect();
    let losses: Vec<_> = left_out.iter().map(|(_, loss)| *loss).collect();
    let hint = format!("install leaves that out; {}", losses.join("; "));
    Check::doubtful(ID, not_served(&kinds), &hint)
}

/// Whether whoever asks may make all of it.
async fn rights(cluster: &Cluster, planned: &Installation) -> Check {
    const ID: &str = "rights";
    let api: Api<SelfSubjectAccessReview> = Api::all(cluster.client().clone());
    let mut lacks = Vec::new();
    for object in planned.objects() {
        let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
        let (Some(version), Some(kind)) = (text("/apiVersion"), text("/kind")) else {
            continue;
        };
        let group = version.split_once('/').map_or("", |(group, _)| group);
        let resource =
            kube::api::ApiResource::from_gvk(&kube::api::GroupVersionKind::gvk(group, "v1", kind));
        for verb in ["create", "patch"] {
            let review = SelfSubjectAccessReview {
                spec: SelfSubjectAccessReviewSpec {
                    resource_attributes: Some(ResourceAttributes {
                        group: Some(group.to_owned()),
                        resource: Some(resource.plural.clone()),
                        verb: Some(verb.to_owned()),
                        namespace: text("/metadata/namespace").map(ToOwned::to_owned),
                        name: text("/metadata/name").map(ToOwned::to_owned),
                        ..ResourceAttributes::default()
                    }),
                    ..SelfSubjectAccessReviewSpec::default()
                },
                ..SelfSubjectAccessReview::default()
            };
            match api.create(&PostParams::default(), &review).await {
                Ok(answer) if answer.status.as_ref().is_some_and(|it| it.allowed) => {}
                Ok(_) => lacks.push(format!("{verb} {}", resource.plural)),
                Err(error) => return Check::unread(ID, "create SelfSubjectAccessReviews", &error),
            }
        }
    }
    if lacks.is_empty() {
        return Check::good(ID, "you may create every object".to_owned());
    }
    Check::bad(
        ID,
        format!("you may not {}", lacks.join(", ")),
        "install as an administrator of the cluster",
    )
}

/// Whether whoever asks may write Tillers' certificates once the webhooks are asked. Kubernetes before 1.28 does not tell who
/// asks.
pub(super) async fn administrator(cluster: &Cluster, administrators: &People) -> Option<Check> {
    const ID: &str = "administrator";
    if !cluster.version().is_from(28) {
        return None;
    }
    let api: Api<SelfSubjectReview> = Api::all(cluster.client().clone());
    let review = SelfSubjectReview::default();
    let answer = match api.create(&PostParams::default(), &review).await {
        Ok(answer) => answer,
        Err(error) => return Some(Check::unread(ID, "create SelfSubjectReviews", &error)),
    };
    let user = answer.status.and_then(|status| status.user_info)?;
    let name = user.username.unwrap_or_default();
    let groups = user.groups.unwrap_or_default();
    let People {
        users: named,
        groups: named_groups,
    } = administrators;
    if named.contains(&name) || groups.iter().any(|group| named_groups.contains(group)) {
        let message = format!("you, {name}, are an administrator of the policy");
        return Some(Check::good(ID, message));
    }
    let message = format!(
        "you, {name}, are no administrator of the policy: provision may not write Tillers' certificates"
    );
    let hint =
        "add yourself to administrators in the policy file, and install it with --policy FILE";
    Some(Check::doubtful(ID, message, hint))
}

/// Whether the webhook configurations' names are free, or ours.
async fn nobody_else(cluster: &Cluster) -> Check {
    const ID: &str = "names-free";
    for kind in [
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    ] {
        let found = match webhook_configuration(cluster, kind).await {
            Ok(found) => found,
            Err(error) => return Check::unread(ID, &format!("get {kind} {NAME}"), &error),
        };
        let Some(found) = found else { continue };
        let labels = found.pointer("/metadata/labels");
        let [name, manager] = OWNER_LABELS.map(|key| {
            let label = labels.and_then(|labels| labels.get(key));
            label.and_then(Value::as_str).unwrap_or_default().to_owned()
        });
        if name == NAME && manager == NAME {
            continue;
        }
        let message = format!("{kind} {NAME} is there already, managed by \"{manager}\"");
        let hint = "upgrade it with the tool that made it, or take it over with install --adopt";
        return Check::bad(ID, message, hint);
    }
    Check::good(
        ID,
        "the names are free, or belong to tiller-guard".to_owned(),
    )
}
