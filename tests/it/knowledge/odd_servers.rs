//! API servers that answer oddly: the request is named, and what still works goes on.

use std::path::Path;

use super::eventually;
use crate::api_server::cluster;
use crate::cluster::{Folder, Guard, User};
use crate::offline::run;
use crate::provision::proxy::{Fate, Proxy};
use crate::server_client::{get, metric};

/// An API server that is asked through a proxy, which answers some paths itself.
async fn odd(answer: impl Fn(&str) -> Fate + Send + Sync + 'static) -> Proxy {
    let client = cluster().client(User::Admin).await.unwrap();
    Proxy::start(client, move |asked| answer(&asked[asked.len() - 1].path)).await
}

fn guard_at(proxy: &Proxy) -> (Guard, Folder) {
    let folder = Folder::create().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_tiller-guard"));
    let kubeconfig = proxy.kubeconfig();
    let kubeconfig = Some(Path::new(&kubeconfig));
    let (version, authority) = (cluster().version(), cluster().authority());
    let started = Guard::start(program, &["serve"], version, kubeconfig, authority, &folder);
    (started.unwrap(), folder)
}

async fn ready(guard: &Guard) {
    eventually("ready guard", || async {
        let listens = std::net::TcpStream::connect(guard.health).is_ok();
        (listens && get(guard.health, "/readyz").await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_list_that_is_forbidden_is_named_and_the_others_go_on() {
    let proxy = odd(|path| match path {
        "/apis/apps/v1/statefulsets" => Fate::Fails(403),
        _ => Fate::Passes,
    })
    .await;
    let (guard, _folder) = guard_at(&proxy);
    eventually("line in the log", || async {
        let log = guard.server.log();
        log.contains("path=\"/apis/apps/v1/statefulsets\"")
            .then_some(())
    })
    .await;
    for (resource, synced) in [
        ("statefulsets", 0),
        ("pods", 1),
        ("roles", 1),
        ("records", 1),
    ] {
        let line = format!("tiller_guard_watch_synced{{resource=\"{resource}\"}} {synced}");
        metric(guard.health, &line).await;
    }
    // The first lists of all others are done by then.
    let expected = "not ready: waiting for the first list of statefulsets (forbidden)\n";
    eventually("word of the one that is missing", || async {
        let told = get(guard.health, "/readyz").await.body;
        (told == expected.as_bytes()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn without_the_group_of_roles_there_are_none() {
    let proxy = odd(|path| match path {
        it if it.starts_with("/apis/rbac.authorization.k8s.io") => Fate::Fails(404),
        _ => Fate::Passes,
    })
    .await;
    let (guard, _folder) = guard_at(&proxy);
    ready(&guard).await;
    metric(guard.health, "tiller_guard_known_roles 0").await;
    eventually("line in the log", || async {
        let log = guard.server.log();
        log.contains("this API server does not serve it")
            .then_some(())
    })
    .await;
}

/// `serve` and the commands.
#[tokio::test]
async fn a_version_that_nobody_can_read_is_told_from_what_is_served() {
    let proxy = odd(|path| match path {
        "/version" => Fate::Says(r#"{"gitVersion":"of our own"}"#),
        _ => Fate::Passes,
    })
    .await;
    let (guard, _folder) = guard_at(&proxy);
    ready(&guard).await;
    let words = [
        "doctor".to_owned(),
        "--pre".to_owned(),
        format!("--kubeconfig={}", proxy.kubeconfig()),
    ];
    let told = tokio::task::spawn_blocking(move || {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        run(&words, b"")
    });
    let told = told.await.unwrap();
    assert!(
        told.stdout.starts_with("✓ api-server: Kubernetes 1."),
        "{}",
        told.stdout
    );
}

#[tokio::test]
async fn what_is_no_api_server_is_told_by_the_request_that_it_does_not_know() {
    let proxy = odd(|_| Fate::Fails(404)).await;
    let option = format!("--kubeconfig={}", proxy.kubeconfig());
    let told = tokio::task::spawn_blocking(move || run(&["doctor", &option], b""));
    let told = told.await.unwrap();
    assert_eq!(told.code, Some(4), "{}", told.stderr);
    let expected = format!(
        "error: the API server at http://{}/ gives no usable answer to GET /apis: ",
        proxy.address
    );
    assert!(told.stderr.starts_with(&expected), "{}", told.stderr);
}
