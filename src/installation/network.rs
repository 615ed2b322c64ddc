//! How the guard is reached, and whom it reaches.

use serde_json::{Value, json};

use super::options::{Installation, pod_labels};
use super::platform::Platform;
use crate::k8s::webhook_configuration::NAME;

pub(super) fn service(installation: &Installation) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": installation.metadata(NAME),
        "spec": {
            "type": "ClusterIP",
            "selector": pod_labels(),
            "ports": [{ "name": "https", "port": installation.service_port, "protocol": "TCP", "targetPort": "https" }],
        },
    })
}

/// The API server is on no network that a policy could name, so that the ports are open to all; requests go to
/// the API server alone, which is at 443 as a Service and at 6443 or 8443 behind it.
pub(super) fn policy(installation: &Installation) -> Value {
    let Platform {
        review_port,
        health_port,
        ..
    } = installation.place;
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": installation.metadata(NAME),
        "spec": {
            "podSelector": { "matchLabels": pod_labels() },
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{ "ports": [tcp(review_port), tcp(health_port)] }],
            "egress": to_api_server(),
        },
    })
}

/// That pods of this name reach the API server, and nobody reaches them.
pub(super) fn policy_of_client(installation: &Installation, name: &str) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": installation.metadata(name),
        "spec": {
            "podSelector": { "matchLabels": client_labels(name) },
            "policyTypes": ["Ingress", "Egress"],
            "egress": to_api_server(),
        },
    })
}

/// The labels of pods of this name, which the Service does not select.
pub(super) fn client_labels(name: &str) -> Value {
    json!({ "app.kubernetes.io/name": name })
}

fn to_api_server() -> Value {
    json!([{ "ports": [tcp(443), tcp(6443), tcp(8443)] }])
}

fn tcp(port: u16) -> Value {
    json!({ "port": port, "protocol": "TCP" })
}
