//! `install`, `doctor` and `uninstall` against a real API server, with replicas that keep their own certificates.
//!
//! No node runs pods here: the replicas are processes with the rights of the guard's service account, and a small
//! forwarder stands in for the Service, at its own address.

mod audited;
mod certificates;
mod clocks;
mod diagnoses;
mod down;
mod flood;
mod healed;
mod helms;
mod idle;
mod interrupted;
mod leaving;
mod load;
mod lost;
mod names;
mod observer;
mod old_api;
mod operator;
mod options;
mod places;
mod policies;
mod proofs;
mod renewed;
mod replaced;
mod reported;
mod restarts;
mod service;
mod unproven;
mod walk;
mod watched;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep};

use crate::cluster::{Cluster, Folder, Peculiar, Server, User, resource};
use crate::knowledge;
use crate::suite::{Feature, in_new_words, trial};
use service::Service;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tiller-guard");

/// Shared by all tests, one after the other in each: webhook configurations are the cluster's.
static CLUSTERS: [LazyLock<Mutex<Cluster>>; 2] = [
    LazyLock::new(|| start(Peculiar::default())),
    LazyLock::new(|| start(Peculiar::default())),
];

fn start(peculiar: Peculiar) -> Mutex<Cluster> {
    let started = move || tokio::runtime::Runtime::new()?.block_on(Cluster::start_with(peculiar));
    Mutex::new(thread::spawn(started).join().unwrap().unwrap())
}

/// An API server that is ours alone for a while, with nothing installed.
struct World {
    cluster: MutexGuard<'static, Cluster>,
    client: Client,
    /// The administrator's kubeconfig.
    kubeconfig: PathBuf,
    /// A kubeconfig with the guard's own rights and no more.
    kubeconfig_of_guard: PathBuf,
    /// The version in which webhooks are registered.
    registration_version: &'static str,
    /// The port of the Service, as an option: above 1023, so that anybody may listen there, if there is a choice.
    service_port: &'static str,
}

impl World {
    async fn enter() -> Self {
        let [first, second] = &CLUSTERS;
        let free = match first.try_lock() {
            Ok(free) => free,
            Err(_taken) => tokio::select! {
                free = first.lock() => free,
                free = second.lock() => free,
            },
        };
        Self::enter_in(free).await
    }

    async fn enter_in(cluster: MutexGuard<'static, Cluster>) -> Self {
        let client = cluster.client(User::Admin).await.unwrap();
        let account = "system:serviceaccount:tiller-guard:tiller-guard";
        let kubeconfig_of_guard = cluster.kubeconfig_as(account).unwrap();
        let registration_version = if cluster.version() >= (1, 16) {
            "v1"
        } else {
            "v1beta1"
        };
        let service_port = if Feature::ServicePort.is_in(cluster.version()) {
            "--service-port=10443"
        } else {
            "--service-port=443"
        };
        let world = Self {
            service_port,
            kubeconfig: cluster.kubeconfig(),
            cluster,
            client,
            kubeconfig_of_guard,
            registration_version,
        };
        let gone = world.run(&["uninstall", "--adopt"]).await;
        assert_eq!(gone.status.code(), Some(0), "{gone:?}");
        world.without_tillers().await;
        world
    }

    /// Deletes the Tillers that a test left, with what controllers made of them: nobody collects garbage here. The first installation
    /// beside a Tiller only reports.
    async fn without_tillers(&self) {
        let kinds = [("apps", "Deployment"), ("apps", "ReplicaSet"), ("", "Pod")];
        for _ in 0..100 {
            let mut left = 0;
            for (group, kind) in kinds {
                let found = self.objects(group, "v1", kind, "");
                let found = found.list(&ListParams::default()).await.unwrap();
                for object in found {
                    let name = object.metadata.name.unwrap();
                    if name.starts_with("tiller-deploy") {
                        let namespace = object.metadata.namespace.unwrap();
                        let api = self.objects(group, "v1", kind, &namespace);
                        let now = DeleteParams::default().grace_period(0);
                        let _gone_before = api.delete(&name, &now).await.is_err();
                        left += 1;
                    }
                }
            }
            if left == 0 {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("Tillers are left");
    }

    /// The port of the Service.
    fn port(&self) -> u16 {
        let (_, port) = self.service_port.split_once('=').unwrap();
        port.parse().unwrap()
    }

    /// What the doctor says once the validating webhook has refused what is tried for it.
    fn proof(&self) -> &'static str {
        if Feature::DryRun.is_in(self.cluster.version()) {
            "validate.tiller-guard.io refuses an unhardened Tiller: protected-namespace"
        } else {
            "validate.tiller-guard.io refuses a Service that opens Tiller's port: service-exposed"
        }
    }

    /// Runs the program as the administrator.
    async fn run(&self, words: &[&str]) -> Output {
        Self::run_with(&self.kubeconfig, words).await
    }

    /// Runs the program with another kubeconfig.
    async fn run_with(kubeconfig: &Path, words: &[&str]) -> Output {
        let kubeconfig = format!("--kubeconfig={}", kubeconfig.display());
        let mut command = Command::new(PROGRAM);
        command.args(words).arg(kubeconfig);
        command.output().await.unwrap()
    }

    /// Installs, and waits until the API server has learnt of it.
    async fn install(&self) {
        let installed = self.run(&["install", self.service_port, "--wait=0"]).await;
        assert_eq!(installed.status.code(), Some(0), "{}", said(&installed));
        self.until_told("webhook").await;
    }

    /// Until a Tiller is refused with these words.
    async fn until_told(&self, words: &str) {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let told = self.try_tiller().await;
            if told.as_ref().is_err_and(|told| told.contains(words)) {
                return;
            }
            assert!(Instant::now() < end, "{told:?}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Replicas that are started from now on reach the API server this way. The folder holds how.
    fn lead_guard_over(&mut self, path: &knowledge::path::Path) -> Folder {
        let direct = fs::read_to_string(&self.kubeconfig_of_guard).unwrap();
        let port = |port: u16| format!("https://127.0.0.1:{port}");
        let led = direct.replace(&port(self.cluster.port()), &port(path.port));
        let folder = Folder::create().unwrap();
        self.kubeconfig_of_guard = folder.write("kubeconfig", &led).unwrap().into();
        folder
    }

    /// Labels the namespaces with their names, as API servers do from 1.21 on.
    async fn label_namespaces(&self) {
        let namespaces = self.objects("", "v1", "Namespace", "");
        for name in ["kube-system", "tiller-guard"] {
            let labelled = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": {
                "name": name, "labels": { "kubernetes.io/metadata.name": name },
            } });
            let patch = Patch::Apply(&labelled);
            let parameters = PatchParams::apply("administrator").force();
            namespaces.patch(name, &parameters, &patch).await.unwrap();
        }
    }

