//! Tiller itself: what `helm init` would make, hardened by the webhook's own patch, so that the webhook has nothing
//! to add.

use serde_json::{Value, json};

use super::objects::metadata;
use super::plan::PlanError;
use super::{CheckedTeam, Names};
use crate::k8s;
use crate::pki::team::Fingerprint;
use crate::policy::{Context, Settings, WorkloadKind, decide};

/// The annotation of Tiller's pods that changes with its certificates, so that they are replaced.
pub const CHECKSUM_ANNOTATION: &str = "tiller-guard.io/certificates";

/// The Deployment, hardened.
pub(super) fn deployment(
    team: &CheckedTeam,
    checksum: &Fingerprint,
    settings: &Settings,
    context: &Context<'_>,
) -> Result<Value, PlanError> {
    let mut deployment = as_helm_init(team);
    if let Some(template) = deployment
        .pointer_mut("/spec/template/metadata")
        .and_then(Value::as_object_mut)
    {
        let annotations = json!({ CHECKSUM_ANNOTATION: checksum.to_string() });
        template.insert("annotations".to_owned(), annotations);
    }
    let patch = {
        let workload = k8s::read(WorkloadKind::Deployment, &deployment)?;
        decide(&workload, settings, context).patch.to_json_patch()
    };
    let patched = patch
        .map_err(PlanError::Patch)
        .and_then(|patch| Ok(json_patch::patch(&mut deployment, &patch)?));
    patched.map(|()| deployment)
}

/// Leaves of a Deployment only what changes with the certificates; other objects stay as they are.
pub(super) fn keep_checksum(object: &mut Value) {
    const POINTER: &str = "/spec/template/metadata/annotations";
    if object.get("kind").is_none_or(|kind| kind != "Deployment") {
        return;
    }
    let checksum = object
        .pointer(POINTER)
        .and_then(|it| it.get(CHECKSUM_ANNOTATION));
    let annotations = json!({ CHECKSUM_ANNOTATION: checksum });
    let template = json!({ "metadata": { "annotations": annotations } });
    if let Some(fields) = object.as_object_mut() {
        fields.insert("spec".to_owned(), json!({ "template": template }));
    }
}

/// Tiller's Deployment, by name.
pub fn tiller_deployment(team: &CheckedTeam) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": tiller_metadata(team),
    })
}

/// What the last `helm init` makes with `--service-account`, `--tiller-image` and `--history-max`.
///
/// Source: `cmd/helm/installer/install.go` of Helm 2.17.0.
fn as_helm_init(team: &CheckedTeam) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": tiller_metadata(team),
        "spec": {
            "replicas": 1,
            "selector": { "matchLabels": pod_labels() },
            "template": {
                "metadata": { "labels": pod_labels() },
                "spec": {
                    "automountServiceAccountToken": true,
                    "serviceAccountName": team.service_account,
                    "containers": [{
                        "name": "tiller",
                        "image": team.image_reference(),
                        "imagePullPolicy": "IfNotPresent",
                        "env": [
                            { "name": "TILLER_NAMESPACE", "value": team.tiller_namespace },
                            { "name": "TILLER_HISTORY_MAX", "value": team.history_max.to_string() },
                        ],
                        "ports": [
                            { "containerPort": 44134, "name": "tiller" },
                            { "containerPort": 44135, "name": "http" },
                        ],
                        "livenessProbe": probe("/liveness"),
                        "readinessProbe": probe("/readiness"),
                    }],
                },
            },
        },
    })
}

fn probe(path: &str) -> Value {
    json!({
        "httpGet": { "path": path, "port": 44135 },
        "initialDelaySeconds": 1,
        "timeoutSeconds": 1,
    })
}

/// The Service, as `helm init` makes it.
pub(super) fn service(team: &CheckedTeam) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": tiller_metadata(team),
        "spec": {
            "type": "ClusterIP",
            "selector": pod_labels(),
            "ports": [{ "name": "tiller", "port": 44134, "targetPort": "tiller" }],
        },
    })
}

/// By which Helm finds Tiller's pod.
fn pod_labels() -> Value {
    json!({ "app": "helm", "name": "tiller" })
}

fn tiller_metadata(team: &CheckedTeam) -> Value {
    let mut metadata = metadata(team, &team.tiller_namespace, Names::TILLER);
    let labels = metadata.get_mut("labels").and_then(Value::as_object_mut);
    if let (Some(labels), Value::Object(helm)) = (labels, pod_labels()) {
        labels.extend(helm);
    }
    metadata
}

/// The command that makes the same through the webhook.
pub(super) fn init_line(team: &CheckedTeam) -> String {
    format!(
        "helm init --tiller-namespace {} --service-account {} --tiller-image {} --history-max {}",
        team.tiller_namespace,
        team.service_account,
        team.image_reference(),
        team.history_max
    )
}
