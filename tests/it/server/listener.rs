use std::sync::Arc;
use std::time::Duration;

use rustls::version::{TLS12, TLS13};
use tiller_guard::server::{Limits, OldestTls, Server};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::server::client::{
    By, Client, PATIENCE, Started, answer, client_config, counting, metric, request, server, start,
};

const SHORT: Duration = Duration::from_millis(200);

/// All deadlines that a client can meet, short; but for the idle one.
fn short() -> Limits {
    Limits {
        handshake: SHORT,
        head: SHORT,
        body: SHORT,
        answer: SHORT,
        linger: SHORT,
        ..Limits::default()
    }
}

async fn with(limits: Limits) -> Started {
    start(Server { limits, ..server() }, counting()).await
}

fn soon(waited: Duration) {
    assert!(SHORT * 9 / 10 <= waited && waited < SHORT * 8, "{waited:?}");
}

#[tokio::test]
async fn an_idle_connection_outlives_every_other_deadline() {
    let Started {
        address,
        running: _running,
        ..
    } = with(short()).await;
    let mut client = Client::connect(address).await.unwrap();
    for pause in [0, 100, 250, 600] {
        sleep(Duration::from_millis(pause)).await;
        let reply = client
            .review("{}")
            .await
            .expect("the connection is still there");
        assert_eq!((reply.status, reply.text()), (200, "2"));
        assert!(!reply.is_last());
    }
}

