//! A list that ends early: the API server forgets where a page ended (410), as after a compaction of etcd.

use std::convert::Infallible;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use kube::Client;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::cluster;
use crate::cluster::User;
use crate::offline::{Folder, run};

/// Asks the API server, for two objects a page; of pods there is no second page.
async fn forwarded(client: Client, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let uri = request.uri().to_string();
    if uri.starts_with("/api/v1/pods?") && uri.contains("continue=") {
        let status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "message": "The provided continue parameter is too old to display a consistent list result.",
            "reason": "Expired",
            "code": 410,
        });
        let mut gone = Response::new(Full::new(Bytes::from(status.to_string())));
        *gone.status_mut() = StatusCode::GONE;
        return gone;
    }
    let mut forwarded = Request::get(uri.replace("limit=500", "limit=2"));
    for (name, value) in request.headers() {
        if name == "accept" {
            forwarded = forwarded.header(name, value);
        }
    }
    let body = kube::client::Body::empty();
    let answer = client.send(forwarded.body(body).unwrap()).await.unwrap();
    let (parts, body) = answer.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let mut copied = Response::new(Full::new(bytes));
    *copied.status_mut() = parts.status;
    copied
}

/// The address of what forwards.
async fn proxy(client: Client) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let client = client.clone();
            let service = service_fn(move |request| {
                let client = client.clone();
                async move { Ok::<_, Infallible>(forwarded(client, request).await) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_ends_early_is_unknown_and_the_rest_goes_on() {
    let client = cluster().client(User::Admin).await.unwrap();
    let address = proxy(client).await;
    let folder = Folder::new();
    let kubeconfig = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "c", "cluster": { "server": address } }],
        "users": [{ "name": "u", "user": {} }],
        "contexts": [{ "name": "x", "context": { "cluster": "c", "user": "u" } }],
        "current-context": "x",
    });
    let file = folder.file("kubeconfig", kubeconfig.to_string());
    let audited = tokio::task::spawn_blocking(move || {
        run(
            &["audit", &format!("--kubeconfig={file}"), "-o", "json"],
            b"",
        )
    });
    let audited = audited.await.unwrap();
    assert_eq!(audited.code, Some(3), "{}", audited.stderr);
    let report = audited.json();
    let unknown = report["unknown"].as_array().unwrap();
    let [pods] = unknown.as_slice() else {
        panic!("{unknown:#?}");
    };
    assert_eq!(pods["what"], "pods");
    let reason = pods["reason"].as_str().unwrap();
    assert!(
        reason.contains("too old") && reason.contains('2'),
        "{reason}"
    );
    // All that is no pod is there, page by page.
    let kinds = report["tillers"].as_array().unwrap().iter();
    let others = kinds.filter(|it| it["kind"] != "Pod").count();
    assert_eq!(others, 11, "{report}");
    let rights = report["tillers"][0]["reached_by"].as_array();
    assert!(rights.is_some_and(|it| !it.is_empty()), "{}", Value::Null);
}
