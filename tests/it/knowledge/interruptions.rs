//! What stands between the guard and its API server: nothing, a wall, or an API server that refuses.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kube::api::{Api, DynamicObject, PostParams};
use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::{ACCOUNT, another_guard, asked, create, eventually, tiller};
use crate::api_server::{World, cluster, status};
use crate::cluster::{Guard, User, get, resource};

/// What a way to the API server does with connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Open,
    /// All are cut, and none is taken: an API server that is not there.
    Cut,
    /// None is cut, and nothing passes: an API server that hangs.
    Stalled,
}

/// A way to the API server of a guard's own.
struct Path {
    port: u16,
    way: watch::Sender<Way>,
    /// How many connections were tried.
    tried: Arc<AtomicUsize>,
}

// === impl Path ===

impl Path {
    async fn open() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (way, seen) = watch::channel(Way::Open);
        let tried = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&tried);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::Relaxed);
                if *seen.borrow() != Way::Cut {
                    tokio::spawn(pass(stream, seen.clone()));
                }
            }
        });
        Self { port, way, tried }
    }

    fn set(&self, way: Way) {
        self.way.send_replace(way);
    }
}

async fn pass(mut stream: TcpStream, mut way: watch::Receiver<Way>) {
    let server = SocketAddr::from(([127, 0, 0, 1], cluster().port()));
    let mut server = TcpStream::connect(server).await.unwrap();
    loop {
        let now = *way.borrow_and_update();
        tokio::select! {
            _ended = copy_bidirectional(&mut stream, &mut server), if now == Way::Open => return,
            _changed = way.changed() => {}
        }
        if *way.borrow() == Way::Cut {
            return;
        }
    }
}

/// Waits until a metric has this value.
async fn metric(guard: &Guard, line: &str) {
    let seen = eventually(line, || async {
        let metrics = get(guard.health, "/metrics").ok()?;
        metrics.lines().any(|it| it == line).then_some(())
    });
    seen.await;
}

fn is_synced(guard: &Guard) -> bool {
    let metrics = get(guard.health, "/metrics").unwrap();
    let synced: Vec<&str> = metrics
        .lines()
        .filter(|line| line.starts_with("tiller_guard_watch_synced{"))
        .collect();
    assert!(synced.len() > 10, "{synced:?}");
    synced.iter().all(|line| line.ends_with(" 1"))
}

async fn synced(guard: &Guard) {
    eventually("watches that run again", || async {
        is_synced(guard).then_some(())
    })
    .await;
}

/// A pod that runs as a Tiller's account.
fn borrower(account: &str) -> serde_json::Value {
    json!({
        "kind": "Pod",
        "metadata": { "name": "web" },
        "spec": {
            "serviceAccountName": account,
            "containers": [{ "name": "web", "image": "web:1" }],
        },
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_server_that_comes_and_goes_is_watched_on() {
    let path = Path::open().await;
    let (mut guard, _folder) = another_guard(&["serve"], User::Admin, Some(path.port));
    guard.ready().await.unwrap();
    synced(&guard).await;
    for (number, way) in [Way::Cut, Way::Stalled, Way::Cut].into_iter().enumerate() {
        // Longer than a watch has to run for its end to be none of its failures.
        sleep(Duration::from_secs(11)).await;
        path.set(way);
        let (tried, began) = (path.tried.load(Ordering::Relaxed), Instant::now());
        let name = format!("interrupted-{number}");
        let world = World::create(&name).await;
        create(&world, &tiller(&world, ACCOUNT)).await.unwrap();
        sleep(Duration::from_secs(3)).await;
        if way == Way::Cut {
            assert!(!is_synced(&guard));
        }
        // What is known stays, and so does who judges by it.
        get(guard.health, "/readyz").unwrap();
        assert_eq!(asked(&guard, &name, &borrower(ACCOUNT)).await, "");
        path.set(Way::Open);
        synced(&guard).await;
        eventually("account of the Tiller that came meanwhile", || async {
            let message = asked(&guard, &name, &borrower(ACCOUNT)).await;
            message.contains("borrowed-account").then_some(())
        })
        .await;
        let tried = path.tried.load(Ordering::Relaxed) - tried;
        // Each of the 15 watches has a connection of its own. The first tries come at once.
        let most = 2 * 15 + 5 * usize::try_from(began.elapsed().as_secs()).unwrap();
        assert!(tried < most, "{tried} connections in {:?}", began.elapsed());
    }
}

/// Gives the user `nobody` the right to see all, or takes it back.
async fn grant(rights: &serde_json::Value) {
    let client = cluster().client(User::Admin).await.unwrap();
    let group = "rbac.authorization.k8s.io";
    for (kind, object) in [
        (
            "ClusterRole",
            json!({
                "apiVersion": format!("{group}/v1"),
                "kind": "ClusterRole",
                "metadata": { "name": "watcher" },
                "rules": rights,
            }),
        ),
        (
            "ClusterRoleBinding",
            json!({
                "apiVersion": format!("{group}/v1"),
                "kind": "ClusterRoleBinding",
                "metadata": { "name": "watcher" },
                "roleRef": { "apiGroup": group, "kind": "ClusterRole", "name": "watcher" },
                "subjects": [{ "apiGroup": group, "kind": "User", "name": "nobody" }],
            }),
        ),
    ] {
        let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource(group, "v1", kind));
        let object = serde_json::from_value(object).unwrap();
        status(api.create(&PostParams::default(), &object).await).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rights_that_are_missing_are_told_and_waited_for() {
    let (guard, _folder) = another_guard(&["serve"], User::Nobody, None);
    let forbidden = r#"tiller_guard_watch_errors_total{resource="pods",reason="forbidden"}"#;
    eventually("refused watches", || async {
        let metrics = get(guard.health, "/metrics").ok()?;
        metrics.contains(forbidden).then_some(())
    })
    .await;
    let not_ready = get(guard.health, "/readyz").unwrap_err().to_string();
    assert!(not_ready.contains("503"), "{not_ready}");
    grant(&json!([{ "apiGroups": ["*"], "resources": ["*"], "verbs": ["list", "watch"] }])).await;
    eventually("ready guard", || async {
        get(guard.health, "/readyz").ok()
    })
    .await;
    metric(&guard, r#"tiller_guard_watch_synced{resource="pods"} 1"#).await;
    let log = guard.server.log();
    assert!(log.contains("watch interrupted"), "{log}");
    assert!(log.contains("watch runs again"), "{log}");
}
