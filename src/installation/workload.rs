//! The pods that answer, and how many of them there always are.

use serde_json::{Map, Value, json};

use super::options::{Installation, POLICY_FILE, SERVICE_PORT, pod_labels};
use super::platform::{HEALTH_PORT, Platform, REVIEW_PORT};
use super::renewal;
use crate::k8s::webhook_configuration::NAME;
use crate::policy::RunAsUser;

/// The user `nobody`, whom the image has too.
const USER: i64 = 65534;
/// More than the 25 s that a drain takes at the most.
const GRACE: u16 = 35;
/// Where the pods find the policy file.
pub const POLICY_DIRECTORY: &str = "/etc/tiller-guard";

pub(super) fn budget(installation: &Installation) -> Value {
    let version = if installation.minor >= 21 {
        "policy/v1"
    } else {
        "policy/v1beta1"
    };
    json!({
        "apiVersion": version,
        "kind": "PodDisruptionBudget",
        "metadata": installation.metadata(NAME),
        "spec": { "maxUnavailable": 1, "selector": { "matchLabels": pod_labels() } },
    })
}

pub(super) fn deployment(installation: &Installation) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": installation.metadata(NAME),
        "spec": {
            "replicas": installation.replicas,
            "revisionHistoryLimit": 3,
            "selector": { "matchLabels": pod_labels() },
            "strategy": { "type": "RollingUpdate", "rollingUpdate": rolling(installation.place) },
            "template": { "metadata": { "labels": pod_labels() }, "spec": pod(installation) },
        },
    })
}

/// Says that what depends on the place and is not in this Deployment or CronJob is nothing.
pub(super) fn clear(deployment: &mut Value) {
    let empty = |object: &mut Value, field: &str| {
        if let Some(object) = object.as_object_mut() {
            object.entry(field).or_insert(Value::Null);
        }
    };
    let pod = if deployment.pointer("/spec/jobTemplate").is_some() {
        "/spec/jobTemplate/spec/template/spec"
    } else {
        "/spec/template/spec"
    };
    let Some(pod) = deployment.pointer_mut(pod) else {
        return;
    };
    empty(pod, "hostNetwork");
    if let Some(context) = pod.get_mut("securityContext") {
        empty(context, "runAsUser");
        empty(context, "runAsGroup");
    }
    let ports = pod.pointer_mut("/containers/0/ports");
    let ports = ports.and_then(Value::as_array_mut).into_iter().flatten();
    for port in ports {
        empty(port, "hostPort");
    }
}

/// The next pod is ready before the last one goes. On the nodes' network it has to go first, where every node has one:
/// their ports are the same.
fn rolling(place: Platform) -> Value {
    if place.host_network {
        json!({ "maxSurge": 0, "maxUnavailable": 1 })
    } else {
        json!({ "maxSurge": 1, "maxUnavailable": 0 })
    }
}

fn pod(installation: &Installation) -> Value {
    let minor = installation.minor;
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    set("serviceAccountName", json!(NAME));
    set("automountServiceAccountToken", json!(true));
    // Other namespaces than kube-system may use it from 1.17 on.
    if minor >= 17 {
        set("priorityClassName", json!("system-cluster-critical"));
    }
    if installation.place.host_network {
        set("hostNetwork", json!(true));
    }
    set("terminationGracePeriodSeconds", json!(GRACE));
    if let Some(selector) = nodes(minor) {
        set("nodeSelector", selector);
    }
    set("securityContext", security(installation));
    if minor >= 18 {
        let spread = |key: &str| {
            json!({
                "maxSkew": 1,
                "topologyKey": key,
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": { "matchLabels": pod_labels() },
            })
        };
        set(
            "topologySpreadConstraints",
            json!([
                spread("kubernetes.io/hostname"),
                spread("topology.kubernetes.io/zone")
            ]),
        );
    } else {
        let apart = json!({
            "weight": 100,
            "podAffinityTerm": {
                "topologyKey": "kubernetes.io/hostname",
                "labelSelector": { "matchLabels": pod_labels() },
            },
        });
        set(
            "affinity",
            json!({
                "podAntiAffinity": { "preferredDuringSchedulingIgnoredDuringExecution": [apart] },
            }),
        );
    }
    set("containers", json!([container(installation)]));
    set("volumes", volumes());
    Value::Object(fields)
}

/// The nodes on which its image runs. They have the label from 1.14 on.
pub(super) fn nodes(minor: u16) -> Option<Value> {
    (minor >= 14).then(|| json!({ "kubernetes.io/os": "linux" }))
}