#[tokio::test]
async fn an_idle_connection_ends_cleanly_in_the_end() {
    let limits = Limits {
        idle: SHORT,
        ..Limits::default()
    };
    let Started {
        address,
        running: _running,
        ..
    } = with(limits).await;
    let mut unused = Client::connect(address).await.unwrap();
    let mut used = Client::connect(address).await.unwrap();
    assert_eq!(used.review("{}").await.unwrap().status, 200);
    for client in [&mut unused, &mut used] {
        // A close_notify came: the stream ends without an error.
        let read = timeout(PATIENCE, client.stream.read(&mut [0; 16]))
            .await
            .unwrap();
        assert_eq!(read.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_slow_head_is_cut_however_it_dribbles() {
    let Started {
        address,
        running: _running,
        ..
    } = with(short()).await;
    let mut silent = Client::connect(address).await.unwrap();
    silent
        .send("POST /validate HTTP/1.1\r\nhost:")
        .await
        .unwrap();
    soon(silent.closed().await);

    let mut dribbling = Client::connect(address).await.unwrap();
    assert_eq!(dribbling.review("{}").await.unwrap().status, 200);
    let begin = Instant::now();
    while dribbling.send("P").await.is_ok() && begin.elapsed() < PATIENCE {
        sleep(Duration::from_millis(20)).await;
    }
    soon(begin.elapsed());
}

#[tokio::test]
async fn a_slow_body_is_answered_and_closed() {
    let Started {
        address,
        health,
        running: _running,
    } = with(short()).await;
    let mut client = Client::connect(address).await.unwrap();
    let begin = Instant::now();
    client
        .send(&request("{}").replace("content-length: 2", "content-length: 20"))
        .await
        .unwrap();
    let reply = client.reply().await.unwrap();
    soon(begin.elapsed());
    assert_eq!(reply.status, 503);
    assert!(
        reply.is_last() && reply.head.contains("retry-after: 1"),
        "{}",
        reply.head
    );
    client.closed().await;
    metric(
        health,
        r#"tiller_guard_admission_shed_total{reason="late"} 1"#,
    )
    .await;
}

#[tokio::test]
async fn who_says_no_hello_is_cut() {
    let Started {
        address,
        health,
        running: _running,
    } = with(short()).await;
    let begin = Instant::now();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let read = timeout(PATIENCE, stream.read(&mut [0; 16])).await.unwrap();
    assert_eq!(read.unwrap_or(0), 0);
    soon(begin.elapsed());
    metric(
        health,
        r#"tiller_guard_tls_handshake_errors_total{reason="timeout"} 1"#,
    )
    .await;
    metric(health, "tiller_guard_admission_connections 0").await;
}

#[tokio::test]
async fn who_does_not_read_the_answer_is_cut() {
    let large = Arc::new(By(|_, _: &[u8]| Ok(answer(vec![b' '; 32 * 1024 * 1024]))));
    let server = Server {
        limits: short(),
        ..server()
    };
    let Started {
        address,
        health,
        running: _running,
    } = start(server, large).await;
    let mut client = Client::connect(address).await.unwrap();
    client.send(&request("{}")).await.unwrap();
    metric(health, "tiller_guard_admission_connections 1").await;
    let begin = Instant::now();
    metric(health, "tiller_guard_admission_connections 0").await;
    assert!(begin.elapsed() < SHORT * 8);
}

#[tokio::test]
async fn the_one_idle_longest_makes_room() {
    let limits = Limits {
        connections: 3,
        ..Limits::default()
    };
    let Started {
        address,
        running: _running,
        ..
    } = with(limits).await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = Client::connect(address).await.unwrap();
        assert_eq!(client.review("{}").await.unwrap().status, 200);
        clients.push(client);
        sleep(Duration::from_millis(5)).await;
    }
    // The first is now the one used last.
    assert_eq!(clients[0].review("{}").await.unwrap().status, 200);
    let mut late = Client::connect(address).await.unwrap();
    assert_eq!(late.review("{}").await.unwrap().status, 200);
    clients[1].closed().await;
    assert_eq!(clients[0].review("{}").await.unwrap().status, 200);
    assert_eq!(clients[2].review("{}").await.unwrap().status, 200);
}

#[tokio::test]
async fn a_crowd_of_strangers_takes_nothing_from_a_client() {
    let limits = Limits {
        connections: 16,
        ..Limits::default()
    };
    let Started {
        address,
        running: _running,
        ..
    } = with(limits).await;
    let mut client = Client::connect(address).await.unwrap();
    assert_eq!(client.review("{}").await.unwrap().status, 200);
    let mut crowd = Vec::new();
    for round in 0..100 {
        crowd.push(TcpStream::connect(address).await.unwrap());
        if round % 10 == 0 {
            assert_eq!(client.review("{}").await.unwrap().status, 200);
            let mut newcomer = Client::connect(address).await.unwrap();
            assert_eq!(newcomer.review("{}").await.unwrap().status, 200);
        }
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let Started {
        address,
        running: _running,
        ..
    } = with(short()).await;
    let mut client = Client::connect(address).await.unwrap();
    client
        .send(&(request("1") + &request("22") + &request("333")))
        .await
        .unwrap();
    for length in ["1", "2", "3"] {
        assert_eq!(client.reply().await.unwrap().text(), length);
    }
}

#[tokio::test]
async fn an_endless_body_is_answered_before_its_end() {
    const MIB: usize = 1024 * 1024;
    let Started {
        address,
        running: _running,
        ..
    } = with(Limits::default()).await;
    let mut client = Client::connect(address).await.unwrap();
    let head = "POST /mutate HTTP/1.1\r\nhost: guard\r\ncontent-type: application/json\r\n\
                transfer-encoding: chunked\r\n\r\n";
    client.send(head).await.unwrap();
    let chunk = format!("{MIB:x}\r\n{}\r\n", " ".repeat(MIB));
    let mut sent = 0;
    while sent < 1024 && client.send(&chunk).await.is_ok() {
        sent += 1;
    }
    assert!((7..=20).contains(&sent), "{sent} MiB were taken");
}

#[tokio::test]
async fn an_answer_given_early_arrives() {
    let Started {
        address,
        running: _running,
        ..
    } = with(Limits::default()).await;
    let mut client = Client::connect(address).await.unwrap();
    let large = request(&" ".repeat(7 * 1024 * 1024 + 1));
    client.send(&large).await.unwrap();
    let reply = client.reply().await.unwrap();
    assert_eq!(reply.status, 413);
    assert!(reply.is_last());
}

#[tokio::test]
async fn what_is_no_http_is_told_so_and_the_next_is_served() {
    let Started {
        address,
        running: _running,
        ..
    } = with(short()).await;
    let mut client = Client::connect(address).await.unwrap();
    client.send("\u{1}\u{2}\r\n\r\n").await.unwrap();
    assert_eq!(client.reply().await.unwrap().status, 400);
    let mut client = Client::connect(address).await.unwrap();
    client
        .send(&format!("POST /{} HTTP/1.1\r\n\r\n", "a".repeat(100_000)))
        .await
        .unwrap();
    assert!(matches!(client.reply().await.unwrap().status, 414 | 431));
    let mut client = Client::connect(address).await.unwrap();
    assert_eq!(client.review("{}").await.unwrap().status, 200);
}

#[tokio::test]
async fn only_http1_over_new_tls_is_spoken() {
    let Started {
        address,
        health,
        running: _running,
    } = with(Limits::default()).await;
    let refused = [
        client_config(&[&TLS12], &["http/1.1"]),
        client_config(&[&TLS13], &["h2"]),
    ];
    for config in refused {
        assert!(Client::connect_with(address, config).await.is_err());
    }
    metric(
        health,
        r#"tiller_guard_tls_handshake_errors_total{reason="incompatible"} 1"#,
    )
    .await;
    metric(
        health,
        r#"tiller_guard_tls_handshake_errors_total{reason="no_http1"} 1"#,
    )
    .await;
    let mut client = Client::connect_with(address, client_config(&[&TLS13], &[]))
        .await
        .unwrap();
    assert_eq!(client.review("{}").await.unwrap().status, 200);
}

#[tokio::test]
async fn older_tls_is_an_option() {
    let server = Server {
        oldest_tls: OldestTls::Tls12,
        ..server()
    };
    let Started {
        address,
        running: _running,
        ..
    } = start(server, counting()).await;
    for version in [&TLS12, &TLS13] {
        let config = client_config(&[version], &["http/1.1"]);
        let mut client = Client::connect_with(address, config).await.unwrap();
        assert_eq!(client.review("{}").await.unwrap().status, 200);
    }
}
