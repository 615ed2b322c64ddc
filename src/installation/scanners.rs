//! Findings of scanners that are accepted, with the reason: annotations of the object that is
//! found fault with, where checkov looks for them.

use serde_json::{Map, Value, json};

use super::Platform;
use crate::k8s::webhook_configuration::NAME;
use crate::policy::RunAsUser;

/// One of checkov's checks, and why it is passed over.
type Skip = (&'static str, &'static str);

/// checkov looks for the letters "tiller" in names of images, labels and Services.
const NO_TILLER: &str = "this is not a Tiller; it keeps Tillers out";

const OF_CLUSTER_ROLE: [Skip; 1] = [(
    "CKV_K8S_155",
    "it writes the bundle of its own CAs into its own two webhook configurations, by name, and nothing else",
)];
const OF_SERVICE: [Skip; 1] = [("CKV_K8S_44", NO_TILLER)];
const OF_DEPLOYMENT: [Skip; 5] = [
    (
        "CKV_K8S_15",
        "a version's image is not written anew, and nodes may have it when a registry does not answer",
    ),
    ("CKV_K8S_34", NO_TILLER),
    (
        "CKV_K8S_38",
        "it watches the cluster as its service account",
    ),
    (
        "CKV_K8S_43",
        "the image is named by its version; install --image and the chart's image.digest name a digest",
    ),
    ("CKV_K8S_45", NO_TILLER),
];
const OF_CRON_JOB: [Skip; 5] = [
    (
        "CKV_K8S_15",
        "a version's image is not written anew, and nodes may have it when a registry does not answer",
    ),
    ("CKV_K8S_34", NO_TILLER),
    (
        "CKV_K8S_38",
        "it writes certificates as its service account",
    ),
    (
        "CKV_K8S_43",
        "the image is named by its version; install --image and the chart's image.digest name a digest",
    ),
    ("CKV_K8S_45", NO_TILLER),
];
const ON_HOST_NETWORK: [Skip; 2] = [
    (
        "CKV_K8S_19",
        "the API server reaches pods on their nodes' network only",
    ),
    ("CKV_K8S_26", "the pods are on their nodes' network"),
];
const OF_PROJECT: [Skip; 1] = [(
    "CKV_K8S_40",
    "OpenShift gives the pods a user of their project's range",
)];

/// Annotates the objects of an installation.
pub(super) fn annotate(objects: &mut [Value], place: Platform) {
    for object in objects {
        let kind = object.get("kind").and_then(Value::as_str);
        let name = object.pointer("/metadata/name").and_then(Value::as_str);
        let skips = match (kind, name) {
            (Some("ClusterRole"), Some(name)) if name != NAME => Vec::new(),
            (Some(kind), _) => skips(kind, place),
            (None, _) => Vec::new(),
        };
        let metadata = object.get_mut("metadata").and_then(Value::as_object_mut);
        if let (false, Some(metadata)) = (skips.is_empty(), metadata) {
            let annotations = metadata.entry("annotations").or_insert(json!({}));
            if let Some(annotations) = annotations.as_object_mut() {
                annotations.extend(written(&skips));
            }
        }
    }
}

fn skips(kind: &str, place: Platform) -> Vec<Skip> {
    match kind {
        "ClusterRole" => OF_CLUSTER_ROLE.to_vec(),
        "Service" => OF_SERVICE.to_vec(),
        "Deployment" => {
            let mut skips = OF_DEPLOYMENT.to_vec();
            if place.host_network {
                skips.extend(ON_HOST_NETWORK);
            }
            if place.user == RunAsUser::Project {
                skips.extend(OF_PROJECT);
            }
            skips
        }
        "CronJob" => {
            let mut skips = OF_CRON_JOB.to_vec();
            if place.user == RunAsUser::Project {
                skips.extend(OF_PROJECT);
            }
            skips
        }
        _ => Vec::new(),
    }
}

fn written(skips: &[Skip]) -> Map<String, Value> {
    let named = |(index, (check, reason)): (usize, &Skip)| {
        let key = format!("checkov.io/skip{}", index + 1);
        (key, json!(format!("{check}={reason}")))
    };
    skips.iter().enumerate().map(named).collect()
}
