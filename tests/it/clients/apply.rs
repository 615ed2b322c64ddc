//! `kubectl apply` of a Tiller that nobody hardened: it comes out hardened, and applying it again changes nothing.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use super::program;
use crate::api_server::{World, cluster};
use crate::cluster::Folder;
use crate::suite::{Feature, skip};

macro_rules! case {
    ($name:ident, $version:expr, $kinds:expr) => {
        #[tokio::test]
        async fn $name() {
            for kind in $kinds {
                stays($version, kind, Side::Client).await;
                stays($version, kind, Side::Server).await;
            }
        }
    };
}

case!(
    what_kubectl_1_20_applies_again_stays,
    "1.20",
    ["Deployment", "Pod"]
);
case!(
    what_kubectl_1_31_applies_again_stays,
    "1.31",
    ["Deployment", "StatefulSet", "Job"]
);
case!(
    what_kubectl_1_37_applies_again_stays,
    "1.37",
    ["Deployment", "DaemonSet", "Pod", "Job", "ReplicaSet"]
);

/// Where the new object is put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

async fn stays(version: &'static str, kind: &'static str, side: Side) {
    let kubernetes = cluster().version();
    if side == Side::Server && !Feature::Apply.is_in(kubernetes) {
        return skip("server-side apply is in Kubernetes 1.16 and later");
    }
    let namespace = format!("again-{kind}-{side:?}-{version}")
        .to_lowercase()
        .replace('.', "-");
    let world = World::create(&namespace).await;
    let manifest = manifest(kind, &world.helm_init("2.17.0-sa-ns")["spec"], &namespace);
    let kubectl = Kubectl::new(version, side, &manifest);
    // kubectl 1.20 shows the time of its last apply as a difference.
    let differs = Feature::DryRun.is_in(kubernetes) && (version, side) != ("1.20", Side::Server);
    spawn_blocking(move || {
        kubectl.applies();
        let first = kubectl.stored();
        assert!(
            first.to_string().contains("--storage=secret"),
            "{version} {kind} {side:?}: {first}"
        );
        for _ in 0..2 {
            kubectl.applies();
            let again = kubectl.stored();
            assert_eq!(again["spec"], first["spec"], "{version} {kind} {side:?}");
            let generation = |object: &Value| object["metadata"]["generation"].clone();
            assert_eq!(
                generation(&again),
                generation(&first),
                "{version} {kind} {side:?}"
            );
        }
        if differs {
            let output = kubectl.run(&["diff"], side);
            assert!(
                output.status.success(),
                "{version} {kind} {side:?}: {output:?}"
            );
            assert_eq!(String::from_utf8_lossy(&output.stdout), "");
        }
    })
    .await
    .unwrap();
}

/// A Tiller with settings of its own in all that is hardened.
fn manifest(kind: &str, deployment: &Value, namespace: &str) -> Value {
    let mut template = deployment["template"].clone();
    template["metadata"]["annotations"] =
        json!({ "seccomp.security.alpha.kubernetes.io/pod": "unconfined" });
    let pod = &mut template["spec"];
    pod["securityContext"] = json!({ "runAsUser": 0, "fsGroup": 0 });
    pod["volumes"] = json!([{ "name": "tmp", "emptyDir": { "sizeLimit": "5Mi" } }]);
    let container = &mut pod["containers"][0];
    container["command"] = json!(["/tiller"]);
    container["args"] = json!([
        "--history-max",
        "20",
        "--tls=false",
        "-listen=:44134",
        "--storage=configmap",
        "--v=2"
    ]);
    container["env"] = json!([
        { "name": "TILLER_TLS_VERIFY", "value": "" },
        { "name": "TILLER_NAMESPACE", "value": namespace },
    ]);
    container["volumeMounts"] = json!([{ "name": "tmp", "mountPath": "/tmp" }]);
    container["securityContext"] =
        json!({ "runAsUser": 0, "capabilities": { "add": ["NET_ADMIN"] } });
    // Server-side apply tells ports apart by it, and Kubernetes before 1.20 sets none there.
    for port in container["ports"].as_array_mut().unwrap() {
        port["protocol"] = json!("TCP");
    }
    let selector = deployment["selector"].clone();
    let (api_version, spec) = match kind {
        "Pod" => ("v1", template["spec"].clone()),
        "Job" => {
            template["spec"]["restartPolicy"] = json!("Never");
            ("batch/v1", json!({ "template": template }))
        }
        "StatefulSet" => (
            "apps/v1",
            json!({ "selector": selector, "template": template, "serviceName": "tiller" }),
        ),
        _ => (
            "apps/v1",
            json!({ "selector": selector, "template": template }),
        ),
    };
    let mut metadata = json!({ "name": "tiller-deploy", "namespace": namespace, "labels": { "app": "helm", "name": "tiller" } });
    if kind == "Pod" {
        metadata["annotations"] = template["metadata"]["annotations"].clone();
    }
    json!({ "apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec })
}

/// A kubectl with a manifest in a file.
struct Kubectl {
    program: PathBuf,
    side: Side,
    folder: Folder,
    kubeconfig: PathBuf,
}

// === impl Kubectl ===

impl Kubectl {
    fn new(version: &str, side: Side, manifest: &Value) -> Self {
        let folder = Folder::create().unwrap();
        folder
            .write("manifest.json", &manifest.to_string())
            .unwrap();
        Self {
            program: program(&format!("kubectl-{version}")),
            side,
            folder,
            kubeconfig: cluster().kubeconfig(),
        }
    }

    fn applies(&self) {
        let output = self.run(&["apply"], self.side);
        assert!(output.status.success(), "{output:?}");
    }

    fn stored(&self) -> Value {
        let output = self.run(&["get", "--output=json"], Side::Client);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }

    fn run(&self, words: &[&str], side: Side) -> Output {
        let manifest: &Path = &self.folder.join("manifest.json");
        let mut command = Command::new(&self.program);
        command.args(words).arg("--filename").arg(manifest);
        command.arg("--kubeconfig").arg(&self.kubeconfig);
        if side == Side::Server {
            command.arg("--server-side");
        }
        command.env("HOME", self.folder.path()).output().unwrap()
    }
}
