use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::server::client::PATIENCE;

/// `tiller-guard serve --standalone`.
pub(super) struct Guard {
    pub(super) address: SocketAddr,
    pub(super) health: SocketAddr,
    log: JoinHandle<String>,
    child: Child,
}

/// How the health port did.
#[derive(Debug, Default)]
pub(super) struct Health {
    pub(super) asked: usize,
    pub(super) failed: usize,
}

// === impl Guard ===

impl Guard {
    /// With at most so many descriptors.
    pub(super) async fn start(descriptors: Option<u32>) -> Self {
        let limit = descriptors.map_or_else(String::new, |count| format!("ulimit -n {count}; "));
        let program = env!("CARGO_BIN_EXE_tiller-guard");
        let command = format!(
            "{limit}exec {program} serve --standalone --listen 127.0.0.1:0 --health-address 127.0.0.1:0"
        );
        let mut child = Command::new("sh")
            .args(["-c", &command])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let log = tokio::spawn(async move {
            let mut log = Vec::new();
            stderr.read_to_end(&mut log).await.unwrap();
            String::from_utf8(log).unwrap()
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = timeout(PATIENCE, lines.next_line()).await.unwrap();
        let line = line.unwrap().unwrap();
        let address = |scheme: &str| {
            let rest = line.split(scheme).nth(1).unwrap();
            rest.split([' ', ')']).next().unwrap().parse().unwrap()
        };
        Self {
            address: address("https://"),
            health: address("http://"),
            log,
            child,
        }
    }

    /// Ends it, and gives what it logged.
    pub(super) async fn end(mut self) -> String {
        self.child.kill().await.unwrap();
        self.log.await.unwrap()
    }

    /// Asks for health until the answer of the future is taken.
    pub(super) fn watch_health(&self) -> impl Future<Output = Health> + use<> {
        let address = self.health;
        let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
        let asking: JoinHandle<Health> = tokio::spawn(async move {
            let mut health = Health::default();
            while stopped.try_recv().is_err() {
                health.asked += 1;
                let answered = timeout(Duration::from_secs(1), ready(address)).await;
                if !matches!(answered, Ok(Ok(true))) {
                    health.failed += 1;
                }
                sleep(Duration::from_millis(100)).await;
            }
            health
        });
        async move {
            stop.send(()).unwrap();
            asking.await.unwrap()
        }
    }

    /// The most that was ever resident, in bytes.
    pub(super) fn most_resident(&self) -> usize {
        self.bytes("VmHWM:")
    }

    /// What is resident now, in bytes.
    pub(super) fn resident(&self) -> usize {
        self.bytes("VmRSS:")
    }

    fn bytes(&self, line: &str) -> usize {
        let process = self.child.id().unwrap();
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let line = status.lines().find_map(|it| it.strip_prefix(line));
        let kibibytes = line.unwrap().trim().strip_suffix(" kB").unwrap();
        kibibytes.parse::<usize>().unwrap() << 10
    }
}

pub(super) async fn ready(address: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    let request = "GET /readyz HTTP/1.1\r\nhost: guard\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await?;
    Ok(reply.starts_with("HTTP/1.1 200 "))
}
