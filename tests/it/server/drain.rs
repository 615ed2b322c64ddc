use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tiller_guard::server::{Drain, Server};
use tokio::time::{Instant, sleep, timeout};

use crate::server::client::{
    Client, PATIENCE, Started, counting, get, metric, request, server, start,
};

/// What an API server does whose webhook has two replicas: it keeps a connection for as long as it is
/// let, and connects to whoever takes it.
async fn ask_until(stop: Arc<AtomicBool>, replicas: [SocketAddr; 2], asked: Arc<Asked>) {
    let mut kept = None;
    while !stop.load(Ordering::Relaxed) {
        let mut client = match kept.take() {
            Some(client) => client,
            None => match Client::connect(replicas[0]).await {
                Ok(client) => client,
                Err(_) => Client::connect(replicas[1]).await.unwrap(),
            },
        };
        match client.review("{}").await {
            Some(reply) if reply.status == 200 => {
                asked.answered.fetch_add(1, Ordering::Relaxed);
                kept = (!reply.is_last()).then_some(client);
            }
            _ => {
                asked.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
        sleep(Duration::from_millis(1)).await;
    }
}

/// What became of the reviews of all clients.
#[derive(Default)]
struct Asked {
    answered: AtomicUsize,
    failed: AtomicUsize,
}

impl Asked {
    /// Until so many more reviews are answered.
    async fn more(&self, reviews: usize) {
        let all = self.answered.load(Ordering::Relaxed) + reviews;
        let answered = async {
            while self.answered.load(Ordering::Relaxed) < all {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(PATIENCE, answered).await.unwrap();
    }
}

/// Until `/readyz` says that the server leaves.
async fn leaves(health: SocketAddr) {
    let unready = async {
        loop {
            let ready = get(health, "/readyz").await;
            if ready.status == 503 {
                return ready;
            }
        }
    };
    let unready = timeout(PATIENCE, unready).await.unwrap();
    assert_eq!(unready.text(), "not ready: shutting down\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_one_of_two_goes() {
    let drain = Drain {
        delay: Duration::from_millis(400),
        timeout: Duration::from_secs(5),
    };
    let leaving = start(Server { drain, ..server() }, counting()).await;
    let staying = start(server(), counting()).await;
    let replicas = [leaving.address, staying.address];
    let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::<Asked>::default());
    let clients: Vec<_> = (0..16)
        .map(|_| tokio::spawn(ask_until(Arc::clone(&stop), replicas, Arc::clone(&asked))))
        .collect();
    let mut idle = Client::connect(leaving.address).await.unwrap();
    assert_eq!(idle.review("{}").await.unwrap().status, 200);
    let mut uploading = Client::connect(leaving.address).await.unwrap();
    let review = request(&" ".repeat(100));
    let (first, second) = review.split_at(review.len() - 10);
    uploading.send(first).await.unwrap();
    asked.more(200).await;

    assert_eq!(get(leaving.health, "/readyz").await.status, 200);
    let begin = Instant::now();
    let drained = tokio::spawn(leaving.running.drain());
    leaves(leaving.health).await;
    assert_eq!(get(leaving.health, "/livez").await.status, 200);
    assert!(!idle.review("{}").await.unwrap().is_last());

    idle.closed().await;
    uploading.send(second).await.unwrap();
    let uploaded = uploading.reply().await.unwrap();
    assert_eq!((uploaded.status, uploaded.text()), (200, "100"));
    assert!(uploaded.is_last());
    drained.await.unwrap();
    assert!(
        begin.elapsed() < Duration::from_secs(3),
        "{:?}",
        begin.elapsed()
    );

    asked.more(300).await;
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    let Asked { answered, failed } = &*asked;
    assert_eq!(failed.load(Ordering::Relaxed), 0, "of {answered:?}");
    assert!(Client::connect(replicas[0]).await.is_err());
}

#[tokio::test]
async fn a_straggler_is_told_to_come_again_and_a_deaf_one_is_cut() {
    let drain = Drain {
        delay: Duration::ZERO,
        timeout: Duration::from_millis(1200),
    };
    let Started {
        address,
        health,
        running,
    } = start(Server { drain, ..server() }, counting()).await;
    let mut straggler = Client::connect(address).await.unwrap();
    let review = request("{}").replace("content-length: 2", "content-length: 20");
    straggler.send(&review).await.unwrap();
    let mut slow = Client::connect(address).await.unwrap();
    slow.send("POST /validate").await.unwrap();
    metric(health, "tiller_guard_admission_inflight 1").await;
    metric(health, "tiller_guard_admission_connections 2").await;

    let begin = Instant::now();
    let drained = tokio::spawn(running.drain());
    let reply = straggler.reply().await.unwrap();
    assert_eq!(reply.status, 503);
    assert!(
        reply.is_last() && reply.head.contains("retry-after: 1"),
        "{}",
        reply.head
    );
    slow.closed().await;
    drained.await.unwrap();
    let took = begin.elapsed();
    assert!(
        Duration::from_millis(1100) < took && took < Duration::from_millis(1600),
        "{took:?}"
    );
}
