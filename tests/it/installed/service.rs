//! What stands in for a Service and the nodes behind it: it leads to the replicas that say they are ready.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep};

use super::{World, program};
use crate::cluster::{Folder, Server, free_ports, get};

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
    pub(super) health: SocketAddr,
    watch: JoinHandle<()>,
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
    pub(super) async fn add(&mut self, world: &World, words: &[&str]) {
        let folder = Folder::create().unwrap();
        let [port, health] = free_ports().unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let health = SocketAddr::from((Ipv4Addr::LOCALHOST, health));
        let mut arguments = vec![
            "serve".to_owned(),
            format!("--kubeconfig={}", world.kubeconfig_of_guard()),
            "--namespace=tiller-guard".to_owned(),
            format!("--listen={address}"),
            format!("--health-address={health}"),
        ];
        if world.cluster.version() < (1, 14) {
            arguments.push("--tls-min-version=1.2".to_owned());
        }
        arguments.extend(words.iter().map(ToString::to_string));
        let server = Server::start("replica", program(), &arguments, &folder).unwrap();
        let watch = tokio::spawn(watch(address, health, Arc::clone(&self.ready)));
        self.replicas.push(Replica {
            server,
            address,
            health,
            watch,
            _folder: folder,
        });
    }

    /// Waits until every replica is ready.
    pub(super) async fn all_ready(&mut self) {
        let end = Instant::now() + Duration::from_secs(20);
        while self.ready.lock().unwrap().len() < self.replicas.len() {
            if Instant::now() > end {
                let logs: Vec<String> = self.replicas.iter().map(|it| it.server.log()).collect();
                panic!("not all are ready:\n{}", logs.join("\n"));
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Stops to lead to a replica, which goes on: its process is handed over.
    pub(super) fn remove(&mut self, index: usize) -> Server {
        let replica = self.replicas.remove(index);
        replica.watch.abort();
        self.ready
            .lock()
            .unwrap()
            .retain(|it| *it != replica.address);
        replica.server
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        self.replicas.iter().for_each(|it| it.watch.abort());
    }
}

impl Replica {
    /// The value of a metric without labels.
    pub(super) fn metric(&self, name: &str) -> f64 {
        let metrics = get(self.health, "/metrics").unwrap();
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name} ")));
        line.unwrap_or("0").parse().unwrap()
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
