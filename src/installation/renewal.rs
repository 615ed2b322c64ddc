//! The CronJob that renews the certificates of teams. Its account is its own, so that the pods that answer the API server
//! cannot read the CAs of teams; nor is its name one of a Tiller's.

use serde_json::{Value, json};

use super::options::{Installation, cluster_metadata};
use super::{access, network, workload};
use crate::k8s::webhook_configuration::NAME;
use crate::policy::rbac::RbacKind;

/// The name of the CronJob, its account, Role and network policy.
const RENEWAL: &str = "renew-certificates";
/// The name of its ClusterRole.
const CLUSTER_ROLE: &str = "tiller-guard-renew-certificates";
/// Mondays at 6: a certificate is due for at least a week before it ends if it is valid for three.
const SCHEDULE: &str = "0 6 * * 1";
/// The name of Tiller's Deployment, as `provision` and `helm init` make it.
const TILLER: &str = "tiller-deploy";

/// The user that the API server knows the CronJob's account by.
pub(super) fn user(namespace: &str) -> String {
    format!("system:serviceaccount:{namespace}:{RENEWAL}")
}

/// The CronJob and all that it needs.
pub(super) fn objects(installation: &Installation) -> Vec<Value> {
    let mut objects = vec![access::account(installation, RENEWAL)];
    objects.extend(roles(installation));
    objects.extend([
        network::policy_of_client(installation, RENEWAL),
        cron_job(installation),
    ]);
    objects
}

fn roles(installation: &Installation) -> [Value; 4] {
    let rule = access::rule;
    let in_own_namespace = json!([
        // The registrations of teams, the CAs and the bundles. A rule cannot restrict `list` and `create` by name. It may write
        // no registration and no policy: a rotation that was interrupted before it registered its CA, a person completes.
        rule("", &["configmaps"], &["get", "list"]),
        rule("", &["secrets"], &["get", "list", "create", "patch"]),
    ]);
    let everywhere = json!([
        access::named(
            rule("", &["namespaces"], &["get"]),
            &[&installation.namespace]
        ),
        access::named(
            rule("", &["secrets"], &["get", "patch"]),
            &[&installation.certificate_secret]
        ),
        // The annotation that starts Tiller anew.
        access::named(rule("apps", &["deployments"], &["get", "patch"]), &[TILLER]),
    ]);
    let holder = |kind: &str, metadata: Value, rules: Value| {
        json!({
            "apiVersion": format!("{}/v1", RbacKind::GROUP),
            "kind": kind,
            "metadata": metadata,
            "rules": rules,
        })
    };
    let binding = |kind: &str, role: &str, metadata: Value| {
        let name = metadata.get("name").cloned();
        json!({
            "apiVersion": format!("{}/v1", RbacKind::GROUP),
            "kind": kind,
            "metadata": metadata,
            "roleRef": { "apiGroup": RbacKind::GROUP, "kind": role, "name": name },
            "subjects": [{
                "kind": "ServiceAccount", "name": RENEWAL, "namespace": installation.namespace,
            }],
        })
    };
    let (own, whole) = (
        || installation.metadata(RENEWAL),
        || cluster_metadata(CLUSTER_ROLE),
    );
    [
        holder("ClusterRole", whole(), everywhere),
        binding("ClusterRoleBinding", "ClusterRole", whole()),
        holder("Role", own(), in_own_namespace),
        binding("RoleBinding", "Role", own()),
    ]
}

fn cron_job(installation: &Installation) -> Value {
    let version = if installation.minor >= 21 {
        "batch/v1"
    } else {
        "batch/v1beta1"
    };
    let mut pod = json!({
        "serviceAccountName": RENEWAL,
        "automountServiceAccountToken": true,
        "restartPolicy": "OnFailure",
        "securityContext": workload::security(installation),
        "containers": [container(installation)],
        "volumes": workload::volumes(),
    });
    if let (Some(selector), Some(pod)) = (workload::nodes(installation.minor), pod.as_object_mut())
    {
        pod.insert("nodeSelector".to_owned(), selector);
    }
    json!({
        "apiVersion": version,
        "kind": "CronJob",
        "metadata": installation.metadata(RENEWAL),
        "spec": {
            "schedule": SCHEDULE,
            "concurrencyPolicy": "Forbid",
            "jobTemplate": { "spec": {
                // One that hangs would keep the next ones from starting.
                "activeDeadlineSeconds": 3600,
                "template": { "metadata": { "labels": network::client_labels(RENEWAL) }, "spec": pod },
            } },
        },
    })
}

fn container(installation: &Installation) -> Value {
    json!({
        "name": NAME,
        "image": installation.image,
        "args": [
            "provision",
            "renew",
            "--no-wait",
            "--policy=/etc/tiller-guard/policy.yaml",
            format!("--guard-namespace={}", installation.namespace),
        ],
        "resources": {
            "requests": { "cpu": "50m", "memory": "32Mi" },
            "limits": { "cpu": "1", "memory": "256Mi" },
        },
        "securityContext": workload::container_security(),
        "volumeMounts": workload::mounts(),
    })
}
