//! Between `provision` and the API server: counts, and does what networks and servers do.

use std::fmt;
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use kube::Client;
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpListener;

use crate::offline::{Folder, Run, run};

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is answered.
    Passes,
    /// It is answered late.
    Slow,
    /// The API server seems to answer with this status, and was not asked.
    Fails(u16),
    /// The API server seems not to serve the kind at all, which it says in other words than that an object is not there.
    NotServed,
    /// The API server seems to answer this, and was not asked.
    Says(&'static str),
    /// The connection ends before the API server is asked.
    Lost,
    /// The connection ends after the API server has done it.
    AnswerLost,
    /// There is no answer, ever.
    Hangs,
}

/// A request, by its method and path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
}

/// A proxy, which ends with the runtime.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    folder: Folder,
}

#[derive(Debug)]
struct ConnectionEnds;

impl fmt::Display for ConnectionEnds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the connection ends")
    }
}

impl std::error::Error for ConnectionEnds {}

// === impl Asked ===

impl Asked {
    /// Whether it changes something: a question about one's own rights and a dry run do not.
    pub(crate) fn writes(&self) -> bool {
        let asks = self.path.contains("/selfsubject") || self.path.contains("dryRun=");
        self.method != "GET" && !asks
    }
}

// === impl Proxy ===

impl Proxy {
    /// Starts one; the fate of each request is decided with those before it, the request itself the last. Those by which a run keeps
    /// others away pass, and do not count.
    pub(crate) async fn start(
        client: Client,
        fate: impl Fn(&[Asked]) -> Fate + Send + Sync + 'static,
    ) -> Self {
        Self::start_with((client, false), fate).await
    }

    /// The same, where these count too.
    pub(crate) async fn start_counting_all(
        client: Client,
        fate: impl Fn(&[Asked]) -> Fate + Send + Sync + 'static,
    ) -> Self {
        Self::start_with((client, true), fate).await
    }

    async fn start_with(
        (client, counts_all): (Client, bool),
        fate: impl Fn(&[Asked]) -> Fate + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (fate, log) = (Arc::new(fate), Arc::clone(&asked));
        let turn = Arc::new(tokio::sync::Mutex::new(()));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (client, fate, log) = (client.clone(), Arc::clone(&fate), Arc::clone(&log));
                let turn = Arc::clone(&turn);
                let service = service_fn(move |request: Request<Incoming>| {
                    let (client, fate, log) = (client.clone(), Arc::clone(&fate), Arc::clone(&log));
                    let turn = Arc::clone(&turn);
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await.map_err(|_| ConnectionEnds)?;
                        let request = Request::from_parts(head, body.to_bytes());
                        if !counts_all && keeps_away(&request) {
                            return Ok(forward(request, client).await);
                        }
                        let query = request.uri().query().unwrap_or_default();
                        let tries = if query.contains("dryRun=") {
                            "?dryRun=All"
                        } else {
                            ""
                        };
                        let path = format!("{}{tries}", request.uri().path());
                        let method = request.method().to_string();
                        let fate = {
                            // Who waits holds up no thread: a fate may ask the API server something of its own.
                            let _turn = turn.lock().await;
                            let mut log = log.lock().unwrap();
                            log.push(Asked { method, path });
                            fate(&log)
                        };
                        meet(fate, request, client).await
                    }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self {
            address,
            asked,
            folder: Folder::new(),
        }
    }

    /// One where each request meets this once. Nothing that is only read is in conflict.
    pub(crate) async fn once_each(client: Client, fate: Fate) -> Self {
        Self::start(client, move |asked| {
            let (last, before) = asked.split_last().unwrap();
            let may_be = last.writes() || fate != Fate::Fails(409);
            if may_be && !before.contains(last) {
                fate
            } else {
                Fate::Passes
            }
        })
        .await
    }

    /// A kubeconfig that leads here.
    pub(crate) fn kubeconfig(&self) -> String {
        self.folder.file("kubeconfig", kubeconfig_of(self.address))
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// A kubeconfig that leads to a proxy.
pub(crate) fn kubeconfig_of(address: SocketAddr) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: proxy\n\
         clusters: [{{name: proxy, cluster: {{server: 'http://{address}'}}}}]\n\
         users: [{{name: proxy, user: {{}}}}]\n\
         contexts: [{{name: proxy, context: {{cluster: proxy, user: proxy}}}}]\n"
    )
}

/// Runs the program beside proxies, which need this thread.
pub(crate) async fn run_at(kubeconfig: &str, words: &[&str]) -> Run {
    let mut words: Vec<_> = words.iter().map(ToString::to_string).collect();
    words.push(format!("--kubeconfig={kubeconfig}"));
    let task = tokio::task::spawn_blocking(move || {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        run(&words, b"")
    });
    task.await.unwrap()
}

/// Whether a request is about the ConfigMap by which a run keeps others away.
fn keeps_away(request: &Request<Bytes>) -> bool {
    let name = "tiller-guard-releases";
    let made = format!("\"name\":\"{name}\"");
    let path = request.uri().path();
    let creates = request.method() == "POST" && path.ends_with("/configmaps");
    let makes = || memchr::memmem::find(request.body(), made.as_bytes()).is_some();
    path.ends_with(&format!("/configmaps/{name}")) || creates && makes()
}

async fn meet(
    fate: Fate,
    request: Request<Bytes>,
    client: Client,
) -> Result<Response<Full<Bytes>>, ConnectionEnds> {
    match fate {
        Fate::Passes => Ok(forward(request, client).await),
        Fate::Slow => {
            tokio::time::sleep(Duration::from_millis(300)).await;
            Ok(forward(request, client).await)
        }
        Fate::Fails(code) => Ok(failure(code)),
        Fate::NotServed => Ok(answer(404, "404 page not found\n".to_owned())),
        Fate::Says(text) => Ok(answer(200, text.to_owned())),
        Fate::Lost => Err(ConnectionEnds),
        Fate::AnswerLost => {
            forward(request, client).await;
            Err(ConnectionEnds)
        }
        Fate::Hangs => std::future::pending().await,
    }
}

async fn forward(request: Request<Bytes>, client: Client) -> Response<Full<Bytes>> {
    let (mut head, body) = request.into_parts();
    head.headers.remove("host");
    head.headers.remove("content-length");
    head.headers.remove("accept-encoding");
    let path = head.uri.path_and_query().unwrap().as_str().parse().unwrap();
    head.uri = path;
    let request = Request::from_parts(head, body.to_vec().into());
    let answer = client.send(request).await.unwrap();
    let (head, body) = answer.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = head.status;
    if let Some(kind) = head.headers.get("content-type") {
        answer.headers_mut().insert("content-type", kind.clone());
    }
    answer
}

fn failure(code: u16) -> Response<Full<Bytes>> {
    let reason = match code {
        409 => "Conflict",
        429 => "TooManyRequests",
        403 => "Forbidden",
        404 => "NotFound",
        _ => "InternalError",
    };
    let status = serde_json::json!({
        "apiVersion": "v1", "kind": "Status", "status": "Failure", "metadata": {},
        "message": "made up by the test", "reason": reason, "code": code,
    });
    answer(code, status.to_string())
}

fn answer(code: u16, text: String) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(text.into()));
    *answer.status_mut() = StatusCode::from_u16(code).unwrap();
    let json = hyper::header::HeaderValue::from_static("application/json");
    answer.headers_mut().insert("content-type", json);
    answer
}

