//! etcd, kube-apiserver and kube-controller-manager on loopback, with the flags that their version knows.

use std::env;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::credentials::{TestCa, User, kubeconfig, secret};
use super::process::{Folder, Server};
use super::{client, probe};

/// A loaded machine needs half a minute for what takes eight seconds otherwise.
const START_LIMIT: Duration = Duration::from_secs(90);

/// The name in the certificate that the API server shows webhooks.
pub(super) const API_SERVER: &str = "api-server";

/// A Kubernetes version: `(1, 20)`.
pub(super) type Version = (u16, u16);

/// What a control plane has that others do not.
#[derive(Debug, Clone, Copy, Default)]
pub struct Peculiar {
    /// Further words for the API server.
    pub api_server: &'static [&'static str],
    /// Whether what an owner leaves behind is deleted. Objects whose owners are made up do not last then.
    pub collects_garbage: bool,
}

/// A running control plane.
#[derive(Debug)]
pub(super) struct ControlPlane {
    /// The API server's version.
    pub version: Version,
    /// The API server's port.
    pub port: u16,
    /// The API server, etcd and what else runs.
    pub servers: Vec<Server>,
    /// The secret in the tokens of users.
    pub secret: String,
    /// With what the API server was started.
    arguments: Vec<String>,
}

impl ControlPlane {
    /// Starts etcd, the API server and, where the folder with the programs has one, the controller
    /// manager; waits until the API server is ready.
    pub(super) async fn start(folder: &Folder, ca: &TestCa, peculiar: Peculiar) -> Result<Self> {
        let assets = assets()?;
        let version = version_of(&assets.join("kube-apiserver"))?;
        let [etcd_client, etcd_peer, port] = free_ports()?;
        let secret = secret()?;
        let controllers = assets.join("kube-controller-manager").exists();

        let etcd = start_etcd(&assets, folder, etcd_client, etcd_peer)?;
        let mut arguments =
            api_server_arguments(version, folder, ca, &secret, etcd_client, port, controllers)?;
        // What is said last counts; feature gates and versions of groups add up.
        arguments.extend(peculiar.api_server.iter().map(ToString::to_string));
        let mut api_server = Server::start(
            "kube-apiserver",
            &assets.join("kube-apiserver"),
            &arguments,
            folder,
        )?;
        let admin = kubeconfig(port, ca, &User::Admin.token(&secret));
        let admin = PathBuf::from(folder.write("kubeconfig", &admin)?);
        api_server
            .wait_until(START_LIMIT, || ready(&admin, version))
            .await?;

        let mut servers = vec![api_server, etcd];
        if controllers {
            let user = User::ControllerManager;
            let user = kubeconfig(port, ca, &user.token(&secret));
            let user = PathBuf::from(folder.write("controllers.kubeconfig", &user)?);
            let controllers = start_controller_manager(
                &assets,
                folder,
                &user,
                version,
                peculiar.collects_garbage,
            )?;
            servers.insert(0, controllers);
        }
        Ok(Self {
            version,
            port,
            servers,
            secret,
            arguments,
        })
    }

    /// Ends the API server and starts it again.
    pub(super) async fn restart_api_server(&mut self, folder: &Folder) -> Result<()> {
        let place = self.servers.len().checked_sub(2).context("no API server")?;
        drop(self.servers.remove(place));
        let program = assets()?.join("kube-apiserver");
        let mut started = Server::start("kube-apiserver", &program, &self.arguments, folder)?;
        let (admin, version) = (folder.join("kubeconfig"), self.version);
        started
            .wait_until(START_LIMIT, || ready(&admin, version))
            .await?;
        self.servers.insert(place, started);
        Ok(())
    }
}

/// The folder with the servers' programs: `KUBEBUILDER_ASSETS`, or what `tests/cluster/assets.sh` made.
fn assets() -> Result<PathBuf> {
    let cache = || {
        let home = env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| env::home_dir().map(|home| home.join(".cache")))?;
        Some(home.join("tiller-guard/kubernetes-1.20.2"))
    };
    let folder = env::var_os("KUBEBUILDER_ASSETS")
        .map(PathBuf::from)
        .or_else(cache);
    let folder = folder.context("neither KUBEBUILDER_ASSETS nor HOME is set")?;
    if !folder.join("kube-apiserver").exists() || !folder.join("etcd").exists() {
        bail!(
            "{} holds no etcd and kube-apiserver: `make test` and `make demo` make them",
            folder.display()
        );
    }
    Ok(folder)
}