/// The policy file,
pub(super) fn volumes() -> Value {
    json!([{ "name": "policy", "configMap": { "name": POLICY_FILE } }])
}

/// and where it is read.
pub(super) fn mounts() -> Value {
    json!([{ "name": "policy", "mountPath": POLICY_DIRECTORY, "readOnly": true }])
}

/// Whether an option of `install` makes this argument of the pods in a namespace, with whatever value.
pub(super) fn is_option(namespace: &str, argument: &str) -> bool {
    let renewal = format!("--administrator={}", renewal::user(namespace));
    let exact = ["--tls-min-version=1.2", "--restore-webhooks", &renewal];
    let valued = [
        "--service-port=",
        "--audit-interval=",
        "--audit-reports=",
        "--listen=[::]:",
        "--health-address=[::]:",
    ];
    exact.contains(&argument) || valued.iter().any(|it| argument.starts_with(it))
}

pub(super) fn container_security() -> Value {
    json!({
        "allowPrivilegeEscalation": false,
        "capabilities": { "drop": ["ALL"] },
        "privileged": false,
        "readOnlyRootFilesystem": true,
    })
}

/// What the API server of Kubernetes 1.`minor` keeps: what it drops would be found missing each time.
pub(super) fn security(installation: &Installation) -> Value {
    let minor = installation.minor;
    let chooses_user = installation.place.user == RunAsUser::Nobody;
    let mut context = Map::new();
    let mut set = |name: &str, value: Value| context.insert(name.to_owned(), value);
    set("runAsNonRoot", json!(true));
    if chooses_user {
        set("runAsUser", json!(USER));
    }
    if chooses_user && minor >= 14 {
        set("runAsGroup", json!(USER));
    }
    if minor >= 19 {
        set("seccompProfile", json!({ "type": "RuntimeDefault" }));
    }
    Value::Object(context)
}

fn container(installation: &Installation) -> Value {
    let mut arguments = vec![
        "serve".to_owned(),
        "--policy=/etc/tiller-guard/policy.yaml".to_owned(),
    ];
    // Go offers TLS 1.3 of itself from 1.13 on, with which Kubernetes is built from 1.17 on.
    if installation.minor < 17 {
        arguments.push("--tls-min-version=1.2".to_owned());
    }
    if installation.service_port != SERVICE_PORT {
        arguments.push(format!("--service-port={}", installation.service_port));
    }
    let Platform {
        host_network,
        restore_webhooks,
        audit_interval,
        audit_reports,
        review_port,
        health_port,
        ..
    } = installation.place;
    if restore_webhooks {
        arguments.push("--restore-webhooks".to_owned());
    }
    if let Some(seconds) = audit_interval {
        arguments.push(format!("--audit-interval={seconds}"));
    }
    if let Some(api) = audit_reports {
        arguments.push(format!("--audit-reports={}", api.as_str()));
    }
    if installation.renew_certificates {
        let user = renewal::user(&installation.namespace);
        arguments.push(format!("--administrator={user}"));
    }
    if review_port != REVIEW_PORT {
        arguments.push(format!("--listen=[::]:{review_port}"));
    }
    if health_port != HEALTH_PORT {
        arguments.push(format!("--health-address=[::]:{health_port}"));
    }
    let port = |name: &str, port: u16| {
        let mut fields = json!({ "name": name, "containerPort": port, "protocol": "TCP" });
        if let (true, Some(fields)) = (host_network, fields.as_object_mut()) {
            fields.insert("hostPort".to_owned(), json!(port));
        }
        fields
    };
    let probe = |path: &str, failures: u8| {
        json!({
            "httpGet": { "path": path, "port": "health" },
            "periodSeconds": 5,
            "timeoutSeconds": 2,
            "failureThreshold": failures,
        })
    };
    json!({
        "name": NAME,
        "image": installation.image,
        "args": arguments,
        "ports": [port("https", review_port), port("health", health_port)],
        "readinessProbe": probe("/readyz", 2),
        "livenessProbe": probe("/livez", 6),
        // README, "What it costs": 12 MiB after a load. Learning 20,000 Deployments and as many bindings took 42 MiB at
        // the peak, in a build without optimisation (the test of `make soak`).
        "resources": {
            "requests": { "cpu": "50m", "memory": "32Mi" },
            "limits": { "cpu": "1", "memory": "128Mi" },
        },
        "securityContext": container_security(),
        "volumeMounts": mounts(),
    })
}