/// How often something was written.
pub(crate) fn written(asked: &[Asked]) -> usize {
    asked.iter().filter(|it| it.writes()).count()
}

/// Runs tiller-guard with these arguments, and presses Ctrl-C once this request has come, which gets no answer.
pub(crate) async fn interrupted(
    client: Client,
    words: &[&str],
    stops: impl Fn(&[Asked]) -> bool + Copy + Send + Sync + 'static,
) -> Run {
    ended_by(Signal::INT, client, words, stops).await
}

/// The same with another signal.
pub(crate) async fn ended_by(
    signal: Signal,
    client: Client,
    words: &[&str],
    stops: impl Fn(&[Asked]) -> bool + Copy + Send + Sync + 'static,
) -> Run {
    let came = Arc::new(AtomicBool::new(false));
    let comes = Arc::clone(&came);
    let fate = move |asked: &[Asked]| {
        if stops(asked) {
            comes.store(true, Ordering::Relaxed);
            Fate::Hangs
        } else {
            Fate::Passes
        }
    };
    let proxy = Proxy::start(client, fate).await;
    let child = started(&proxy, words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let process = Pid::from_child(&child);
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
    let end = Instant::now() + Duration::from_mins(1);
    while !came.load(Ordering::Relaxed) && !ended.is_finished() {
        assert!(Instant::now() < end, "{words:?} asks for nothing");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // A process that ended is no longer there.
    kill_process(process, signal).ok();
    let output = ended.await.unwrap();
    Run {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs tiller-guard with these arguments and kills it once it has written so often. Its exit status, if it ended before.
pub(crate) async fn killed_after(
    writes: usize,
    client: Client,
    words: &[&str],
) -> Option<ExitStatus> {
    let proxy = Proxy::start(client, hangs_after(writes)).await;
    killed_at(&proxy, writes, words).await
}

/// Has each request after so many writes wait for ever.
pub(crate) fn hangs_after(writes: usize) -> impl Fn(&[Asked]) -> Fate + Send + Sync + 'static {
    move |asked: &[Asked]| {
        if written(asked) > writes {
            Fate::Hangs
        } else {
            Fate::Passes
        }
    }
}

/// The same at a proxy.
pub(crate) async fn killed_at(proxy: &Proxy, writes: usize, words: &[&str]) -> Option<ExitStatus> {
    let mut child = started(proxy, words).stdout(Stdio::null()).spawn().unwrap();
    let status = ended_or_written(&mut child, proxy, writes).await;
    child.kill().ok();
    child.wait().unwrap();
    status
}

pub(crate) fn started(proxy: &Proxy, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tiller-guard"));
    command
        .args(words)
        .arg(format!("--kubeconfig={}", proxy.kubeconfig()))
        .env_clear();
    command
}

/// Waits until the program has ended, or has tried one more write than so many.
async fn ended_or_written(child: &mut Child, proxy: &Proxy, writes: usize) -> Option<ExitStatus> {
    let end = Instant::now() + Duration::from_mins(2);
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        if written(&proxy.asked()) > writes {
            return None;
        }
        if Instant::now() > end {
            child.kill().ok();
            panic!("it neither wrote nor ended");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
