//! The reviews that are sent.

use anyhow::{Context as _, Result};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};
use tiller_guard::k8s::review::{Webhook, answer};
use tiller_guard::policy::{Context as Known, Policy, Timestamp};

const TILLER_POD: &[u8] = include_bytes!("../../tests/data/reviews/1.10-pod-create.json");
const TILLER_DEPLOYMENT: &[u8] =
    include_bytes!("../../tests/data/reviews/1.20-deployment-create.json");
const OTHER_POD: &[u8] = include_bytes!("../../tests/data/reviews/1.20-other-pod-create.json");

/// A review and the webhook it goes to.
pub(super) struct Review {
    pub(super) name: &'static str,
    pub(super) path: &'static str,
    pub(super) body: Vec<u8>,
}

/// Recorded Tillers that come out hardened, and a Pod that is none, without the white space that an API server does not
/// send either. The first has no controller: those that have one are refused.
pub(super) fn reviews() -> Result<Vec<Review>> {
    let review = |name, path, body| Review { name, path, body };
    let pod = bare(TILLER_POD)?;
    let deployment = serde_json::from_slice::<Value>(TILLER_DEPLOYMENT)?;
    let other = unrelated_pod()?;
    Ok(vec![
        review("Tiller Pod, mutate", "/mutate", pod.clone()),
        review("hardened Pod, validate", "/validate", hardened(&pod)?),
        review("Tiller Pod, validate", "/validate", pod),
        review(
            "Tiller Deployment, mutate",
            "/mutate",
            serde_json::to_vec(&deployment)?,
        ),
        review("other Pod, mutate", "/mutate", other.clone()),
        review("other Pod, validate", "/validate", other),
    ])
}

/// The review of a Pod that nobody made from anything.
fn bare(review: &[u8]) -> Result<Vec<u8>> {
    let mut review: Value = serde_json::from_slice(review)?;
    review
        .pointer_mut("/request/object/metadata")
        .and_then(Value::as_object_mut)
        .context("no metadata")?
        .remove("ownerReferences");
    Ok(serde_json::to_vec(&review)?)
}

/// A review after its mutation: what the validating webhook is asked about day after day.
fn hardened(review: &[u8]) -> Result<Vec<u8>> {
    let now = Known::at(Timestamp(0));
    let answer = answer(Webhook::Mutate, review, &Policy::default(), &now)?;
    let answer: Value = serde_json::from_slice(&answer.body)?;
    let patch = answer
        .pointer("/response/patch")
        .and_then(Value::as_str)
        .context("no patch")?;
    let patch: json_patch::Patch = serde_json::from_slice(&BASE64_STANDARD.decode(patch)?)?;
    let mut review: Value = serde_json::from_slice(review)?;
    let object = review.pointer_mut("/request/object").context("no object")?;
    json_patch::patch(object, &patch)?;
    Ok(serde_json::to_vec(&review)?)
}

/// A recorded Pod, grown to 8 KB as Pods grow: by variables, and by the record of who manages them.
fn unrelated_pod() -> Result<Vec<u8>> {
    let mut review: Value = serde_json::from_slice(OTHER_POD)?;
    let object = review.pointer_mut("/request/object").context("no object")?;
    let mut variables = Vec::new();
    let mut managed = serde_json::Map::new();
    for number in 0_u8.. {
        let name = format!("SHOP_SETTING_{number}");
        managed.insert(
            format!("k:{{\"name\":\"{name}\"}}"),
            json!({ ".": {}, "f:name": {}, "f:value": {} }),
        );
        variables
            .push(json!({ "name": name, "value": format!("http://shop-{number}.shop.svc:8080/") }));
        *object
            .pointer_mut("/spec/containers/0")
            .context("no container")? = json!({
            "name": "shop",
            "image": "registry.example/shop/front:1.2.3",
            "args": ["--listen=:8080", "--verbose"],
            "env": variables,
            "resources": { "limits": { "memory": "128Mi" }, "requests": { "cpu": "100m" } },
        });
        *object.pointer_mut("/metadata").context("no metadata")? = json!({
            "name": "shop",
            "namespace": "hk",
            "labels": { "app": "shop" },
            "managedFields": [{
                "manager": "kubectl",
                "operation": "Update",
                "apiVersion": "v1",
                "fieldsType": "FieldsV1",
                "fieldsV1": { "f:spec": { "f:containers": { "k:{\"name\":\"shop\"}": { "f:env": managed } } } },
            }],
        });
        if object.to_string().len() > 7500 {
            break;
        }
    }
    Ok(serde_json::to_vec(&review)?)
}
