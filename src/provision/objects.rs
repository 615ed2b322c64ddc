//! The objects of a team that neither give rights nor hold keys.

use serde_json::{Value, json};

use super::names::{KIND_LABEL, MANAGED_BY, MANAGED_BY_LABEL, SPEC_ANNOTATION, TEAM_LABEL};
use super::{CheckedTeam, Names};
use crate::pki::team::Certificate;

/// Which profile of the Pod Security Standards a namespace enforces.
#[derive(Debug, Clone, Copy)]
pub(super) enum PodSecurity {
    /// What the hardened Tiller fits.
    Restricted,
    /// What most charts fit.
    Baseline,
}

/// An object's metadata, with the labels that make it ours and the team's.
pub(super) fn metadata(team: &CheckedTeam, namespace: &str, name: &str) -> Value {
    json!({
        "namespace": namespace,
        "name": name,
        "labels": { MANAGED_BY_LABEL: MANAGED_BY, TEAM_LABEL: team.team },
    })
}

/// An object of the guard's own namespace that the guard looks for.
pub(super) fn guard_metadata(team: &CheckedTeam, name: &str, kind: &str) -> Value {
    let mut metadata = metadata(team, &team.guard_namespace, name);
    if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
        labels.insert(KIND_LABEL.to_owned(), kind.into());
    }
    metadata
}

/// `name` is the label that Helm from 2.10 on gives namespaces that it makes, and others select by.
pub(super) fn namespace(team: &CheckedTeam, name: &str, security: PodSecurity) -> Value {
    let enforced = match security {
        PodSecurity::Restricted => "restricted",
        PodSecurity::Baseline => "baseline",
    };
    json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": name,
            "labels": {
                "name": name,
                MANAGED_BY_LABEL: MANAGED_BY,
                TEAM_LABEL: team.team,
                "pod-security.kubernetes.io/enforce": enforced,
                "pod-security.kubernetes.io/warn": "restricted",
            },
        },
    })
}

/// Tiller's pod asks for the token itself; no other pod gets it by mistake.
pub(super) fn service_account(team: &CheckedTeam) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(team, &team.tiller_namespace, &team.service_account),
        "automountServiceAccountToken": false,
    })
}

/// The team, as the guard reads it.
pub(super) fn registration<'c>(
    team: &CheckedTeam,
    trusted: impl Iterator<Item = &'c Certificate>,
) -> Value {
    let lines = |words: &[String]| words.join("\n");
    let fingerprints: Vec<_> = trusted.map(|it| it.fingerprint().to_string()).collect();
    let mut metadata = guard_metadata(team, &team.team, "team");
    if let Some(metadata) = metadata.as_object_mut() {
        let annotations = json!({ SPEC_ANNOTATION: team.to_document().to_string() });
        metadata.insert("annotations".to_owned(), annotations);
    }
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {
            "tiller-namespace": team.tiller_namespace,
            "service-account": team.service_account,
            "target-namespaces": lines(&team.target_namespaces),
            "users": lines(&team.users),
            "groups": lines(&team.groups),
            "ca-fingerprint": fingerprints.join("\n"),
        },
    })
}

/// No pod reaches Tiller, whose clients come by port-forward: the kubelet brings these into the pod's own network,
/// where no policy stands, and makes the probes, which a policy never stops. What Tiller itself asks, the API server
/// and DNS, has no labels to be named by, so that nothing is said of it.
pub(super) fn network_policy(team: &CheckedTeam) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(team, &team.tiller_namespace, Names::NETWORK),
        "spec": { "podSelector": {}, "policyTypes": ["Ingress"], "ingress": [] },
    })
}
