//! What stands in for a Service and the nodes behind it: it leads to the replicas that say they are ready.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep};
use tokio_rustls::TlsConnector;

use super::{World, program};
use crate::cluster::{Folder, Server, free_ports, get};
use crate::server::client::Client;

/// The Service, and the replicas.
pub(super) struct Service {
    pub(super) replicas: Vec<Replica>,
    ready: Arc<Mutex<Vec<SocketAddr>>>,
    tasks: Vec<JoinHandle<()>>,
}

/// One replica: a process.
pub(super) struct Replica {
    pub(super) server: Server,
    pub(super) address: SocketAddr,
    health: SocketAddr,
    _folder: Folder,
}

impl Service {
    /// Listens where the Service of the installation is.
    pub(super) async fn start(world: &World) -> Self {
        let services = world.objects("", "v1", "Service", "tiller-guard");
        let service = services.get("tiller-guard").await.unwrap();
        let address = service.data["spec"]["clusterIP"].as_str().unwrap();
        let port = service.data["spec"]["ports"][0]["port"].as_u64().unwrap();
        let listener = TcpListener::bind(format!("{address}:{port}"))
            .await
            .unwrap();
        let ready = Arc::new(Mutex::new(Vec::new()));
        let forward = tokio::spawn(forward(listener, Arc::clone(&ready)));
        Self {
            replicas: Vec::new(),
            ready,
            tasks: vec![forward],
        }
    }

    /// Starts one more replica.
    pub(super) fn add(&mut self, world: &World, words: &[&str]) {
        let folder = Folder::create().unwrap();
        let [port, health] = free_ports().unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let health = SocketAddr::from((Ipv4Addr::LOCALHOST, health));
        let mut arguments = vec![
            "serve".to_owned(),
            format!("--kubeconfig={}", world.kubeconfig_of_guard.display()),
            "--namespace=tiller-guard".to_owned(),
            world.service_port.to_owned(),
            format!("--listen={address}"),
            format!("--health-address={health}"),
        ];
        if world.cluster.version() < (1, 17) {
            arguments.push("--tls-min-version=1.2".to_owned());
        }
        arguments.extend(words.iter().map(ToString::to_string));
        let server = Server::start("replica", program(), &arguments, &folder).unwrap();
        let watch = watch(address, health, Arc::clone(&self.ready));
        self.tasks.push(tokio::spawn(watch));
        self.replicas.push(Replica {
            server,
            address,
            health,
            _folder: folder,
        });
    }