/// `Kubernetes v1.20.2` is what kube-apiserver prints.
fn version_of(program: &Path) -> Result<Version> {
    let output = Command::new(program).arg("--version").output();
    let output = output.with_context(|| format!("cannot run {}", program.display()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut numbers = text
        .split(|letter: char| !letter.is_ascii_digit())
        .filter(|word| !word.is_empty());
    let mut number = || numbers.next().and_then(|word| word.parse().ok());
    number()
        .zip(number())
        .with_context(|| format!("no version in \"{text}\""))
}

/// Ports that were free a moment ago, each given once. They are below those that Linux gives to outgoing connections, one of which
/// could take a port before the program that it is meant for does.
pub fn free_ports<const COUNT: usize>() -> Result<[u16; COUNT]> {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    const FIRST: u32 = 15_000;
    const PORTS: u32 = 17_000;
    // Processes at the same time begin elsewhere.
    let start = std::process::id().wrapping_mul(379);
    let mut ports = [0; COUNT];
    for port in &mut ports {
        *port = (0..PORTS)
            .map(|_| start.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % PORTS)
            .filter_map(|offset| u16::try_from(FIRST + offset).ok())
            .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
            .context("no free port")?;
    }
    Ok(ports)
}

fn start_etcd(assets: &Path, folder: &Folder, client: u16, peer: u16) -> Result<Server> {
    let program = assets.join("etcd");
    let mut arguments = vec![
        format!("--data-dir={}", folder.join("etcd").display()),
        format!("--listen-client-urls=http://127.0.0.1:{client}"),
        format!("--advertise-client-urls=http://127.0.0.1:{client}"),
        format!("--listen-peer-urls=http://127.0.0.1:{peer}"),
        format!("--initial-advertise-peer-urls=http://127.0.0.1:{peer}"),
        format!("--initial-cluster=default=http://127.0.0.1:{peer}"),
        // What `make bench` fills it with is more than the 2 GiB that it would stop at.
        "--quota-backend-bytes=8589934592".to_owned(),
    ];
    // etcd 3.4.10 and later, which does not name it in its help.
    let no_sync = "--unsafe-no-fsync";
    let tried = Command::new(&program).args([no_sync, "--version"]).output();
    let tried = tried.with_context(|| format!("cannot run {}", program.display()))?;
    if tried.status.success() {
        arguments.push(no_sync.to_owned());
    }
    Server::start("etcd", &program, &arguments, folder)
}

fn api_server_arguments(
    version: Version,
    folder: &Folder,
    ca: &TestCa,
    secret: &str,
    etcd: u16,
    port: u16,
    controllers: bool,
) -> Result<Vec<String>> {
    let serving = ca.issue()?;
    // Any key pair will do; this one's certificate is not used.
    let accounts = rcgen::KeyPair::generate()?;
    let accounts_public = folder.write("accounts.pub", &accounts.public_key_pem())?;
    let accounts_private = folder.write("accounts.key", &accounts.serialize_pem())?;
    let tokens = User::ALL.map(|user| user.token_line(secret));
    let mut arguments = vec![
        format!("--etcd-servers=http://127.0.0.1:{etcd}"),
        format!("--secure-port={port}"),
        "--bind-address=127.0.0.1".to_owned(),
        "--advertise-address=127.0.0.1".to_owned(),
        format!("--cert-dir={}", folder.join("certificates").display()),
        format!(
            "--tls-cert-file={}",
            folder.write("api-server.crt", &serving.certificate)?
        ),
        format!(
            "--tls-private-key-file={}",
            folder.write("api-server.key", &serving.key)?
        ),
        format!("--service-account-key-file={accounts_public}"),
        format!(
            "--token-auth-file={}",
            folder.write("tokens.csv", &tokens.concat())?
        ),
        "--authorization-mode=RBAC".to_owned(),
        // Services are on loopback, where a test can stand in for what leads to their pods.
        "--service-cluster-ip-range=127.96.0.0/16".to_owned(),
        "--enable-admission-plugins=MutatingAdmissionWebhook,ValidatingAdmissionWebhook".to_owned(),
        "--allow-privileged=true".to_owned(),
        format!(
            "--admission-control-config-file={}",
            write_admission(version, folder, ca)?
        ),
    ];
    if version >= (1, 20) {
        arguments.push(format!(
            "--service-account-signing-key-file={accounts_private}"
        ));
        arguments.push("--service-account-issuer=https://kubernetes.default.svc".to_owned());
    } else {
        // Plain HTTP on 8080 is the default up to 1.19; the flag is gone from 1.24 on.
        arguments.push("--insecure-port=0".to_owned());
    }
    if ((1, 16)..(1, 23)).contains(&version) {
        arguments.push("--feature-gates=EphemeralContainers=true".to_owned());
    }
    if version < (1, 21) {
        arguments.push("--runtime-config=batch/v2alpha1=true".to_owned());
    }
    if !controllers {
        // It refuses pods as long as no controller made the namespace's service account.
        arguments.push("--disable-admission-plugins=ServiceAccount".to_owned());
    }
    Ok(arguments)
}

/// What the API server shows webhooks that ask for a certificate.
fn write_admission(version: Version, folder: &Folder, ca: &TestCa) -> Result<String> {
    let pair = ca.issue_for(API_SERVER)?;
    let certificate = folder.write("api-server-client.crt", &pair.certificate)?;
    let key = folder.write("api-server-client.key", &pair.key)?;
    let kubeconfig = format!(
        "apiVersion: v1\nkind: Config\nusers:\n- name: '*'\n  user:\n    \
         client-certificate: {certificate}\n    client-key: {key}\n"
    );
    let kubeconfig = folder.write("webhooks.kubeconfig", &kubeconfig)?;
    let [group, inner, kind] = if version >= (1, 17) {
        let group = "apiserver.config.k8s.io/v1";
        [group, group, "WebhookAdmissionConfiguration"]
    } else {
        let inner = "apiserver.config.k8s.io/v1alpha1";
        ["apiserver.k8s.io/v1alpha1", inner, "WebhookAdmission"]
    };
    let plugins = ["MutatingAdmissionWebhook", "ValidatingAdmissionWebhook"].map(|name| {
        format!(
            "- name: {name}\n  configuration:\n    apiVersion: {inner}\n    kind: {kind}\n    \
             kubeConfigFile: {kubeconfig}\n"
        )
    });
    let text = format!(
        "apiVersion: {group}\nkind: AdmissionConfiguration\nplugins:\n{}",
        plugins.concat()
    );
    folder.write("admission.yaml", &text)
}

fn start_controller_manager(
    assets: &Path,
    folder: &Folder,
    kubeconfig: &Path,
    version: Version,
    collects_garbage: bool,
) -> Result<Server> {
    let garbage = if collects_garbage {
        ",garbagecollector"
    } else {
        ""
    };
    let mut arguments = vec![
        format!("--kubeconfig={}", kubeconfig.display()),
        format!(
            "--service-account-private-key-file={}",
            folder.join("accounts.key").display()
        ),
        format!(
            "--controllers=deployment,replicaset,replicationcontroller,statefulset,job,cronjob,\
             namespace,serviceaccount,serviceaccount-token{garbage}"
        ),
        "--leader-elect=false".to_owned(),
        "--kube-api-qps=100".to_owned(),
        "--kube-api-burst=200".to_owned(),
    ];
    let [port] = free_ports()?;
    if version >= (1, 13) {
        arguments.push("--secure-port=0".to_owned());
    }
    if version < (1, 13) {
        arguments.extend(["--address=127.0.0.1".to_owned(), format!("--port={port}")]);
    } else if version < (1, 24) {
        arguments.push("--port=0".to_owned());
    }
    let mut program = assets.join("kube-controller-manager");
    if version < (1, 14) {
        // HTTP/2 in those that a newer Go has built never finds an API server again that was started anew.
        let words = ["DISABLE_HTTP2=1".to_owned(), program.display().to_string()];
        arguments.splice(0..0, words);
        program = "env".into();
    }
    Server::start("kube-controller-manager", &program, &arguments, folder)
}

async fn ready(kubeconfig: &Path, version: Version) -> Result<()> {
    let client = client(kubeconfig).await?;
    // `/readyz` came with 1.16.
    let path = if version >= (1, 16) {
        "/readyz"
    } else {
        "/healthz"
    };
    probe(&client, path).await?;
    // RBAC's own roles are there when the admin may read.
    probe(&client, "/api/v1/namespaces/default").await
}
