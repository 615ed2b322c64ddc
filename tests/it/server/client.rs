//! A server on a free port of loopback, and a client that can be as slow and as rude as it likes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme, SupportedProtocolVersion};
use tiller_guard::k8s::review::{Answer, BadReview, Decision, Review, Webhook};
use tiller_guard::pki;
use tiller_guard::policy::Knowledge;
use tiller_guard::server::{
    CertificateSource, Drain, Guard, Judged, Limits, OldestTls, Running, Server,
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Longer than anything a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A server that runs, and where.
pub(crate) struct Started {
    pub(crate) address: SocketAddr,
    pub(crate) health: SocketAddr,
    pub(crate) running: Running,
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// A connection to a server.
pub(crate) struct Client {
    pub(crate) stream: TlsStream<TcpStream>,
    read: Vec<u8>,
}

/// Trusts any certificate whose key signs the handshake; tests look at it themselves.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

/// The server that tests change a thing or two of.
pub(crate) fn server() -> Server {
    let names = vec!["127.0.0.1".to_owned()];
    let day = Duration::from_hours(24);
    let certificate = pki::self_signed(names, SystemTime::now(), day).unwrap();
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    Server {
        listen: loopback,
        health: loopback,
        oldest_tls: OldestTls::Tls13,
        certificate: CertificateSource::Fixed(certificate),
        clients: None,
        trusts_network: false,
        policy: None,
        limits: Limits::default(),
        drain: Drain {
            delay: Duration::ZERO,
            timeout: Duration::from_secs(2),
        },
        clock: SystemTime::now,
    }
}

/// A guard that judges so.
pub(crate) struct By<F>(pub(crate) F);

impl<F> Guard for By<F>
where
    F: Fn(Webhook, &[u8]) -> Result<Answer, BadReview> + Send + Sync,
{
    fn judge<'b>(&self, webhook: Webhook, body: &'b [u8]) -> Result<Judged<'b>, BadReview> {
        (self.0)(webhook, body).map(Into::into)
    }

    fn judge_again(&self, _review: &mut Review<'_>, _knowledge: &Knowledge) -> Answer {
        unreachable!("nothing is looked up")
    }
}

/// Says how long a body was.
pub(crate) fn counting() -> Arc<dyn Guard> {
    Arc::new(By(|_, body: &[u8]| {
        Ok(answer(body.len().to_string().into_bytes()))
    }))
}

pub(crate) fn answer(body: Vec<u8>) -> Answer {
    Answer {
        body,
        decision: Decision::Unconcerned,
        mode: None,
        operation: "CREATE",
        kind: "Pod",
        rules: Vec::new(),
        refusal: None,
        excepted: Vec::new(),
        not_tiller: None,
        lookups: Vec::new(),
        record: None,
    }
}

pub(crate) async fn start(server: Server, guard: Arc<dyn Guard>) -> Started {
    let bound = server.bind().await.unwrap();
    Started {
        address: bound.address(),
        health: bound.health_address(),
        running: bound.spawn(guard),
    }
}

/// A review's request, whole.
pub(crate) fn request(body: &str) -> String {
    let length = body.len();
    format!(
        "POST /validate?timeout=10s HTTP/1.1\r\nhost: guard\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

pub(crate) fn client_config(
    versions: &[&'static SupportedProtocolVersion],
    protocols: &[&str],
) -> ClientConfig {
    let provider = Arc::new(ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    config
}

/// What connects as the API server does.
pub(crate) fn connector() -> TlsConnector {
    let config = client_config(&[&rustls::version::TLS13], &["http/1.1"]);
    TlsConnector::from(Arc::new(config))
}

/// GETs a path of the health port.
pub(crate) async fn get(health: SocketAddr, path: &str) -> Reply {
    let mut stream = TcpStream::connect(health).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: guard\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    reply(&mut stream, &mut Vec::new()).await.unwrap()
}

/// Until `/metrics` has a line, or too long.
pub(crate) async fn metric(health: SocketAddr, line: &str) {
    let begin = tokio::time::Instant::now();
    loop {
        let text = String::from_utf8(get(health, "/metrics").await.body).unwrap();
        if text.lines().any(|written| written == line) {
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "no {line} in\n{text}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Reads one answer; nothing where the stream ends before it.
async fn reply(stream: &mut (impl AsyncRead + Unpin), read: &mut Vec<u8>) -> Option<Reply> {
    loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(read[..end].to_vec())
                .unwrap()
                .to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            if read.len() >= end + 4 + length {
                let rest = read.split_off(end + 4 + length);
                let body = read.split_off(end + 4);
                *read = rest;
                let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                return Some(Reply { status, head, body });
            }
        }
        match tokio::time::timeout(PATIENCE, stream.read_buf(read))
            .await
            .unwrap()
        {
            Ok(0) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

// === impl Client ===

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> std::io::Result<Self> {
        Self::connect_over(address, &connector()).await
    }

    pub(crate) async fn connect_with(
        address: SocketAddr,
        config: ClientConfig,
    ) -> std::io::Result<Self> {
        Self::connect_over(address, &TlsConnector::from(Arc::new(config))).await
    }

    /// With what many connections share.
    pub(crate) async fn connect_over(
        address: SocketAddr,
        connector: &TlsConnector,
    ) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::from(address.ip());
        let stream = connector.connect(name, stream).await?;
        Ok(Self {
            stream,
            read: Vec::new(),
        })
    }

    pub(crate) async fn send(&mut self, bytes: &str) -> std::io::Result<()> {
        self.stream.write_all(bytes.as_bytes()).await?;
        self.stream.flush().await
    }

    /// The next answer; nothing where the server ended the connection before it.
    pub(crate) async fn reply(&mut self) -> Option<Reply> {
        reply(&mut self.stream, &mut self.read).await
    }

    /// One review and its answer.
    pub(crate) async fn review(&mut self, body: &str) -> Option<Reply> {
        self.send(&request(body)).await.ok()?;
        self.reply().await
    }

    /// How long it takes until the server ends the connection.
    pub(crate) async fn closed(&mut self) -> Duration {
        let begin = tokio::time::Instant::now();
        assert!(self.reply().await.is_none(), "an answer came");
        begin.elapsed()
    }

    /// The certificate that the server showed.
    pub(crate) fn certificate(&self) -> CertificateDer<'static> {
        self.stream.get_ref().1.peer_certificates().unwrap()[0]
            .clone()
            .into_owned()
    }
}

// === impl Reply ===

impl Reply {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Whether it is the last of its connection.
    pub(crate) fn is_last(&self) -> bool {
        self.head.contains("connection: close")
    }
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
