//! A Kubernetes API server with the webhooks registered, on loopback, for tests, the demo and the
//! benchmark.
//!
//! ```text
//! Cluster ─ ControlPlane ─ etcd, kube-apiserver, kube-controller-manager
//!         ─ Guard ──────── tiller-guard serve
//!         ─ TestCa ─────── the certificates of both
//!         ─ Folder ─────── their files; removed at the end
//! ```
//!
//! `KUBEBUILDER_ASSETS` names the folder with the Kubernetes programs, of any version from 1.10 on. Up to
//! 1.19 the API server gets no key to sign bound tokens with; before 1.17 it may speak TLS 1.2 only.

mod control_plane;
mod credentials;
mod guard;
mod process;
mod webhook_configuration;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use hyper::Request;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};

use control_plane::ControlPlane;
pub use control_plane::{Peculiar, free_ports};
pub use credentials::{TestCa, User};
pub use guard::{Guard, get, get_accepting};
pub use process::{Folder, Server};
pub use webhook_configuration::{MUTATE, UNGUARDED, UNMUTATED, VALIDATE};

/// A running cluster.
#[derive(Debug)]
pub struct Cluster {
    guard: Option<Guard>,
    control_plane: ControlPlane,
    ca: TestCa,
    folder: Folder,
}

/// What is left of a cluster that outlives us.
#[derive(Debug)]
pub struct KeptCluster {
    /// A kubeconfig of its administrator.
    pub kubeconfig: PathBuf,
    /// A shell script that ends it and removes its files.
    pub stop: PathBuf,
}

/// The calls of a webhook by the API server's own count.
#[derive(Debug, Clone, Copy, Default)]
pub struct Calls {
    /// How many.
    pub count: f64,
    /// How long all of them took, in seconds.
    pub seconds: f64,
}

// === impl Cluster ===

impl Cluster {
    /// Starts the Kubernetes part. The ports are chosen a moment before they are used, so that another
    /// process may have taken one.
    pub async fn start() -> Result<Self> {
        Self::start_with(Peculiar::default()).await
    }

