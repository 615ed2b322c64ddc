//! The load: one review again and again, over connections that stay open.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// As many as the API server keeps open for a host.
const CONNECTIONS: usize = 25;

/// Sends reviews to one address.
#[derive(Clone)]
pub(super) struct Load {
    address: SocketAddr,
    connector: TlsConnector,
    connections: usize,
}

/// How fast reviews were answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answered {
    pub(super) count: usize,
    pub(super) seconds: f64,
    pub(super) median: Duration,
    pub(super) p99: Duration,
}

// === impl Load ===

impl Load {
    /// Trusts a CA, given in PEM.
    pub(super) fn new(address: SocketAddr, ca: &str) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca.as_bytes())?)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            address,
            connector: TlsConnector::from(Arc::new(tls)),
            connections: CONNECTIONS,
        })
    }

    /// Over so many connections at the same time.
    pub(super) fn over(self, connections: usize) -> Self {
        Self {
            connections,
            ..self
        }
    }

    /// One review over a new connection; gives the answer.
    pub(super) async fn once(&self, path: &str, body: &[u8]) -> Result<String> {
        let mut connection = self.connect().await?;
        connection.exchange(&request(path, body)).await
    }

    /// The same review over and over.
    pub(super) async fn run(&self, path: &str, body: &[u8], time: Duration) -> Result<Answered> {
        let request: Arc<[u8]> = request(path, body).into();
        let start = Instant::now();
        let mut tasks = Vec::new();
        for _ in 0..self.connections {
            let mut connection = self.connect().await?;
            let request = Arc::clone(&request);
            tasks.push(tokio::spawn(async move {
                let mut times = Vec::new();
                while start.elapsed() < time {
                    let sent = Instant::now();
                    connection.exchange(&request).await?;
                    times.push(sent.elapsed());
                }
                anyhow::Ok(times)
            }));
        }
        let mut times = Vec::new();
        for task in tasks {
            times.extend(task.await??);
        }
        let seconds = start.elapsed().as_secs_f64();
        times.sort_unstable();
        let rank = |percent: usize| times.get(times.len() * percent / 100).copied();
        Ok(Answered {
            count: times.len(),
            seconds,
            median: rank(50).context("nothing was answered")?,
            p99: rank(99).context("nothing was answered")?,
        })
    }

    async fn connect(&self) -> Result<Connection> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::from(self.address.ip());
        Ok(Connection {
            stream: self.connector.connect(name, stream).await?,
            buffer: Vec::new(),
        })
    }
}

struct Connection {
    stream: TlsStream<TcpStream>,
    buffer: Vec<u8>,
}

// === impl Connection ===

impl Connection {
    async fn exchange(&mut self, request: &[u8]) -> Result<String> {
        let Self { stream, buffer } = self;
        stream.write_all(request).await?;
        buffer.clear();
        loop {
            if stream.read_buf(buffer).await? == 0 {
                bail!("the connection was closed");
            }
            if let Some(body) = complete(buffer)? {
                return Ok(body.to_owned());
            }
        }
    }
}

/// The answer's body, once all of it is there.
fn complete(answer: &[u8]) -> Result<Option<&str>> {
    let answer = std::str::from_utf8(answer)?;
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        return Ok(None);
    };
    if !head.starts_with("HTTP/1.1 200 ") {
        bail!("{answer}");
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.parse::<usize>().ok())?
    });
    let length = length.context("the answer tells no length")?;
    Ok((body.len() >= length).then_some(body))
}

fn request(path: &str, body: &[u8]) -> Vec<u8> {
    let mut request = format!(
        "POST {path}?timeout=5s HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n\
         Content-Type: application/json\r\nUser-Agent: kube-apiserver-admission\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}
