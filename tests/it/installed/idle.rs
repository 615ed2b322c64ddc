//! Connections that an API server leaves idle and takes up again: it keeps them for 90 s.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::sleep;

use crate::server::client::{Client, Started, counting, server, start};

/// Just before, at and after the moments at which servers and clients of the field give up.
const PAUSES: [Duration; 8] = [
    Duration::from_secs(1),
    Duration::from_millis(2500),
    Duration::from_secs(5),
    Duration::from_secs(29),
    Duration::from_secs(31),
    Duration::from_mins(1),
    Duration::from_secs(89),
    Duration::from_secs(95),
];

async fn reuse(connections: usize, pauses: &[Duration]) {
    let Started {
        address,
        running: _running,
        ..
    } = start(server(), counting()).await;
    let clients = (0..connections).map(|_| async {
        let mut client = Client::connect(address).await.unwrap();
        for pause in pauses {
            sleep(*pause).await;
            let reply = client.review("{}").await;
            assert!(reply.is_some_and(|reply| reply.status == 200), "{pause:?}");
        }
    });
    join_all(clients).await;
}

#[tokio::test]
async fn an_idle_connection_is_taken_up_again() {
    reuse(20, &PAUSES[..3]).await;
}

#[tokio::test]
#[ignore = "takes five minutes; `make soak` runs it"]
async fn an_idle_connection_is_taken_up_again_for_as_long_as_api_servers_keep_it() {
    reuse(100, &PAUSES).await;
}