    /// Starts replicas behind the Service, and waits until all of them are ready.
    async fn serve(&self, replicas: usize, words: &[&str]) -> Service {
        let mut service = Service::start(self).await;
        for _ in 0..replicas {
            service.add(self, words);
        }
        service.all_ready().await;
        service
    }

    fn objects(
        &self,
        group: &str,
        version: &str,
        kind: &str,
        namespace: &str,
    ) -> Api<DynamicObject> {
        let resource = resource(group, version, kind);
        match namespace {
            "" => Api::all_with(self.client.clone(), &resource),
            namespace => Api::namespaced_with(self.client.clone(), namespace, &resource),
        }
    }

    fn registrations(&self, kind: &str) -> Api<DynamicObject> {
        let group = "admissionregistration.k8s.io";
        self.objects(group, self.registration_version, kind, "")
    }

    /// The bundle of a registration's first webhook, as PEM.
    async fn bundle(&self, kind: &str) -> String {
        let found = self.registrations(kind).get("tiller-guard").await.unwrap();
        let text = found.data["webhooks"][0]["clientConfig"]["caBundle"].as_str();
        let bytes = BASE64_STANDARD.decode(text.unwrap_or_default()).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// The Secret of the CA.
    fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), "tiller-guard")
    }

    /// Tries a Tiller in `default`, of which nothing stays.
    async fn try_tiller(&self) -> Result<(), String> {
        let pod = serde_json::from_value(tiller()).unwrap();
        let pods = self.objects("", "v1", "Pod", "default");
        let answer = trial(self.cluster.version(), &pods, &pod).await;
        answer.map(drop).map_err(|error| match error {
            kube::Error::Api(status) => in_new_words(&status.message),
            other => panic!("{other}"),
        })
    }

    /// Adds a role, and a binding of an account to it.
    async fn add_rights(&self, name: &str) {
        let group = "rbac.authorization.k8s.io";
        let role = json!({ "metadata": { "name": name }, "rules": [] });
        let binding = json!({
            "metadata": { "name": name },
            "roleRef": { "apiGroup": group, "kind": "Role", "name": name },
            "subjects": [{ "kind": "ServiceAccount", "name": "web" }],
        });
        for (kind, object) in [("Role", role), ("RoleBinding", binding)] {
            let api = self.objects(group, "v1", kind, "default");
            let object = serde_json::from_value(object).unwrap();
            api.create(&PostParams::default(), &object).await.unwrap();
        }
    }

    /// Does what nodes would: reports the guard's pods as ready.
    async fn play_nodes(&self) {
        let end = Instant::now() + Duration::from_mins(1);
        let deployments = self.objects("apps", "v1", "Deployment", "tiller-guard");
        let pods = self.objects("", "v1", "Pod", "tiller-guard");
        loop {
            let deployment = deployments.get("tiller-guard").await.unwrap();
            if deployment.data["status"]["readyReplicas"] == deployment.data["spec"]["replicas"] {
                return;
            }
            assert!(
                Instant::now() < end,
                "{}\n{}",
                deployment.data["status"],
                self.cluster
                    .controllers()
                    .map(Server::log)
                    .unwrap_or_default()
            );
            if self.cluster.has_controllers() {
                for pod in pods.list(&ListParams::default()).await.unwrap() {
                    let status = json!({ "status": {
                        "phase": "Running",
                        "conditions": [{ "type": "Ready", "status": "True" }],
                    } });
                    let name = pod.metadata.name.unwrap();
                    let patch = Patch::Merge(&status);
                    pods.patch_status(&name, &PatchParams::default(), &patch)
                        .await
                        .ok();
                }
            } else {
                let replicas = &deployment.data["spec"]["replicas"];
                let status = json!({ "status": {
                    "observedGeneration": deployment.metadata.generation,
                    "replicas": replicas, "updatedReplicas": replicas,
                    "readyReplicas": replicas, "availableReplicas": replicas,
                } });
                let patch = Patch::Merge(&status);
                deployments
                    .patch_status("tiller-guard", &PatchParams::default(), &patch)
                    .await
                    .unwrap();
            }
            sleep(Duration::from_millis(200)).await;
        }
    }
}

fn tiller() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": "tiller", "namespace": "default" },
        "spec": { "containers": [{ "name": "tiller", "image": "ghcr.io/helm/tiller:v2.17.0" }] },
    })
}

/// How much longer and oftener everything is done in `make soak`.
fn soak(usually: u32, soaking: u32) -> u32 {
    if std::env::var_os("SOAK").is_some() {
        soaking
    } else {
        usually
    }
}

/// What a program wrote, to both.
fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

fn program() -> &'static Path {
    Path::new(PROGRAM)
}
