//! What the guard may do: read what it judges by, and write its own certificate's CA, its own
//! webhook configurations' bundles, and Events.

use serde_json::{Value, json};

use super::options::{CA_SECRET, Installation, cluster_metadata};
use crate::k8s::webhook_configuration::{self, NAME};
use crate::policy::ObjectKind;
use crate::policy::rbac::RbacKind;
use crate::tiller::signs;

pub(super) fn account(installation: &Installation, name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": installation.metadata(name),
        "automountServiceAccountToken": false,
    })
}

pub(super) fn roles(installation: &Installation) -> [Value; 4] {
    let group = RbacKind::GROUP;
    let subject =
        json!({ "kind": "ServiceAccount", "name": NAME, "namespace": installation.namespace });
    let binding = |kind: &str, role: &str, metadata: Value| {
        json!({
            "apiVersion": format!("{group}/v1"),
            "kind": kind,
            "metadata": metadata,
            "roleRef": { "apiGroup": group, "kind": role, "name": NAME },
            "subjects": [subject.clone()],
        })
    };
    [
        json!({
            "apiVersion": format!("{group}/v1"),
            "kind": "ClusterRole",
            "metadata": cluster_metadata(NAME),
            "rules": cluster_rules(installation),
        }),
        binding("ClusterRoleBinding", "ClusterRole", cluster_metadata(NAME)),
        json!({
            "apiVersion": format!("{group}/v1"),
            "kind": "Role",
            "metadata": installation.metadata(NAME),
            "rules": own_rules(installation),
        }),
        binding("RoleBinding", "Role", installation.metadata(NAME)),
    ]
}

pub(super) fn rule(group: &str, resources: &[&str], verbs: &[&str]) -> Value {
    json!({ "apiGroups": [group], "resources": resources, "verbs": verbs })
}

pub(super) fn named(mut rule: Value, names: &[&str]) -> Value {
    if let Some(rule) = rule.as_object_mut() {
        rule.insert("resourceNames".to_owned(), json!(names));
    }
    rule
}

/// The first Kubernetes 1.x that takes a list or a watch of one name for a request of that name.
const LISTS_BY_NAME: u16 = 11;

fn cluster_rules(installation: &Installation) -> Value {
    let minor = installation.minor;
    let by_name = |rule, names: &[&str]| {
        if minor >= LISTS_BY_NAME {
            named(rule, names)
        } else {
            rule
        }
    };
    let watch = ["list", "watch"];
    let access = RbacKind::ALL.map(|kind| ObjectKind::from(kind).resource());
    let configurations = [
        "mutatingwebhookconfigurations",
        "validatingwebhookconfigurations",
    ];
    let mut rules = vec![
        rule(RbacKind::GROUP, &access, &watch),
        rule(
            "",
            &["pods", "replicationcontrollers", "services", "configmaps"],
            &watch,
        ),
        rule(
            "apps",
            &["deployments", "replicasets", "statefulsets", "daemonsets"],
            &watch,
        ),
        rule("batch", &["jobs", "cronjobs"], &watch),
        // Asked for by name: which Secrets are an account's tokens, before 1.24.
        rule("", &["serviceaccounts"], &["list"]),
        // What they trust; they are asked for by name.
        by_name(rule("", &["secrets"], &watch), &signs::SECRETS),
        rule("", &["events"], &["create", "patch"]),
        named(
            rule(
                webhook_configuration::GROUP,
                &configurations,
                &["get", "patch"],
            ),
            &[NAME],
        ),
        by_name(
            rule(webhook_configuration::GROUP, &configurations, &watch),
            &[NAME],
        ),
    ];
    if installation.place.restore_webhooks {
        // A rule cannot restrict `create` by name.
        rules.push(rule(
            webhook_configuration::GROUP,
            &configurations,
            &["create"],
        ));
    }
    if installation.place.audit_interval.is_some() {
        rules.extend(audit_rules(minor));
    }
    if let Some(api) = installation.place.audit_reports {
        let verbs = ["get", "list", "create", "patch", "delete"];
        rules.push(rule(api.group_version().0, &api.resources(), &verbs));
    }
    json!(rules)
}

/// What an audit lists beside that: what leads to Services.
fn audit_rules(minor: u16) -> [Value; 2] {
    // Ingresses are in this group from 1.14 on.
    let group = if minor >= 14 {
        "networking.k8s.io"
    } else {
        "extensions"
    };
    let routes = ["httproutes", "grpcroutes", "tlsroutes", "tcproutes"];
    [
        rule(group, &["ingresses"], &["list"]),
        rule("gateway.networking.k8s.io", &routes, &["list"]),
    ]
}

/// The first Kubernetes 1.x that serves Leases.
const HAS_LEASES: u16 = 12;

fn own_rules(installation: &Installation) -> Value {
    let mut rules = vec![
        // A rule cannot restrict `create` by name.
        rule("", &["secrets"], &["create"]),
        named(rule("", &["secrets"], &["get", "update"]), &[CA_SECRET]),
    ];
    // It says which pod audits.
    if installation.place.audit_interval.is_some() && installation.minor >= HAS_LEASES {
        let group = "coordination.k8s.io";
        rules.extend([
            rule(group, &["leases"], &["create"]),
            named(rule(group, &["leases"], &["get", "update"]), &[NAME]),
        ]);
    }
    json!(rules)
}
