//! A webhook's process: `tiller-guard serve`, or what a benchmark measures it against.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::control_plane::free_ports;
use super::credentials::TestCa;
use super::process::{Folder, Server};

/// A running webhook.
#[derive(Debug)]
pub struct Guard {
    /// Its process.
    pub server: Server,
    /// Where it answers reviews, over TLS.
    pub address: SocketAddr,
    /// Where it tells its health and its metrics.
    pub health: SocketAddr,
}

impl Guard {
    /// Starts a program, such as `tiller-guard` with the word `serve`, with a certificate of the CA's. It is to
    /// know the cluster of the kubeconfig, or none.
    pub fn start(
        program: &Path,
        words: &[&str],
        kubernetes: (u16, u16),
        kubeconfig: Option<&Path>,
        ca: &TestCa,
        folder: &Folder,
    ) -> Result<Self> {
        let [port, health_port] = free_ports()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let health = SocketAddr::from((Ipv4Addr::LOCALHOST, health_port));
        let pair = ca.issue()?;
        let mut arguments: Vec<String> = words.iter().copied().map(ToOwned::to_owned).collect();
        arguments.extend([
            format!("--listen={address}"),
            format!("--health-address={health}"),
            format!(
                "--tls-cert-file={}",
                folder.write("guard.crt", &pair.certificate)?
            ),
            format!("--tls-key-file={}", folder.write("guard.key", &pair.key)?),
            kubeconfig.map_or_else(
                || "--without-cluster".to_owned(),
                |kubeconfig| format!("--kubeconfig={}", kubeconfig.display()),
            ),
        ]);
        // Go offers TLS 1.3 of itself from 1.13 on, Kubernetes from 1.17 on.
        if kubernetes < (1, 17) {
            arguments.push("--tls-min-version=1.2".to_owned());
        }
        let server = Server::start("tiller-guard", program, &arguments, folder)?;
        Ok(Self {
            server,
            address,
            health,
        })
    }

    /// Waits until it is ready: until all that it watches was listed once, too.
    pub async fn ready(&mut self) -> Result<()> {
        let health = self.health;
        let ask = || async { get(health, "/readyz").map(drop) };
        self.server.wait_until(Duration::from_secs(30), ask).await
    }
}

/// The body of a plain HTTP answer with status 200.
pub fn get(address: SocketAddr, path: &str) -> Result<String> {
    get_accepting(address, path, "*/*").map(|(_, body)| body)
}

/// Head and body of a plain HTTP answer with status 200, to a client that accepts these media types.
pub fn get_accepting(address: SocketAddr, path: &str, accept: &str) -> Result<(String, String)> {
    let limit = Duration::from_secs(2);
    let mut stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_read_timeout(Some(limit))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no HTTP answer")?;
    if !head.starts_with("HTTP/1.1 200 ") {
        bail!("{path} answers {}", head.lines().next().unwrap_or_default());
    }
    Ok((head.to_owned(), body.to_owned()))
}