    /// The same, with what others do not have.
    pub async fn start_with(peculiar: Peculiar) -> Result<Self> {
        let mut last = None;
        for _attempt in 0..3 {
            let folder = Folder::create()?;
            let ca = TestCa::create()?;
            match ControlPlane::start(&folder, &ca, peculiar).await {
                Ok(control_plane) => {
                    return Ok(Self {
                        guard: None,
                        control_plane,
                        ca,
                        folder,
                    });
                }
                Err(error) if format!("{error:#}").contains("address already in use") => {
                    last = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(last.context("not started")?)
    }

    /// Starts the webhook: `tiller-guard` with the word `serve`, or another program that takes its flags.
    pub async fn start_guard(&mut self, program: &Path, words: &[&str]) -> Result<()> {
        let Self {
            guard,
            control_plane,
            ca,
            folder,
        } = self;
        let version = control_plane.version;
        let kubeconfig = folder.join("kubeconfig");
        let kubeconfig = Some(kubeconfig.as_path());
        let mut started = Guard::start(program, words, version, kubeconfig, ca, folder)?;
        started.ready().await?;
        *guard = Some(started);
        Ok(())
    }

    /// Another webhook that knows the cluster as this user, and is registered nowhere. It is not waited for.
    pub fn another_guard(
        &self,
        program: &Path,
        words: &[&str],
        user: User,
        port: Option<u16>,
    ) -> Result<(Guard, Folder)> {
        let Self {
            control_plane, ca, ..
        } = self;
        let ControlPlane {
            version, secret, ..
        } = control_plane;
        let port = port.unwrap_or(control_plane.port);
        let folder = Folder::create()?;
        let kubeconfig = credentials::kubeconfig(port, ca, &user.token(secret));
        let kubeconfig = PathBuf::from(folder.write("kubeconfig", &kubeconfig)?);
        let kubeconfig = Some(kubeconfig.as_path());
        let guard = Guard::start(program, words, *version, kubeconfig, ca, &folder)?;
        Ok((guard, folder))
    }

    /// The words by which a guard answers this cluster's API server alone.
    pub fn words_for_proof(&self) -> Result<[String; 2]> {
        let ca = self.ca.certificate();
        let file = self.folder.write("clients.crt", &ca)?;
        Ok([
            format!("--client-ca-file={file}"),
            format!("--client-name={}", control_plane::API_SERVER),
        ])
    }

    /// Registers both webhooks, and waits until the API server calls them.
    pub async fn register(&self) -> Result<()> {
        let guard = self.guard.as_ref().context("the guard is not started")?;
        let client = self.client(User::Admin).await?;
        let version = self.control_plane.version;
        for configuration in
            webhook_configuration::configurations(version, guard.address, &self.ca.bundle())
        {
            let kind = configuration
                .get("kind")
                .and_then(Value::as_str)
                .context("no kind")?;
            let api: Api<DynamicObject> = Api::all_with(
                client.clone(),
                &resource(
                    "admissionregistration.k8s.io",
                    webhook_configuration::api_version(version),
                    kind,
                ),
            );
            let configuration = serde_json::from_value(configuration.clone())?;
            api.create(&PostParams::default(), &configuration).await?;
        }
        self.wait_for_calls(&client).await
    }

    /// A client of the API server. It belongs to the runtime that it was made in.
    pub async fn client(&self, user: User) -> Result<Client> {
        let ControlPlane { port, secret, .. } = &self.control_plane;
        let text = credentials::kubeconfig(*port, &self.ca, &user.token(secret));
        client_of(Kubeconfig::from_yaml(&text)?).await
    }

    /// A client that acts as a user in these groups.
    pub async fn client_as(&self, user: &str, groups: &[&str]) -> Result<Client> {
        let ControlPlane { port, secret, .. } = &self.control_plane;
        let text = credentials::kubeconfig(*port, &self.ca, &User::Admin.token(secret));
        let groups = serde_json::to_string(groups)?;
        let acting = format!("    as: '{user}'\n    as-groups: {groups}\n    token: ");
        client_of(Kubeconfig::from_yaml(
            &text.replace("    token: ", &acting),
        )?)
        .await
    }

    /// A file with a kubeconfig of its administrator.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join("kubeconfig")
    }

    /// A kubeconfig with which the administrator acts as another user.
    pub fn kubeconfig_as(&self, user: &str) -> Result<PathBuf> {
        let ControlPlane { port, secret, .. } = &self.control_plane;
        let text = credentials::kubeconfig(*port, &self.ca, &User::Admin.token(secret));
        let text = text.replace("    token: ", &format!("    as: {user}\n    token: "));
        let name = format!("kubeconfig-{}", user.replace(':', "-"));
        Ok(self.folder.write(&name, &text)?.into())
    }

    /// Writes a file that lives as long as the cluster, and gives its path.
    pub fn write(&self, name: &str, content: &str) -> Result<String> {
        self.folder.write(name, content)
    }

    /// Ends the API server and starts it again, with all that it stores.
    pub async fn restart_api_server(&mut self) -> Result<()> {
        self.control_plane.restart_api_server(&self.folder).await
    }

    /// The process that stores all that the API server has.
    pub fn etcd(&self) -> Result<&Server> {
        self.control_plane.servers.last().context("no etcd")
    }

    /// The files of another CA's certificate for a name, and of its key.
    pub fn other_certificate(&self, name: &str) -> Result<[String; 2]> {
        let pair = self.ca.issue_for(name)?;
        Ok([
            self.folder.write("other.crt", &pair.certificate)?,
            self.folder.write("other.key", &pair.key)?,
        ])
    }

    /// The Kubernetes version: `(1, 20)`.
    pub fn version(&self) -> (u16, u16) {
        self.control_plane.version
    }

    /// The API server's port.
    pub fn port(&self) -> u16 {
        self.control_plane.port
    }

    /// The process of the controllers, where there are any.
    pub fn controllers(&self) -> Option<&Server> {
        let servers = &self.control_plane.servers;
        servers.first().filter(|_| self.has_controllers())
    }

    /// Whether controllers make pods and service accounts' tokens.
    pub fn has_controllers(&self) -> bool {
        self.control_plane.servers.len() > 2
    }

    /// Who made its certificates, and those of its guards.
    pub fn ca(&self) -> &TestCa {
        &self.ca
    }

    /// The guard.
    pub fn guard(&self) -> Result<&Guard> {
        self.guard.as_ref().context("the guard is not started")
    }

    /// What the API server counted of a webhook's calls so far, of whatever operation and outcome.
    pub async fn calls(client: &Client, webhook: &str) -> Result<Calls> {
        let metrics = client.request_text(request("/metrics")?).await?;
        let label = format!("name=\"{webhook}\"");
        let sum = |end: &str| -> f64 {
            // `…_latencies_seconds` before 1.14.
            let lines = metrics.lines().filter(|line| {
                line.starts_with("apiserver_admission_webhook_admission_")
                    && line.contains(&label)
                    && line
                        .split('{')
                        .next()
                        .is_some_and(|name| name.ends_with(end))
            });
            lines
                .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
                .sum()
        };
        Ok(Calls {
            count: sum("_seconds_count"),
            seconds: sum("_seconds_sum"),
        })
    }

    /// Lets everything run on after us.
    pub fn keep(self) -> Result<KeptCluster> {
        let Self {
            guard,
            control_plane,
            ca: _,
            folder,
        } = self;
        let servers = guard
            .map(|guard| guard.server)
            .into_iter()
            .chain(control_plane.servers);
        let pids: Vec<String> = servers
            .map(|server| Ok(server.keep()?.to_string()))
            .collect::<Result<_>>()?;
        let path = folder.path().display();
        let script = format!(
            "#!/bin/sh\nkill -KILL {}\nsleep 1\nrm -rf '{path}'\n",
            pids.join(" ")
        );
        let kept = KeptCluster {
            kubeconfig: folder.join("kubeconfig"),
            stop: folder.write("stop.sh", &script)?.into(),
        };
        folder.keep()?;
        Ok(kept)
    }

    /// The API server learns of a webhook configuration within a second or so. It counts its calls; a `PodTemplate`
    /// is what no controller acts on.
    async fn wait_for_calls(&self, client: &Client) -> Result<()> {
        let api: Api<DynamicObject> = Api::namespaced_with(
            client.clone(),
            "default",
            &resource("", "v1", "PodTemplate"),
        );
        let name = "are-the-webhooks-called";
        let template = serde_json::from_value(json!({
            "apiVersion": "v1",
            "kind": "PodTemplate",
            "metadata": { "name": name },
            // A sign that makes no Tiller, with which it is asked about whatever the conditions leave out.
            "template": { "spec": { "containers": [{
                "name": "none", "image": "none", "ports": [{ "containerPort": 44134 }],
            }] } },
        }))?;
        let start = Instant::now();
        loop {
            let created = api.create(&PostParams::default(), &template).await;
            let _gone = api.delete(name, &DeleteParams::default()).await;
            let (mutate, validate) = (
                Self::calls(client, MUTATE).await?,
                Self::calls(client, VALIDATE).await?,
            );
            if created.is_ok() && mutate.count > 0.0 && validate.count > 0.0 {
                return Ok(());
            }
            if start.elapsed() > Duration::from_secs(20) {
                bail!("the API server does not call the webhooks: {created:?}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// How the API names a kind.
pub fn resource(group: &str, version: &str, kind: &str) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

async fn client(kubeconfig: &Path) -> Result<Client> {
    client_of(Kubeconfig::read_from(kubeconfig)?).await
}

async fn client_of(kubeconfig: Kubeconfig) -> Result<Client> {
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}

async fn probe(client: &Client, path: &str) -> Result<()> {
    client.request_text(request(path)?).await?;
    Ok(())
}

fn request(path: &str) -> Result<Request<Vec<u8>>> {
    Ok(Request::get(path).body(Vec::new())?)
}
