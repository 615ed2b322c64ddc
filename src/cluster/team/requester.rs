//! Who the current user is, as far as the API server says it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, PostParams};
use serde_json::{Value, json};

use super::asked;
use crate::cluster::Cluster;
use crate::cluster::apply::Effect;
use crate::pki::unused_signing_request;
use crate::policy::Requester;

/// The first Kubernetes 1.x that says it when it is asked.
const HAS_REVIEW: u16 = 28;
/// The first Kubernetes 1.x with signing requests of `certificates.k8s.io/v1`.
const HAS_V1: u16 = 19;
/// Nobody signs for this signer.
const SIGNER: &str = "tiller-guard.io/none";

/// Who asks, if Kubernetes says it: from 1.28 on.
pub async fn requester(cluster: &Cluster) -> Option<Requester<'static>> {
    if !cluster.version().is_from(HAS_REVIEW) {
        return None;
    }
    let api: Api<SelfSubjectReview> = Api::all(cluster.client().clone());
    let review = SelfSubjectReview::default();
    let ask = async || api.create(&PostParams::default(), &review).await;
    let user = asked(ask).await.ok()?.status?.user_info?;
    Some(named(user.username?, user.groups.unwrap_or_default()))
}

/// Who asks, by a dry run of a `CertificateSigningRequest`: the API server writes the user into it, and stores none. None before
/// Kubernetes 1.13, or without the right to create such requests.
///
/// Source: `PrepareForCreate` of `pkg/registry/certificates/certificates/strategy.go`, Kubernetes 1.13 to 1.27.
pub async fn tried_requester(cluster: &Cluster) -> Option<Requester<'static>> {
    Effect::ServerDryRun.check(cluster).ok()?;
    let version = if cluster.version().is_from(HAS_V1) {
        "v1"
    } else {
        "v1beta1"
    };
    let kind = GroupVersionKind::gvk("certificates.k8s.io", version, "CertificateSigningRequest");
    let resource = ApiResource::from_gvk(&kind);
    let api: Api<DynamicObject> = Api::all_with(cluster.client().clone(), &resource);
    let request = json!({
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": { "generateName": "tiller-guard-" },
        "spec": {
            "request": STANDARD.encode(unused_signing_request().ok()?),
            "signerName": SIGNER,
            "usages": ["client auth"],
        },
    });
    let request: DynamicObject = serde_json::from_value(request).ok()?;
    let parameters = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let answer = asked(async || api.create(&parameters, &request).await).await;
    let spec = answer.ok()?.data.get("spec")?.clone();
    let name = spec.get("username")?.as_str()?.to_owned();
    let groups = spec.get("groups").and_then(Value::as_array);
    let groups = groups.into_iter().flatten();
    let groups = groups.filter_map(|it| it.as_str().map(ToOwned::to_owned));
    Some(named(name, groups.collect()))
}

fn named(name: String, groups: Vec<String>) -> Requester<'static> {
    Requester {
        name: name.into(),
        groups: groups.into_iter().map(Into::into).collect(),
    }
}
