//! The real Helm 2 and Tiller, where a folder has them: `HELM2_PROGRAMS` names one with `helm` and `tiller` of 2.17.0.
//!
//! No node runs pods here, so that the API server can forward no port: Tiller is a process with the certificates, the options and the
//! rights that its Deployment gives it, and Helm reaches it by `HELM_HOST`.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::api::ListParams;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::cluster::World;
use crate::api_server::cluster;
use crate::manual::walk::Machine;
use crate::offline::Folder;

/// A team's Tiller. It ends with this.
pub(super) struct RealTiller {
    pub(super) address: String,
    process: Child,
    _certificates: Folder,
}

impl Drop for RealTiller {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

// === impl RealTiller ===

impl RealTiller {
    /// Starts what the team's Deployment would start, with other paths and ports only.
    pub(super) async fn start(programs: &Path, namespace: &str) -> Self {
        let world = World::create().await;
        let certificates = Folder::new();
        let secret = world.secret(namespace, "tiller-tls").await;
        for (name, value) in secret["data"].as_object().unwrap() {
            let content = STANDARD.decode(value.as_str().unwrap()).unwrap();
            certificates.file(name, content);
        }
        let deployments = world.api("apps/v1", "Deployment", namespace);
        let deployment = deployments.get("tiller-deploy").await.unwrap();
        let pod = &deployment.data["spec"]["template"]["spec"];
        let ports = [(); 2].map(|()| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().port()
        });
        let arguments = pod["containers"][0]["args"].as_array().unwrap();
        let arguments = arguments.iter().map(|it| {
            let it = it
                .as_str()
                .unwrap()
                .replace("/etc/certs", &certificates.path());
            match it.split_once('=') {
                Some(("--listen", _)) => format!("--listen=127.0.0.1:{}", ports[0]),
                _ => it,
            }
        });
        let account = pod["serviceAccountName"].as_str().unwrap();
        let account = format!("system:serviceaccount:{namespace}:{account}");
        let process = Command::new(programs.join("tiller"))
            .args(arguments)
            .arg(format!("--probe-listen=127.0.0.1:{}", ports[1]))
            .env_clear()
            .env("HOME", certificates.path())
            .env("TILLER_NAMESPACE", namespace)
            .env("KUBECONFIG", cluster().kubeconfig_as(&account).unwrap())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let tiller = Self {
            address: format!("127.0.0.1:{}", ports[0]),
            process,
            _certificates: certificates,
        };
        let end = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(&tiller.address).await.is_err() {
            assert!(Instant::now() < end, "Tiller does not listen");
            sleep(Duration::from_millis(50)).await;
        }
        tiller
    }
}

/// A member of the team blue releases: nothing is listed yet, then a chart goes to the default namespace of `env`, is recorded in a
/// Secret, listed and deleted. Without the bundle, Tiller does not answer.
pub(super) async fn releases(machine: &Machine, listed: &str) {
    assert_eq!(listed, "");
    let home = machine.home.path();
    let chart = format!("{home}/chart");
    fs::create_dir_all(format!("{chart}/templates")).unwrap();
    fs::write(
        format!("{chart}/Chart.yaml"),
        "name: note\nversion: 1.0.0\n",
    )
    .unwrap();
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: note}\ndata: {a: b}\n";
    fs::write(format!("{chart}/templates/note.yaml"), map).unwrap();
    let source = ". ~/.helm-blue/env &&";
    for (line, shown) in [
        (
            format!("{source} helm install {chart} --name first"),
            "STATUS: DEPLOYED",
        ),
        (format!("{source} helm ls"), "note-1.0.0"),
        ("kubectl -n blue get configmap note".to_owned(), "note"),
        (
            "kubectl -n blue-tiller get secrets -l OWNER=TILLER".to_owned(),
            "first.v1",
        ),
        (format!("{source} helm delete --purge first"), "deleted"),
    ] {
        let (code, printed) = machine.run(&line).await;
        assert_eq!(code, Some(0), "{line}\n{printed}");
        assert!(printed.contains(shown), "{line}\n{printed}");
    }
    let without = "helm ls --tiller-connection-timeout 5";
    let (code, printed) = machine.run(without).await;
    assert_ne!(code, Some(0), "{printed}");
    let world = World::create().await;
    let records = world.api("v1", "Secret", "blue-tiller");
    let records = records
        .list(&ListParams::default().labels("OWNER=TILLER"))
        .await;
    assert!(records.unwrap().items.is_empty());
}
