//! What tiller-guard is measured against: two handlers on the same TLS and HTTP libraries, and its own
//! server without a decision, which tells what the limits, the metrics and the drain cost.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use kube::core::DynamicObject;
use kube::core::admission::{AdmissionRequest, AdmissionResponse, AdmissionReview};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tiller_guard::k8s::review::{Answer, BadReview, Decision, Review, Webhook};
use tiller_guard::policy::Knowledge;
use tiller_guard::server::{
    CertificateFiles, CertificateSource, Drain, Guard, Judged, Limits, OldestTls, Server,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// How a review is answered.
#[derive(Debug, Clone, Copy)]
pub(super) enum Handler {
    /// Reads the body and answers a constant, around the request's uid.
    Constant,
    /// Parses the review as kube's own types, and allows.
    Plain,
    /// The constant, from tiller-guard's own server.
    Server,
}

impl Handler {
    /// The first word of the command line that runs it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Plain => "plain",
            Self::Server => "server",
        }
    }

    /// The handler that this process runs, by its first argument.
    pub(super) fn find(word: &str) -> Option<Self> {
        [Self::Constant, Self::Plain, Self::Server]
            .into_iter()
            .find(|handler| handler.word() == word)
    }

    /// Serves until it is killed; it takes the flags of `tiller-guard serve`.
    pub(super) async fn serve(self, arguments: &[String]) -> Result<()> {
        let flag = |name: &str| {
            let value = arguments
                .iter()
                .find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            value.with_context(|| format!("{name} is missing"))
        };
        if matches!(self, Self::Server) {
            return own_server(&flag).await;
        }
        let certificates = CertificateDer::pem_file_iter(flag("--tls-cert-file")?)?;
        let certificates = certificates.collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_file(flag("--tls-key-file")?)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_no_client_auth()
            .with_single_cert(certificates, key)?;
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let listener = TcpListener::bind(flag("--listen")?.parse::<SocketAddr>()?).await?;
        let health = TcpListener::bind(flag("--health-address")?.parse::<SocketAddr>()?).await?;
        tokio::spawn(always_ready(health));
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                let service = service_fn(move |request| self.respond(request));
                let _ended = http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    }

    async fn respond(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
        let body = request.into_body().collect().await?.to_bytes();
        let answer = match self {
            Self::Constant | Self::Server => constant(&body)?,
            Self::Plain => plain(&body)?,
        };
        let mut response = Response::new(Full::from(answer));
        response.headers_mut().insert(
            "content-type",
            hyper::header::HeaderValue::from_static("application/json"),
        );
        Ok(response)
    }
}

async fn own_server<'a>(flag: &dyn Fn(&str) -> Result<&'a str>) -> Result<()> {
    let files = CertificateFiles {
        certificate: flag("--tls-cert-file")?.into(),
        key: flag("--tls-key-file")?.into(),
    };
    let server = Server {
        listen: flag("--listen")?.parse()?,
        health: flag("--health-address")?.parse()?,
        oldest_tls: OldestTls::default(),
        certificate: CertificateSource::Files(files, Duration::from_secs(5)),
        clients: None,
        trusts_network: false,
        policy: None,
        limits: Limits::default(),
        drain: Drain::default(),
        clock: SystemTime::now,
    };
    let _running = server.bind().await?.spawn(Arc::new(Constant));
    std::future::pending().await
}

/// The uid comes first in what the API server sends, so that finding it costs next to nothing.
fn constant(body: &[u8]) -> Result<Vec<u8>> {
    let head = String::from_utf8_lossy(body.get(..300).unwrap_or(body));
    let after = head
        .split_once("\"uid\":")
        .map(|(_, rest)| rest.trim_start_matches([' ', '"']));
    let uid = after.and_then(|rest| rest.split_once('"'));
    let Some((uid, _)) = uid else { bail!("no uid") };
    let answer = format!(
        "{{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\
         \"response\":{{\"uid\":\"{uid}\",\"allowed\":true}}}}"
    );
    Ok(answer.into_bytes())
}

fn plain(body: &[u8]) -> Result<Vec<u8>> {
    let review: AdmissionReview<DynamicObject> = serde_json::from_slice(body)?;
    let request: AdmissionRequest<DynamicObject> = review.try_into()?;
    Ok(serde_json::to_vec(
        &AdmissionResponse::from(&request).into_review(),
    )?)
}

async fn always_ready(listener: TcpListener) -> Result<()> {
    loop {
        let (mut stream, _) = listener.accept().await?;
        let _request = stream.read(&mut [0; 1024]).await?;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            .await?;
    }
}

/// Answers everything alike.
struct Constant;

impl Guard for Constant {
    fn judge<'b>(&self, _webhook: Webhook, body: &'b [u8]) -> Result<Judged<'b>, BadReview> {
        let body = constant(body).map_err(|error| BadReview::Envelope(error.to_string()))?;
        let decision = Decision::Unconcerned;
        let (operation, kind) = ("CREATE", "Pod");
        let answer = Answer {
            body,
            decision,
            mode: None,
            operation,
            kind,
            rules: Vec::new(),
            refusal: None,
            excepted: Vec::new(),
            not_tiller: None,
            lookups: Vec::new(),
            record: None,
        };
        Ok(answer.into())
    }

    fn judge_again(&self, _review: &mut Review<'_>, _knowledge: &Knowledge) -> Answer {
        unreachable!("nothing is looked up")
    }
}
