use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tiller_guard::server::{Drain, Server};
use tokio::time::{Instant, sleep};

use crate::server_client::{Client, Started, counting, get, request, server, start};

/// What an API server does whose webhook has two replicas: it keeps a connection for as long as it is
/// let, and connects to whoever takes it. Says how many reviews each answered.
async fn ask_until(
    stop: Arc<AtomicBool>,
    replicas: [SocketAddr; 2],
    failed: Arc<AtomicUsize>,
) -> usize {
    let mut kept = None;
    let mut answered = 0;
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
                answered += 1;
                kept = (!reply.is_last()).then_some(client);
            }
            _ => {
                failed.fetch_add(1, Ordering::Relaxed);
            }
        }
        sleep(Duration::from_millis(1)).await;
    }
    answered
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
    let (stop, failed) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let clients: Vec<_> = (0..16)
        .map(|_| tokio::spawn(ask_until(Arc::clone(&stop), replicas, Arc::clone(&failed))))
        .collect();
    let mut idle = Client::connect(leaving.address).await.unwrap();
    assert_eq!(idle.review("{}").await.unwrap().status, 200);
    let mut uploading = Client::connect(leaving.address).await.unwrap();
    let review = request(&" ".repeat(100));
    let (first, second) = review.split_at(review.len() - 10);
    uploading.send(first).await.unwrap();
    sleep(Duration::from_millis(200)).await;

    assert_eq!(get(leaving.health, "/readyz").await.status, 200);
    let begin = Instant::now();
    let drained = tokio::spawn(leaving.running.drain());
    sleep(Duration::from_millis(50)).await;
    let ready = get(leaving.health, "/readyz").await;
    assert_eq!(
        (ready.status, ready.text()),
        (503, "not ready: shutting down\n")
    );
    assert_eq!(get(leaving.health, "/livez").await.status, 200);
    assert!(!idle.review("{}").await.unwrap().is_last());

    sleep(Duration::from_millis(550)).await;
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

    sleep(Duration::from_millis(100)).await;
    stop.store(true, Ordering::Relaxed);
    let mut answered = 0;
    for client in clients {
        answered += client.await.unwrap();
    }
    assert_eq!(failed.load(Ordering::Relaxed), 0, "of {answered}");
    assert!(answered > 500, "{answered}");
    assert!(Client::connect(replicas[0]).await.is_err());
}

#[tokio::test]
async fn a_straggler_is_told_to_come_again_and_a_deaf_one_is_cut() {
    let drain = Drain {
        delay: Duration::ZERO,
        timeout: Duration::from_millis(1200),
    };
    let Started {
        address, running, ..
    } = start(Server { drain, ..server() }, counting()).await;
    let mut straggler = Client::connect(address).await.unwrap();
    let review = request("{}").replace("content-length: 2", "content-length: 20");
    straggler.send(&review).await.unwrap();
    let mut slow = Client::connect(address).await.unwrap();
    slow.send("POST /validate").await.unwrap();
    sleep(Duration::from_millis(50)).await;

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
