//! The hardened Tiller, whole, as the API server stores it: with the fields that it sets itself.

use serde_json::{Value, json};

use super::cluster;
use crate::suite::Feature;

/// The pod of a hardened `helm init` Deployment. The recordings differ in the image, the name of a port
/// and whether they say to mount the service account's token.
pub(crate) fn hardened_pod(namespace: &str, sent: &Value) -> Value {
    let container = &sent["containers"][0];
    let mut ports = container["ports"].clone();
    for port in ports.as_array_mut().unwrap() {
        port["protocol"] = json!("TCP");
    }
    let mut pod = json!({
        "containers": [{
            "name": "tiller",
            "image": container["image"],
            "imagePullPolicy": "IfNotPresent",
            "command": ["/tiller"],
            "args": [
                "--listen=:44134",
                "--storage=secret",
                "--tls=true",
                "--tls-verify=true",
                "--tls-key=/etc/certs/tls.key",
                "--tls-cert=/etc/certs/tls.crt",
                "--tls-ca-cert=/etc/certs/ca.crt",
                "--history-max=0",
                "--trace=false",
                "--experimental-release=false",
            ],
            "env": [
                { "name": "TILLER_NAMESPACE", "value": namespace },
                { "name": "TILLER_HISTORY_MAX", "value": "0" },
                { "name": "TILLER_TLS_VERIFY", "value": "1" },
                { "name": "TILLER_TLS_ENABLE", "value": "1" },
                { "name": "TILLER_TLS_CERTS", "value": "/etc/certs" },
            ],
            "ports": ports,
            "livenessProbe": probe("/liveness"),
            "readinessProbe": probe("/readiness"),
            "resources": {},
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "capabilities": { "drop": ["ALL"] },
                "readOnlyRootFilesystem": true,
            },
            "volumeMounts": [
                { "name": "tiller-certs", "mountPath": "/etc/certs", "readOnly": true },
                { "name": "tmp", "mountPath": "/tmp" },
            ],
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
        }],
        "volumes": [
            { "name": "tiller-certs", "secret": { "secretName": "tiller-tls", "defaultMode": 0o444 } },
            { "name": "tmp", "emptyDir": {} },
        ],
        "serviceAccountName": "tiller",
        "serviceAccount": "tiller",
        "securityContext": {
            "runAsNonRoot": true,
            "runAsUser": 65534,
            "seccompProfile": { "type": "RuntimeDefault" },
        },
        "restartPolicy": "Always",
        "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler",
        "terminationGracePeriodSeconds": 30,
    });
    if !Feature::SeccompField.is_in(cluster().version()) {
        let context = pod["securityContext"].as_object_mut().unwrap();
        context.remove("seccompProfile");
    }
    if let Some(mount_token) = sent.get("automountServiceAccountToken") {
        pod["automountServiceAccountToken"] = mount_token.clone();
    }
    pod
}

/// What is added to the pod's annotations: the system call filter, for Kubernetes before 1.19.
pub(crate) fn annotations() -> Value {
    json!({ "seccomp.security.alpha.kubernetes.io/pod": "docker/default" })
}

fn probe(path: &str) -> Value {
    json!({
        "httpGet": { "path": path, "port": 44135, "scheme": "HTTP" },
        "initialDelaySeconds": 1,
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    })
}