    /// Waits until it leads to every replica, and to no other.
    pub(super) async fn all_ready(&mut self) {
        let end = Instant::now() + Duration::from_secs(20);
        while self.ready.lock().unwrap().len() != self.replicas.len() {
            if Instant::now() > end {
                let logs: Vec<String> = self.replicas.iter().map(|it| it.server.log()).collect();
                panic!("not all are ready:\n{}", logs.join("\n"));
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Hands a replica over. The Service leads to it for as long as it says that it is ready.
    pub(super) fn remove(&mut self, index: usize) -> Replica {
        self.replicas.remove(index)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Replica {
    /// Ends by a signal; waits until the process is gone, and gives its exit code if it had one.
    pub(super) async fn end(mut self, signal: &str) -> Option<i32> {
        self.server.signal(signal).unwrap();
        let ended = self.server.ended(Duration::from_secs(30)).await.unwrap();
        ended.code()
    }

    /// What it tells of itself.
    pub(super) async fn metrics(&self) -> String {
        let health = self.health;
        let told = spawn_blocking(move || get(health, "/metrics").unwrap());
        told.await.unwrap()
    }

    /// The value of a metric without labels.
    pub(super) async fn metric(&self, name: &str) -> i64 {
        let told = self.metrics().await;
        let line = told.lines().find(|line| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with(' '))
        });
        let line = line.unwrap_or_else(|| panic!("no {name} in {told}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }

    /// Waits until a metric without labels has this value.
    pub(super) async fn until_metric(&self, name: &str, wanted: i64) {
        let end = Instant::now() + Duration::from_secs(15);
        loop {
            let found = self.metric(name).await;
            if found == wanted {
                return;
            }
            assert!(
                Instant::now() < end,
                "{name} is {found}, not {wanted}\n{}",
                self.server.log()
            );
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until these words are in its log.
    pub(super) async fn until_logged(&self, words: &str) {
        self.until_logged_times(words, 1).await;
    }

    /// Waits until these words are in its log as often as this.
    pub(super) async fn until_logged_times(&self, words: &str, times: u32) {
        let wanted = usize::try_from(times).unwrap();
        let end = Instant::now() + Duration::from_secs(15) * times;
        while self.server.log().matches(words).count() < wanted {
            assert!(
                Instant::now() < end,
                "{words} {times} times in\n{}",
                self.server.log()
            );
            sleep(Duration::from_millis(100)).await;
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.server.pid().unwrap()
    }

    /// Waits until all its watches run.
    pub(super) async fn watches_all(&self) {
        let end = Instant::now() + Duration::from_mins(1);
        loop {
            let metrics = get(self.health, "/metrics").unwrap();
            let watches = metrics
                .lines()
                .filter(|line| line.starts_with("tiller_guard_watch_synced{"));
            if watches.clone().count() > 10 && watches.clone().all(|line| line.ends_with(" 1")) {
                return;
            }
            assert!(Instant::now() < end, "{:?}", watches.collect::<Vec<_>>());
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// How many roles and bindings it knows.
    pub(super) fn knows(&self) -> [u32; 2] {
        let metrics = get(self.health, "/metrics").unwrap();
        ["tiller_guard_known_roles ", "tiller_guard_known_bindings "].map(|name| {
            let number = metrics.lines().find_map(|line| line.strip_prefix(name));
            number.unwrap().parse().unwrap()
        })
    }

    /// Waits until it knows more of both.
    pub(super) async fn knows_more_than(&self, before: [u32; 2]) {
        let end = Instant::now() + Duration::from_mins(1);
        let more = |[roles, bindings]: [u32; 2]| roles > before[0] && bindings > before[1];
        while !more(self.knows()) {
            assert!(Instant::now() < end, "{before:?} {:?}", self.knows());
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// What it says of a review, asked without the API server.
    pub(super) async fn review(&self, review: &Value) -> Value {
        let mut client = Client::connect(self.address).await.unwrap();
        let reply = client.review(&review.to_string()).await.unwrap();
        serde_json::from_slice(&reply.body).unwrap()
    }

    /// The leaf that is served now, and whether it is of a CA in this bundle and of the Service's name.
    pub(super) async fn is_accepted(&self, bundle: &str) -> bool {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(bundle.as_bytes()) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("tiller-guard.tiller-guard.svc").unwrap();
        let stream = TcpStream::connect(self.address).await.unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
            .is_ok()
    }
}

async fn forward(listener: TcpListener, ready: Arc<Mutex<Vec<SocketAddr>>>) {
    let turn = AtomicUsize::new(0);
    loop {
        let (mut client, _) = listener.accept().await.unwrap();
        let backend = {
            let ready = ready.lock().unwrap();
            let turn = turn.fetch_add(1, Ordering::Relaxed);
            ready.get(turn % ready.len().max(1)).copied()
        };
        tokio::spawn(async move {
            let Some(backend) = backend else { return };
            if let Ok(mut server) = TcpStream::connect(backend).await {
                copy_bidirectional(&mut client, &mut server).await.ok();
            }
        });
    }
}

/// Does what a node and the controller of Endpoints do, with a little delay of theirs.
async fn watch(address: SocketAddr, health: SocketAddr, ready: Arc<Mutex<Vec<SocketAddr>>>) {
    loop {
        let says = spawn_blocking(move || get(health, "/readyz").is_ok())
            .await
            .unwrap();
        {
            let mut ready = ready.lock().unwrap();
            let known = ready.contains(&address);
            if says && !known {
                ready.push(address);
            } else if !says && known {
                ready.retain(|it| *it != address);
            }
        }
        sleep(Duration::from_millis(100)).await;
    }
}
