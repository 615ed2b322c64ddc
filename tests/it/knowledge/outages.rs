//! An API server that answers with errors for a while, as one that is overloaded or has lost its storage: how old what the guard knows is
//! once it answers again. `OUTAGE_SECONDS=40` makes it as long as the one that was seen.

use std::convert::Infallible;
use std::env;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use kube::Client;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::sleep;

use super::interruptions::{borrower, is_synced, synced};
use super::{ACCOUNT, asked, create, eventually, tiller};
use crate::api_server::{World, cluster};
use crate::cluster::{Folder, Guard, User};
use crate::provision::proxy::kubeconfig_of;

/// How old what is known may be once the API server answers again.
const OLDEST: Duration = Duration::from_secs(10);
/// The watches of a guard.
const WATCHES: usize = 16;

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A way to the API server that has outages: watches end, and every request is answered with a status.
struct Server {
    address: SocketAddr,
    fails_with: watch::Sender<Option<u16>>,
    failed: Arc<AtomicUsize>,
}

// === impl Server ===

impl Server {
    async fn start(client: Client) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (fails_with, fails) = watch::channel(None);
        let failed = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&failed);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (client, fails, count) = (client.clone(), fails.clone(), Arc::clone(&count));
                let service = service_fn(move |request| {
                    let (client, fails) = (client.clone(), fails.clone());
                    let code = *fails.borrow();
                    if code.is_some() {
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                    async move {
                        Ok::<_, Infallible>(match code {
                            Some(code) => failure(code),
                            None => forward(request, client, fails).await,
                        })
                    }
                });
                let server = hyper::server::conn::http1::Builder::new();
                tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
            }
        });
        Self {
            address,
            fails_with,
            failed,
        }
    }
}

fn failure(code: u16) -> Response<Body> {
    let status = serde_json::json!({
        "apiVersion": "v1", "kind": "Status", "status": "Failure", "metadata": {},
        "message": "made up by the test", "code": code,
        "reason": if code == 429 { "TooManyRequests" } else { "InternalError" },
    });
    let body = Full::new(Bytes::from(status.to_string()));
    let body = body.map_err(|never| match never {}).boxed_unsync();
    let answer = Response::builder().status(code);
    let answer = answer.header("content-type", "application/json");
    answer.body(body).unwrap()
}

/// The answer of the API server, which breaks off when an outage begins.
async fn forward(
    request: Request<Incoming>,
    client: Client,
    mut fails: watch::Receiver<Option<u16>>,
) -> Response<Body> {
    let (mut head, body) = request.into_parts();
    for name in ["host", "content-length", "accept-encoding"] {
        head.headers.remove(name);
    }
    head.uri = head.uri.path_and_query().unwrap().as_str().parse().unwrap();
    let body = body.collect().await.unwrap().to_bytes();
    let request = Request::from_parts(head, body.to_vec().into());
    let (head, body) = client.send(request).await.unwrap().into_parts();
    let begins = async move {
        fails.wait_for(Option::is_some).await.ok();
    };
    let frames = body.into_data_stream().take_until(Box::pin(begins));
    let frames = frames.map(|it| it.map(Frame::data).map_err(io::Error::other));
    let mut answer = Response::new(StreamBody::new(frames).boxed_unsync());
    *answer.status_mut() = head.status;
    if let Some(kind) = head.headers.get("content-type") {
        answer.headers_mut().insert("content-type", kind.clone());
    }
    answer
}

fn length() -> Duration {
    let seconds = env::var("OUTAGE_SECONDS").map_or(6, |it| it.parse().unwrap());
    Duration::from_secs(seconds)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "it is measured")]
async fn what_is_known_is_ten_seconds_old_at_most_after_an_outage() {
    let client = cluster().client(User::Admin).await.unwrap();
    let server = Server::start(client).await;
    let folder = Folder::create().unwrap();
    let kubeconfig = folder.write("kubeconfig", &kubeconfig_of(server.address));
    let kubeconfig = kubeconfig.unwrap();
    let mut guard = Guard::start(
        Path::new(env!("CARGO_BIN_EXE_tiller-guard")),
        &["serve"],
        cluster().version(),
        Some(Path::new(&kubeconfig)),
        cluster().ca(),
        &folder,
    )
    .unwrap();
    guard.ready().await.unwrap();
    synced(&guard).await;
    for code in [429, 500] {
        // Longer than a watch has to run for its end to be none of its failures.
        sleep(Duration::from_secs(11)).await;
        server.failed.store(0, Ordering::Relaxed);
        server.fails_with.send(Some(code)).unwrap();
        let name = format!("outage-{code}");
        let world = World::create(&name).await;
        create(&world, &tiller(&world, ACCOUNT)).await.unwrap();
        sleep(length()).await;
        assert!(!is_synced(&guard), "{code}");
        assert_eq!(asked(&guard, &name, &borrower(ACCOUNT)).await, "");
        server.fails_with.send(None).unwrap();
        let begin = Instant::now();
        eventually("account of the Tiller that came meanwhile", || async {
            let message = asked(&guard, &name, &borrower(ACCOUNT)).await;
            message.contains("borrowed-account").then_some(())
        })
        .await;
        let known = begin.elapsed();
        synced(&guard).await;
        let (late, failed) = (begin.elapsed(), server.failed.load(Ordering::Relaxed));
        println!(
            "{code} for {} s: known after {} ms, every watch after {} ms; {failed} requests failed",
            length().as_secs(),
            known.as_millis(),
            late.as_millis(),
        );
        assert!(late <= OLDEST, "{code}: {late:?}");
        let most = WATCHES * (6 + usize::try_from(length().as_secs()).unwrap() / 2);
        assert!(
            failed <= most,
            "{code}: {failed} requests in {:?}",
            length()
        );
    }
}
